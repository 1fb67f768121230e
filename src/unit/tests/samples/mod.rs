//! Values that directives take, by what the table says that they take; and units of every kind.
#![allow(dead_code)] // each test uses its part
use gitproc_unit::{HostFacts, Loaded, Row, TreeEntry, TreeFiles, Unit, UnitKind, UnitName, load};

/// A unit of each kind that says no more than it has to: its name, its own section, and a line.
pub const UNITS: [(&str, &str); 12] = [
    ("x.service", "ExecStart=/bin/true"),
    ("x.target", ""),
    ("x.timer", "OnBootSec=1h"),
    ("x.socket", "ListenStream=/run/x"),
    ("x.path", "PathExists=/x"),
    ("srv-x.mount", "What=/dev/x"),
    ("srv-x.automount", ""),
    ("dev-x.swap", ""),
    ("x.slice", ""),
    ("x.scope", ""),
    ("x@a-b.service", "ExecStart=/bin/true"),
    ("x@.service", "ExecStart=/bin/true"),
];

/// The least unit that has `section`, as its name and its text.
pub fn least(section: &str) -> (UnitName, String) {
    let own = |kind: UnitKind| match kind {
        // Targets have no section of their own.
        UnitKind::Target => "Target",
        kind => kind.section(),
    };
    let units = UNITS.map(|(name, line)| (UnitName::parse(name).expect(name), line));
    let found = units.iter().find(|(name, _)| own(name.kind()) == section);
    let (name, line) = found.unwrap_or(&units[0]);
    // Only templates have a default instance.
    let template = UnitName::parse("x@.service").expect("a name");
    let name = if section == "Install" {
        &template
    } else {
        name
    };
    let text = match line.is_empty() {
        true => "[Unit]\n".to_owned(),
        false => format!("[{}]\n{line}\n", own(name.kind())),
    };
    (name.clone(), text)
}

/// Reads a unit that stands alone.
pub fn loaded(name: &UnitName, text: &str) -> Loaded {
    let mut tree = TreeFiles::default();
    tree.entries
        .insert(name.to_string(), TreeEntry::File(text.to_owned()));
    load(&tree, &HostFacts::example())
}

/// The same, as a unit.
pub fn unit(name: &UnitName, text: &str) -> Unit {
    let loaded = loaded(name, text);
    let unit = loaded.unit(name).cloned();
    unit.unwrap_or_else(|| panic!("{name} is not read from\n{text}"))
}

/// Legal values of a row, of which one at least is not its default; none for rows without effect.
pub fn values(row: &Row) -> Vec<&str> {
    match row.key {
        "X-*" => return Vec::new(),
        "Slice" => return vec!["a-b.slice"],
        "Service" => return vec!["y.service"],
        "Sockets" => return vec!["y.socket z.socket"],
        "Alias" => return vec!["y@.service"],
        "Personality" => return vec!["x86"],
        "LimitNICE" => return vec!["7", "-5:infinity"],
        "DeviceAllow" => return vec!["/dev/null r", "char-tty", "/dev/x rw"],
        "DefaultInstance" => return vec!["one"],
        "ListenStream" | "ListenDatagram" => return vec!["80", "[::1]:53%%eth0", "@x", "/run/a b"],
        "ListenSequentialPacket" => return vec!["/run/é"],
        "ListenNetlink" => return vec!["kobject-uevent 1"],
        _ => {}
    }
    if let Some(older) = row.value.strip_prefix("as `") {
        return match older.split('=').next() {
            Some("StartLimitIntervalSec") => vec!["7s"],
            Some("StartLimitBurst") => vec!["7"],
            Some("StartLimitAction" | "FailureAction" | "SuccessAction") => vec!["reboot"],
            Some("RebootArgument") => vec!["text"],
            Some(key) if key.ends_with("Paths") => vec!["/a"],
            Some(_) | None => vec!["y.service"],
        };
    }
    match row.value.as_str() {
        "" => vec![],
        "yes or no" => vec!["yes", "no"],
        "path" | "path, or ~" | "path pattern" => vec!["/a/b", "/a b", "/a%%b"],
        "time span" | "time span, in ns without a unit" => vec!["7s", "1min 30s", "1.5ms"],
        "time span, 0 is infinity" | "time span, 0 is infinity; empty: as TimeoutStopSec=" => {
            vec!["7s", "0", "infinity"]
        }
        "unit names" => vec!["y.service", "y.target z@1.service a\\x2db.mount"],
        "text" | "name" | "unit name" if row.key == "Unit" => vec!["y.service"],
        "text" => vec!["some text", "a \"b\" %% \\c", "x"],
        "name" => vec!["apart"],
        "number" => vec!["7", "0"],
        "limit, or soft:hard" => vec!["7:9", "infinity", "8:infinity"],
        "octal mode" => vec!["0700", "4711"],
        "command lines" => vec![
            "/bin/a b",
            "-@:+/bin/a zero \"b c\" $X ${Y}; \\; %% '' \\x41\\n",
            "!!/bin/a ; /bin/b 'x\"y'",
        ],
        "size, percentage, infinity" => vec!["512M", "50%", "infinity", "1025"],
        "size, 64K at least, or 0" => vec!["128K", "0"],
        "number, 0 to 32" => vec!["7", "0"],
        "size" => vec!["8K", "1025"],
        "address" => vec!["/run/y"],
        "paths, - and + before each" => vec!["-/a +/b \"/c d\" -+/e", "/a%%b"],
        "device and rate" => vec!["/dev/sda 5M", "\"/dev/a b\" 7"],
        "device and weight" => vec!["/dev/sda 100"],
        "device and time span" => vec!["/dev/sda 25ms"],
        "[slice:]percentage[/span]" => vec!["10%", "|!a.slice:5%/1min"],
        "relative paths, each with :link" => vec!["x/y", "b a"],
        "CPUs or nodes (0-3,8)" | "CPUs (0-3,8), or numa" | "nodes, or all" => vec!["0-3 8", "100"],
        "signal" | "signal; as KillSignal= unless set" => vec!["SIGUSR1", "RTMIN+3"],
        "label, - before it" => vec!["-label", "a b"],
        "exit statuses and signals" => vec!["7 TEMPFAIL SIGHUP"],
        "source:destination:rbind or norbind" => {
            vec!["/a -/b:/c", "/a:/b:norbind \"/c:d\":/e"]
        }
        "paths of BPF programs" | "paths" | "absolute paths" => vec!["/a/b \"/c d\""],
        "networks, any, localhost, link-local, multicast" => vec!["any", "10.1.2.3/8 ::1"],
        "family:protocol:ports" => vec!["ipv4:tcp:80-90", "any", "udp", "1-65535"],
        "capabilities, ~ inverts" => vec!["CAP_CHOWN cap_kill 50", "~CAP_CHOWN", "CAP_KILL"],
        "0 to 255" => vec!["7"],
        "0 to 99" | "0 to 7" | "-20 to 19" | "-1000 to 1000" => vec!["7", "0"],
        "10 to 1000" | "1 to 10000" | "2 to 262144" => vec!["500"],
        "1 to 10000, or idle" => vec!["500", "idle"],
        "syslog level" | "syslog facility" => {
            vec!["debug", "1"].split_off(usize::from(row.value == "syslog facility"))
        }
        "ID:PATH, or ID" => vec!["a:/b", "c", "d:e"],
        "ID:TEXT with C escapes" => vec!["a:b\\x00\\nc ", "d: e%\\s"],
        "ID:BASE64" => vec!["a:aGk="],
        "yes, no, or kinds of namespace; ~ inverts" => vec!["yes", "net user", "~time ipc"],
        "yes, no, or controllers" => vec!["yes", "cpu memory", "no"],
        "user name or uid" | "group name or gid" => vec!["someone", "1000"],
        "group names or gids" => vec!["a b 7"],
        "type:path" => vec!["egress:/a"],
        "text with C escapes" => vec!["a\\tb"],
        "system calls and @groups; ~ inverts" => vec!["read write", "~@clock", "~"],
        "system calls and @groups, with :errno; ~ inverts" => {
            vec!["@system-service", "~@clock:EPERM read", "~write", "read"]
        }
        "source:partition:options" => vec!["-/a:root:ro", "/b"],
        "source:destination:partition:options" => vec!["/a:/b", "-/a:/b:usr:ro,x:var:rw"],
        "percentage of one CPU" => vec!["150%", "12.25%"],
        "percentage" => vec!["50%", "33.33%"],
        "path:options" => vec!["/a:size=5%", "/b"],
        "partition:options" => vec!["usr:ro", "ro"],
        "number, percentage, infinity" => vec!["7", "10%", "infinity"],
        "names of variables, or assignments" => vec!["A B=c"],
        "names of variables" => vec!["A B"],
        "low-delay, throughput, reliability, low-cost, number" => vec!["low-delay", "7"],
        "kinds of mapping, or a hexadecimal mask" => {
            vec!["private-dax", "0x400 default", "all", "0"]
        }
        "keep-caps, noroot, no-setuid-fixup, each with -locked" => vec!["keep-caps noroot-locked"],
        "journal fields FIELD=VALUE" => vec!["A=1 \"B=x y\\tz%%\""],
        "interfaces; ~ inverts" => vec!["eth0 lo", "~eth0"],
        "interface" => vec!["eth0"],
        "hexadecimal digits, or path" => vec!["00112233445566778899aabbccddeeff", "/a"],
        "base64:DATA, or path" => vec!["base64:aGk=", "/a"],
        "base64" => vec!["aGk="],
        "file systems and @groups; ~ inverts" => vec!["ext4 tmpfs", "~ext4"],
        "errno, or kill" => vec!["EPERM", "4095"],
        "directories between colons" => vec!["/a:/b c"],
        "device and access (rwm)" => vec!["/dev/null r"],
        "controllers" => vec!["cpu io"],
        "calendar expression" => vec!["daily", "Mon *-*-* 04:00 UTC"],
        "bus name" => vec!["org.example.Name"],
        "assignments" => vec!["A=b \"C=d e\\n\\\"%%\"", "A="],
        "architectures, or native" => vec!["native x86"],
        "address families, none; ~ inverts" => vec!["none", "AF_UNIX AF_INET", "~AF_PACKET"],
        "URIs" => vec!["man:a(1) https://example.org/%%20"],
        "null, tty, tty-force, tty-fail, data, file:PATH, socket, fd:NAME" => {
            vec!["tty", "file:/a b", "fd:x", "fd"]
        }
        "inherit, null, tty, journal, kmsg, journal+console, kmsg+console, file:PATH, append:PATH, truncate:PATH, socket, fd:NAME" =>
        {
            vec!["null", "append:/a b", "socket", "inherit", "journal"]
        }
        // Conditions that take any text.
        _ if row.property == "Conditions" || row.property == "Asserts" => match &*row.value {
            "/var or /etc" => vec!["/var"],
            _ => vec!["some text", "|!x", "!y"],
        },
        // The words themselves.
        words => words.split(", ").collect(),
    }
}

/// Whether changing one row by a value that is not its default shows somewhere.
pub fn has_effect(row: &Row) -> bool {
    !values(row).is_empty()
}
