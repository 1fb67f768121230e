//! [Socket] (systemd.socket(5)). Sockets are read and shown; nothing listens yet.
use super::kind::{
    self, Kind, MODE, SIGNED, SPAN, SPAN_OR_FOREVER, SPELL_TEXT, TEXT, UNSIGNED, spell_number,
};
use super::path::{TRIGGER_LIMIT, TRIGGER_LIMIT_US};
use super::row::Write;
use super::{Family, Row};
use crate::c_escape::unescape;
use crate::command::parse_commands;
use crate::draft::{Context, Draft};
use crate::model::ExecCommand;
use crate::name::UnitName;
use crate::print::spelling;
use crate::property::PropertyValue::{self, Bool, List, Signed, Text, Unsigned};
use crate::settings::Setting;
use crate::value::{
    ValueError, absolute_path, choice, format_size, interface_is_valid, is_safe_path, parse_bool,
    parse_listen, parse_signed, parse_size, word_for,
};
use crate::words::{Split, Words};

fn kept(key: &'static str, kind: Kind, default: PropertyValue) -> Row {
    Row::kept(Family::Socket, key, kind, default)
}

fn flag(key: &'static str) -> Row {
    kept(key, Kind::Flag, Bool(false))
}

fn commands(key: &'static str) -> Row {
    Row::kept(Family::Socket, key, COMMANDS, Setting::Commands(Vec::new()))
}

macro_rules! listens {
    ($key:literal, $type:literal, $address:expr) => {
        listens!($key, $type, $address, Write::Elsewhere)
    };
    ($key:literal, $type:literal, $address:expr, $write:expr) => {
        Row::field(
            Family::Socket,
            $key,
            "address",
            |draft, cx, value| listens(draft, cx, [$key, $type], $address, value),
            $write,
        )
        .not_yet()
    };
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        listens!("ListenStream", "Stream", address, LISTENS)
            .shows("Listen", |unit| Some(List(unit.triggers.listens.clone()))),
        listens!("ListenDatagram", "Datagram", address),
        listens!("ListenSequentialPacket", "SequentialPacket", address),
        listens!("ListenFIFO", "FIFO", node),
        listens!("ListenNetlink", "Netlink", address),
        listens!("ListenSpecial", "Special", node),
        listens!("ListenMessageQueue", "MessageQueue", path),
        listens!("ListenUSBFunction", "USBFunction", path),
        kept("SocketProtocol", PROTOCOL, Signed(0)),
        kept("BindIPv6Only", IPV6_ONLY, "default".into()),
        kept("Backlog", UNSIGNED, Unsigned(2_147_483_647)),
        kept("BindToDevice", INTERFACE, PropertyValue::blank()),
        commands("ExecStartPre"),
        commands("ExecStartPost"),
        commands("ExecStopPre"),
        commands("ExecStopPost"),
        kept("TimeoutSec", SPAN_OR_FOREVER, Unsigned(90_000_000)),
        kept("SocketUser", ACCOUNT, PropertyValue::blank()),
        kept("SocketGroup", ACCOUNT, PropertyValue::blank()),
        kept("SocketMode", MODE, Unsigned(0o666)),
        kept("DirectoryMode", MODE, Unsigned(0o755)),
        flag("Accept"),
        flag("FlushPending"),
        flag("Writable"),
        kept("MaxConnections", UNSIGNED, Unsigned(64)),
        kept("MaxConnectionsPerSource", UNSIGNED, Unsigned(0)),
        flag("KeepAlive"),
        kept("KeepAliveTimeSec", SPAN, Unsigned(0)),
        kept("KeepAliveIntervalSec", SPAN, Unsigned(0)),
        kept("KeepAliveProbes", UNSIGNED, Unsigned(0)),
        kept("DeferAcceptSec", SPAN, Unsigned(0)),
        flag("NoDelay"),
        kept("Priority", SIGNED, Signed(-1)),
        kept("ReceiveBuffer", SIZE, Unsigned(0)),
        kept("SendBuffer", SIZE, Unsigned(0)),
        kept("IPTOS", IP_TOS, Signed(-1)),
        kept("IPTTL", SIGNED, Signed(-1)),
        kept("Mark", SIGNED, Signed(-1)),
        kept("PipeSize", SIZE, Unsigned(0)),
        flag("FreeBind"),
        flag("Transparent"),
        flag("Broadcast"),
        flag("PassCredentials"),
        flag("PassSecurity"),
        flag("PassPacketInfo"),
        kept("Timestamping", TIMESTAMPING, "off".into()),
        kept("TCPCongestion", PLAIN_TEXT, PropertyValue::blank()),
        flag("ReusePort"),
        kept("MessageQueueMaxMessages", LONG, Signed(0)),
        kept("MessageQueueMessageSize", LONG, Signed(0)),
        flag("RemoveOnStop"),
        kept("Symlinks", SYMLINKS, PropertyValue::empty()),
        kept("FileDescriptorName", DESCRIPTOR, PropertyValue::blank()),
        kept("Service", SERVICE, PropertyValue::blank()).property(""),
        kept(
            "TriggerLimitIntervalSec",
            TRIGGER_LIMIT,
            Unsigned(TRIGGER_LIMIT_US),
        ),
        kept("TriggerLimitBurst", UNSIGNED, Unsigned(20)).follows(&["Accept"]),
        flag("SELinuxContextFromNet").property(""),
        kept("SmackLabel", TEXT, PropertyValue::blank()),
        kept("SmackLabelIPIn", TEXT, PropertyValue::blank()),
        kept("SmackLabelIPOut", TEXT, PropertyValue::blank()),
    ]
}

fn listens(
    draft: &mut Draft,
    cx: &mut Context<'_>,
    [key, kind]: [&str; 2],
    parse: fn(&str, &str) -> Result<String, ValueError>,
    value: &str,
) -> Result<(), ValueError> {
    if value.is_empty() {
        draft.triggers.listens.clear();
        return Ok(());
    }
    let address = parse(key, &cx.resolve(value)?)?;
    if address.starts_with('/') && !is_safe_path(&address) {
        return Err(ValueError::not(&address, "path free of '..'"));
    }
    draft
        .triggers
        .listens
        .push(List(vec![kind.into(), Text(address)]));
    Ok(())
}

fn address(key: &str, text: &str) -> Result<String, ValueError> {
    Ok(parse_listen(key, text)?.to_string())
}

/// A path that is listened on; /var/run is /run.
fn node(_: &str, text: &str) -> Result<String, ValueError> {
    let path = absolute_path(text)?;
    Ok(match path.strip_prefix("/var/run/") {
        Some(rest) => format!("/run/{rest}"),
        None => path,
    })
}

fn path(_: &str, text: &str) -> Result<String, ValueError> {
    absolute_path(text)
}

/// The directives by the names under which systemd shows what they add.
const LISTENERS: &[(&str, &str)] = &[
    ("Stream", "ListenStream"),
    ("Datagram", "ListenDatagram"),
    ("SequentialPacket", "ListenSequentialPacket"),
    ("Netlink", "ListenNetlink"),
    ("FIFO", "ListenFIFO"),
    ("Special", "ListenSpecial"),
    ("MessageQueue", "ListenMessageQueue"),
    ("USBFunction", "ListenUSBFunction"),
];

const LISTENS: Write = Write::Shared(|unit| {
    let line = |entry: &PropertyValue| match entry.items() {
        [kind, address] => {
            let key = choice(LISTENERS, kind.text())?;
            let address = match kind.text() {
                // Addresses are kept as they show, with C escapes.
                "Stream" | "Datagram" | "SequentialPacket" => {
                    let bytes = unescape(address.text(), true, false).ok()?;
                    String::from_utf8(bytes).ok()?
                }
                _ => address.text().to_owned(),
            };
            Some((key.to_owned(), spelling::text(&address)))
        }
        _ => None,
    };
    unit.triggers.listens.iter().filter_map(line).collect()
});

const COMMANDS: Kind = Kind::Typed(
    "command lines",
    |value, cx, text| {
        let Setting::Commands(commands) = value else {
            unreachable!("the default of the row is of the same type");
        };
        if text.is_empty() {
            commands.clear();
        }
        commands.extend(parse_commands(text, |word| cx.resolve(word))?);
        Ok(())
    },
    kind::spell_typed!(Commands, |commands: &Vec<ExecCommand>| {
        commands.iter().map(spelling::command).collect()
    }),
);

/// Who a socket in the file system belongs to.
const ACCOUNT: Kind = Kind::By(
    "user name or uid",
    |value, cx, text| {
        let account = super::exec::account(cx, text)?;
        *value = Text(account.unwrap_or_default());
        Ok(())
    },
    SPELL_TEXT,
);

const DESCRIPTOR: Kind = Kind::By(
    "name",
    |value, cx, text| {
        let name = super::stdio::descriptor(cx, text)?;
        if name.is_empty() && !text.is_empty() {
            return Err(ValueError::not(text, "name: it resolves to nothing"));
        }
        *value = Text(name);
        Ok(())
    },
    SPELL_TEXT,
);

/// A whole number of 64 bits.
const LONG: Kind = Kind::By(
    "number",
    |value, _, text| {
        *value = Signed(parse_signed(text, i64::MIN, i64::MAX)?);
        Ok(())
    },
    |value| vec![kind::signed(value).to_string()],
);

const PLAIN_TEXT: Kind = Kind::By(
    "text",
    |value, _, text| {
        *value = text.into();
        Ok(())
    },
    |value| vec![value.text().to_owned()],
);

const IPV6_ONLY: Kind = Kind::By(
    "default, both, ipv6-only",
    |value, _, text| {
        *value = match parse_bool(text) {
            Ok(true) => "ipv6-only".into(),
            Ok(false) => "both".into(),
            Err(_) if matches!(text, "default" | "both" | "ipv6-only") => text.into(),
            Err(_) => {
                return Err(ValueError::not(
                    text,
                    "known value (one of default, both, ipv6-only)",
                ));
            }
        };
        Ok(())
    },
    SPELL_TEXT,
);

/// `*` is any, as nothing is.
const INTERFACE: Kind = Kind::By(
    "interface",
    |value, _, text| {
        *value = match text {
            "" | "*" => PropertyValue::blank(),
            name if interface_is_valid(name) => name.into(),
            name => return Err(ValueError::not(name, "interface (such as eth0)")),
        };
        Ok(())
    },
    |value| vec![value.text().to_owned()],
);

/// IP protocols by their numbers.
const PROTOCOLS: &[(&str, i32)] = &[("udplite", 136), ("sctp", 132)];

const PROTOCOL: Kind = Kind::By(
    "udplite, sctp",
    |value, _, text| {
        let number = choice(PROTOCOLS, text);
        let number = number.ok_or_else(|| ValueError::not(text, "protocol (udplite, sctp)"))?;
        *value = Signed(number.into());
        Ok(())
    },
    |value| {
        let word = word_for(PROTOCOLS, &kind::signed(value));
        word.into_iter().map(str::to_owned).collect()
    },
);

const SIZE: Kind = Kind::By(
    "size",
    |value, _, text| {
        *value = Unsigned(parse_size(text)?);
        Ok(())
    },
    spell_number!(format_size),
);

/// ip(7).
const TOS: &[(&str, i64)] = &[
    ("low-delay", 0x10),
    ("throughput", 0x08),
    ("reliability", 0x04),
    ("low-cost", 0x02),
];

const IP_TOS: Kind = Kind::By(
    "low-delay, throughput, reliability, low-cost, number",
    |value, _, text| {
        *value = Signed(match text.parse() {
            Err(_) if text.is_empty() => -1,
            Ok(number) if (0..=255).contains(&number) => number,
            Ok(_) | Err(_) => super::one_of(text, TOS)?,
        });
        Ok(())
    },
    |value| vec![kind::signed(value).to_string()],
);

const TIMESTAMPING: Kind = Kind::By(
    "off, us, ns",
    |value, _, text| {
        *value = match text {
            "off" | "us" | "ns" => text.into(),
            "usec" | "µs" => "us".into(),
            "nsec" => "ns".into(),
            text => match parse_bool(text)? {
                true => "ns".into(),
                false => "off".into(),
            },
        };
        Ok(())
    },
    SPELL_TEXT,
);

const SYMLINKS: Kind = Kind::By(
    "paths",
    |value, cx, text| {
        if text.is_empty() {
            *value = PropertyValue::empty();
            return Ok(());
        }
        let mut rest = Words::new(text);
        // The first one that is no path ends the list.
        while let Some(word) = rest
            .take(&Split::LIST)
            .map_err(|err| ValueError(err.to_string()))?
        {
            let path = absolute_path(&cx.resolve(&word)?)?;
            value.items_mut().push(Text(path));
        }
        Ok(())
    },
    kind::SPELL_WORDS,
);

const SERVICE: Kind = Kind::By(
    "name of a service",
    |value, cx, text| {
        let name = cx.resolve_name(text)?;
        let name = UnitName::parse(&name).map_err(|err| ValueError(err.to_string()))?;
        // No instance is made here: Accept= makes one for each connection.
        if name.is_template() {
            return Err(ValueError(format!("{name} lacks an instance")));
        }
        if name.kind() != crate::UnitKind::Service {
            return Err(ValueError::not(name.as_str(), "service"));
        }
        *value = Text(name.to_string());
        Ok(())
    },
    SPELL_TEXT,
);
