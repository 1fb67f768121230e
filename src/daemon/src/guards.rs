//! The guards of a service's cgroup: programs that the kernel asks about devices, packets and sockets.
use crate::devices;
use gitproc_core::guards::{binds, devices as device, interfaces, packets};
use gitproc_core::protocol::Failure;
use gitproc_core::spec::ExecStep;
use gitproc_sys::bpf::{Question, guard};
use gitproc_sys::cgroup::UnitCgroup;
use gitproc_unit::Family::{Exec, Resource};
use gitproc_unit::{Setting, Unit};
use std::os::fd::AsFd;
use std::sync::Arc;

/// One guard: for which directive, what it is asked, what it answers.
struct Guard {
    directive: &'static str,
    question: Question,
    program: Vec<u8>,
    /// Another directive does the same in another way, so that it may be lacking.
    spare: bool,
}

/// Sets up what the unit asks for; the slices around it have their say too, as they are defined at
/// the start. The error is for the start: a service that asks for a guard must not run without,
/// unless it may be `degraded`. What it lacks then is told.
pub fn set(
    unit: &Unit,
    slices: &[Arc<Unit>],
    cgroup: &UnitCgroup,
    degraded: bool,
) -> Result<Vec<String>, Failure> {
    let guards = wanted(unit, slices);
    if guards.is_empty() {
        return Ok(Vec::new());
    }
    let payload = match cgroup.payload_fd() {
        Ok(Some(payload)) => Ok(payload),
        Ok(None) => Err(("there is no v2 cgroup".to_owned(), 0)),
        Err(error) => Err((error.to_string(), error.errno())),
    };
    let mut lacking = Vec::new();
    for wanted in guards {
        let done = payload.as_ref().map_err(Clone::clone).and_then(|payload| {
            guard(payload.as_fd(), wanted.question, &wanted.program)
                .map_err(|error| (error.to_string(), error.errno()))
        });
        let Err((why, errno)) = done else { continue };
        let detail = format!("{why} for {}=", wanted.directive);
        if !degraded && !wanted.spare {
            return Err(Failure {
                step: ExecStep::Cgroup,
                errno,
                detail,
            });
        }
        let cause = nix::errno::Errno::from_raw(errno).desc();
        lacking.push(match errno {
            0 => detail,
            _ => format!("{detail}: {cause}"),
        });
    }
    Ok(lacking)
}

/// What `PrivateDevices=` adds to its mounts, by which devices are hidden anyway.
fn is_spare(unit: &Unit) -> bool {
    let allowed = unit.settings.get(Resource, "DeviceAllow");
    let named = matches!(allowed, Setting::Devices(rules) if !rules.is_empty());
    let closed = unit.settings.text(Resource, "DevicePolicy") == "closed";
    unit.settings.is_true(Exec, "PrivateDevices") && closed && !named
}

fn wanted(unit: &Unit, slices: &[Arc<Unit>]) -> Vec<Guard> {
    let units = || slices.iter().map(|slice| &**slice).chain([unit]);
    // Each has to allow a device; networks are one list.
    let devices = units().filter_map(|unit| {
        let rules = device::wanted(unit)?;
        Some(Guard {
            directive: "DevicePolicy",
            question: Question::Device,
            program: device::program(&devices::allowed(&rules)),
            spare: is_spare(unit),
        })
    });
    let networks = packets::wanted(units());
    let packets = networks.iter().flat_map(|networks| {
        [
            (Question::Ingress, packets::Direction::Ingress),
            (Question::Egress, packets::Direction::Egress),
        ]
        .map(|(question, direction)| Guard {
            directive: "IPAddressDeny",
            question,
            program: packets::program(networks, direction),
            spare: false,
        })
    });
    let interfaces = units().filter_map(interfaces::wanted).flat_map(|wanted| {
        let numbers = wanted.names.iter();
        let numbers: Vec<u32> = numbers.filter_map(|name| number_of(name)).collect();
        [Question::Ingress, Question::Egress].map(|question| Guard {
            directive: "RestrictNetworkInterfaces",
            question,
            program: interfaces::program(&numbers, wanted.allow),
            spare: false,
        })
    });
    let binds = units().filter_map(binds::wanted).flat_map(|wanted| {
        [Question::Bind4, Question::Bind6].map(|question| Guard {
            directive: "SocketBindDeny",
            question,
            program: binds::program(&wanted),
            spare: false,
        })
    });
    devices
        .chain(packets)
        .chain(interfaces)
        .chain(binds)
        .collect()
}

/// Of an interface that there is.
fn number_of(interface: &str) -> Option<u32> {
    nix::net::if_::if_nametoindex(interface).ok()
}
