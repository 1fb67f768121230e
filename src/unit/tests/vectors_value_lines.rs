//! Single lines of many directives, against what systemd 252 said of a service with just that
//! line: whether it complained, and what it showed.
mod table;

use gitproc_unit::Resource;
use gitproc_unit::value::{self, CpuSet, Interfaces, ValueError};
use table::{check, same};

/// Bytes of memory and number of tasks that the host of the table has.
const MEMORY: u64 = 25_276_510_208;
const TASKS: u64 = 32_768;

type Shown = Result<String, ValueError>;

fn plain<T: ToString>(got: Result<T, ValueError>) -> Shown {
    got.map(|value| value.to_string())
}

/// What a list holds after the line, and whether the line was good.
fn gathered<T: Default>(
    line: &str,
    apply: impl Fn(&mut T, &str) -> Result<(), ValueError>,
    show: impl Fn(&T) -> Vec<String>,
) -> (String, bool) {
    let mut state = T::default();
    let good = apply(&mut state, line).is_ok();
    (show(&state).join(" "), good)
}

fn single(key: &str, text: &str) -> Option<Shown> {
    let limit = |resource| {
        let limit = value::parse_rlimit(resource, text);
        limit.map(|limit| format!("{}:{}", limit.soft, limit.hard))
    };
    let memory = || value::parse_memory(text, value::MemoryZero::of(key));
    Some(match key {
        "OOMScoreAdjust" => plain(value::parse_oom_score_adjust(text)),
        "LimitNOFILE" => limit(Resource::Nofile),
        "LimitCORE" => limit(Resource::Core),
        "CPUQuota" => plain(value::parse_cpu_quota(text)),
        "MemoryMin" | "MemoryMax" => plain(memory().map(|amount| amount.of(MEMORY, 4096))),
        "TasksMax" => plain(value::parse_tasks_max(text).map(|amount| {
            let amount = amount.expect("the table has no empty line for it");
            amount.of(TASKS, 1)
        })),
        "KillSignal" => plain(value::parse_signal(text)),
        "SyslogFacility" => plain(value::parse_log_facility(text)),
        "SyslogLevel" => plain(value::parse_log_level(text)),
        "CPUShares" => plain(value::parse_cpu_shares(text)),
        "CPUSchedulingPolicy" => plain(value::parse_cpu_policy(text)),
        "NUMAPolicy" => plain(value::parse_numa_policy(text)),
        "User" => value::parse_user_name(text, value::NameRules::DIRECTIVE),
        "IOSchedulingClass" => {
            let mut io = value::IoScheduling::default();
            value::apply_io_class(&mut io, text).map(|()| io.class.to_string())
        }
        "CoredumpFilter" => {
            let mut mask = None;
            let outcome = value::apply_dump_filter(&mut mask, text);
            outcome.map(|()| mask.map_or(String::new(), |mask: u64| mask.to_string()))
        }
        "ManagedOOMMemoryPressureLimit" => value::parse_pressure_limit(text).map(|limit| {
            let share = (u64::from(limit) * 10_000 + 0x7fff_ffff) / u64::from(u32::MAX);
            format!("{}.{:02}%", share / 100, share % 100)
        }),
        _ => return None,
    })
}

fn list(key: &str, text: &str) -> (String, bool) {
    let pairs = |list: &Vec<(String, u64)>| -> Vec<String> {
        list.iter()
            .map(|(path, number)| format!("{path} {number}"))
            .collect()
    };
    match key {
        "AllowedCPUs" => gathered(text, value::apply_cpu_set, |set: &CpuSet| {
            vec![set.to_string()]
        }),
        "IPAddressAllow" => gathered(text, value::apply_address_prefixes, |set| {
            set.iter().map(ToString::to_string).collect()
        }),
        "SocketBindAllow" => gathered(text, value::apply_socket_bind, |list: &Vec<_>| {
            list.iter().map(socket_bind).collect()
        }),
        "DeviceAllow" => gathered(text, value::apply_device_rule, |list: &Vec<_>| {
            let show = |rule: &value::DeviceRule| format!("{} {}", rule.device, rule.access);
            list.iter().map(show).collect()
        }),
        "RestrictNetworkInterfaces" => gathered(text, Interfaces::apply, |interfaces| {
            interfaces.names.iter().cloned().collect()
        }),
        "LogExtraFields" => gathered(text, value::apply_log_fields, Vec::clone),
        "IODeviceWeight" => gathered(text, value::apply_device_weight, pairs),
        "IOReadBandwidthMax" => gathered(text, value::apply_device_limit, pairs),
        "Delegate" => gathered(text, value::apply_delegate, |delegate: &value::Delegate| {
            let mut shown = vec![if delegate.on { "yes" } else { "no" }];
            shown.extend(delegate.controllers.names());
            shown.into_iter().map(str::to_owned).collect()
        }),
        "CapabilityBoundingSet" => {
            let mut set = u64::MAX;
            let good = value::apply_capabilities(&mut set, u64::MAX, text).is_ok();
            let shown = match (set, !set) {
                (u64::MAX, _) => "all".to_owned(),
                (_, out) if out.count_ones() < 32 => {
                    format!("all but {}", value::format_capabilities(out))
                }
                (set, _) => value::format_capabilities(set),
            };
            (shown, good)
        }
        other => panic!("no directive {other}"),
    }
}

fn socket_bind(rule: &value::SocketBind) -> String {
    let ports = match (rule.ports, rule.first_port) {
        (0, _) => "any".to_owned(),
        (1, first) => first.to_string(),
        (count, first) => format!("{first}-{}", first - 1 + count),
    };
    let protocol = if rule.protocol == 6 { "tcp:" } else { "" };
    format!("{protocol}{ports}")
}

#[test]
fn single_lines() {
    check(include_str!("vectors/value-lines.tsv"), |row| {
        let (key, text) = (row.text("key"), row.text("text"));
        let (shown, good) = match single(&key, &text) {
            Some(got) => (got.as_ref().ok().cloned(), got.is_ok()),
            None => {
                let (shown, good) = list(&key, &text);
                (Some(shown), good)
            }
        };
        same(good, row.text("outcome") == "ok")?;
        match row.option("shown") {
            Some(expected) => same(shown, Some(expected)),
            None => Ok(()),
        }
    });
}
