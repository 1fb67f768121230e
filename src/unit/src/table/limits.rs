//! Resource limits of processes (systemd.exec(5), setrlimit(2)).
use super::row::Write;
use super::service::lines;
use super::{Family, Row};
use crate::model::{Resource, Rlimit, Unit};
use crate::property::PropertyValue::{self, Unsigned};
use crate::value::{format_rlimit, parse_rlimit};

macro_rules! rlimit {
    ($hard:literal, $soft:literal, $resource:ident) => {
        Row::field(
            Family::Exec,
            $hard,
            "limit, or soft:hard",
            |draft, _, value| {
                let limit = parse_rlimit(Resource::$resource, value)?;
                draft.service.rlimits.insert(Resource::$resource, limit);
                Ok(())
            },
            lines!(s => {
                let limit = s.rlimits.get(&Resource::$resource).into_iter();
                limit.map(|limit| format_rlimit(*limit)).collect()
            }),
        )
        .shows_or(
            $hard,
            |unit| limit(unit, Resource::$resource, |limit| limit.hard),
            |facts| Unsigned(facts.rlimit(Resource::$resource).hard),
        )
        .shows_or(
            $soft,
            |unit| limit(unit, Resource::$resource, |limit| limit.soft),
            |facts| Unsigned(facts.rlimit(Resource::$resource).soft),
        )
    };
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        rlimit!("LimitCPU", "LimitCPUSoft", Cpu),
        rlimit!("LimitFSIZE", "LimitFSIZESoft", Fsize),
        rlimit!("LimitDATA", "LimitDATASoft", Data),
        rlimit!("LimitSTACK", "LimitSTACKSoft", Stack),
        rlimit!("LimitCORE", "LimitCORESoft", Core),
        rlimit!("LimitRSS", "LimitRSSSoft", Rss),
        rlimit!("LimitNOFILE", "LimitNOFILESoft", Nofile),
        rlimit!("LimitAS", "LimitASSoft", As),
        rlimit!("LimitNPROC", "LimitNPROCSoft", Nproc),
        rlimit!("LimitMEMLOCK", "LimitMEMLOCKSoft", Memlock),
        rlimit!("LimitLOCKS", "LimitLOCKSSoft", Locks),
        rlimit!("LimitSIGPENDING", "LimitSIGPENDINGSoft", Sigpending),
        rlimit!("LimitMSGQUEUE", "LimitMSGQUEUESoft", Msgqueue),
        rlimit!("LimitNICE", "LimitNICESoft", Nice),
        rlimit!("LimitRTPRIO", "LimitRTPRIOSoft", Rtprio),
        rlimit!("LimitRTTIME", "LimitRTTIMESoft", Rttime),
    ]
}

fn limit(unit: &Unit, resource: Resource, side: fn(&Rlimit) -> u64) -> Option<PropertyValue> {
    let limits = &unit.service.as_deref()?.rlimits;
    limits.get(&resource).map(|limit| Unsigned(side(limit)))
}
