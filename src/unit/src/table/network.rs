//! With whom a unit may talk: addresses, ports, interfaces, BPF programs
//! (systemd.resource-control(5)).
use super::kind::{self, Kind, typed};
use crate::print::spelling;
use crate::property::PropertyValue;
use crate::value::list::room;
use crate::value::{
    AddressPrefix, Interfaces, SocketBind, ValueError, absolute_path, apply_address_prefixes,
    apply_socket_bind,
};
use std::collections::BTreeSet;

pub(super) const NETWORKS: Kind = typed!(
    "networks, any, localhost, link-local, multicast",
    Networks,
    apply_address_prefixes,
    |networks: &BTreeSet<AddressPrefix>| {
        spelling::joined(networks.iter().map(ToString::to_string))
    }
);
pub(super) const SOCKET_BIND: Kind = typed!(
    "family:protocol:ports",
    Sockets,
    apply_socket_bind,
    |rules: &Vec<SocketBind>| {
        // The newest comes first.
        rules.iter().rev().map(ToString::to_string).collect()
    }
);
pub(super) const INTERFACES: Kind = typed!(
    "interfaces; ~ inverts",
    Interfaces,
    Interfaces::apply,
    Interfaces::to_lines
);
pub(super) const BPF_PATHS: Kind = Kind::By(
    "path",
    |value, cx, text| {
        if text.is_empty() {
            *value = PropertyValue::empty();
            return Ok(());
        }
        let path = PropertyValue::Text(absolute_path(&cx.resolve(text)?)?);
        let items = value.items_mut();
        room(items.len())?;
        if !items.contains(&path) {
            items.push(path);
        }
        Ok(())
    },
    |value| {
        let paths = value.items().iter().map(PropertyValue::text);
        paths.map(spelling::text).collect()
    },
);

/// Where a program can be attached (bpftool-cgroup(8)).
const ATTACH_TYPES: &[&str] = &[
    "ingress",
    "egress",
    "sock_create",
    "sock_ops",
    "device",
    "bind4",
    "bind6",
    "connect4",
    "connect6",
    "post_bind4",
    "post_bind6",
    "sendmsg4",
    "sendmsg6",
    "sysctl",
    "recvmsg4",
    "recvmsg6",
    "getsockopt",
    "setsockopt",
];

pub(super) const BPF_PROGRAM: Kind = Kind::By(
    "type:path",
    |value, cx, text| {
        if text.is_empty() {
            *value = PropertyValue::empty();
            return Ok(());
        }
        let (attach, path) = text
            .split_once(':')
            .ok_or_else(|| ValueError::not(text, "BPF program (type:path)"))?;
        if !ATTACH_TYPES.contains(&attach) {
            let wanted = "place of a BPF program (such as egress)";
            return Err(ValueError::not(attach, wanted));
        }
        let path = absolute_path(&cx.resolve(path)?)?;
        room(value.items().len())?;
        value
            .items_mut()
            .insert(0, kind::pair(attach, PropertyValue::Text(path)));
        Ok(())
    },
    |value| {
        let line = |item: &PropertyValue| match item.items() {
            [attach, path] => Some(format!("{}:{}", attach.text(), spelling::text(path.text()))),
            _ => None,
        };
        value.items().iter().rev().filter_map(line).collect()
    },
);
