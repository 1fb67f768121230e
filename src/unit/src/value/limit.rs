//! Resource limits (setrlimit(2)).
use super::integer::{NumberError, unsigned};
use super::{ValueError, parse_size, parse_timespan, parse_timespan_with_unit};
use crate::model::{Resource, Rlimit};
use crate::words::{Split, Words};

/// Names of the resources, by the number that the kernel gives them.
const RESOURCES: [(&str, Resource); 16] = [
    ("CPU", Resource::Cpu),
    ("FSIZE", Resource::Fsize),
    ("DATA", Resource::Data),
    ("STACK", Resource::Stack),
    ("CORE", Resource::Core),
    ("RSS", Resource::Rss),
    ("NPROC", Resource::Nproc),
    ("NOFILE", Resource::Nofile),
    ("MEMLOCK", Resource::Memlock),
    ("AS", Resource::As),
    ("LOCKS", Resource::Locks),
    ("SIGPENDING", Resource::Sigpending),
    ("MSGQUEUE", Resource::Msgqueue),
    ("NICE", Resource::Nice),
    ("RTPRIO", Resource::Rtprio),
    ("RTTIME", Resource::Rttime),
];

/// The resource called `NOFILE`.
pub fn resource_from_name(name: &str) -> Option<Resource> {
    let found = RESOURCES.iter().find(|(known, _)| *known == name);
    found.map(|&(_, resource)| resource)
}

/// The resource that `LimitNOFILE`, `RLIMIT_NOFILE` or `NOFILE` is about.
pub fn resource_from_directive(key: &str) -> Option<Resource> {
    let prefixed = key
        .strip_prefix("RLIMIT_")
        .or_else(|| key.strip_prefix("Limit"));
    resource_from_name(prefixed.unwrap_or(key))
}

/// The number that the kernel gives to the resource.
pub fn resource_number(resource: Resource) -> u32 {
    let at = RESOURCES.iter().position(|(_, known)| *known == resource);
    let at = at.expect("RESOURCES has every resource");
    u32::try_from(at).expect("RESOURCES is short")
}

/// `SOFT:HARD`, or one value for both, in the unit of setrlimit(2).
pub fn parse_rlimit(resource: Resource, text: &str) -> Result<Rlimit, ValueError> {
    let mut fields = Words::new(text);
    let soft = fields.take(&Split::FIELDS);
    let soft = soft.map_err(|err| ValueError(err.to_string()))?;
    let soft = bound(resource, &soft.unwrap_or_default())?;
    let limit = Rlimit {
        soft,
        hard: match fields.rest() {
            Some(hard) => bound(resource, hard)?,
            None => soft,
        },
    };
    if limit.soft > limit.hard {
        return Err(ValueError(format!(
            "soft limit above hard limit in '{text}'"
        )));
    }
    Ok(limit)
}

/// `SOFT:HARD`, or one value when both are the same.
pub fn format_rlimit(limit: Rlimit) -> String {
    let one = |value| match value {
        u64::MAX => "infinity".to_owned(),
        value => value.to_string(),
    };
    match limit.soft == limit.hard {
        true => one(limit.soft),
        false => format!("{}:{}", one(limit.soft), one(limit.hard)),
    }
}

/// `u64::MAX` is infinity.
fn bound(resource: Resource, text: &str) -> Result<u64, ValueError> {
    if text == "infinity" {
        return Ok(u64::MAX);
    }
    match resource {
        // Whole seconds, rounded up: a limit of 0 would kill at once.
        Resource::Cpu => parse_timespan(text).map(|us| match us {
            u64::MAX => u64::MAX,
            us => us.div_ceil(1_000_000),
        }),
        // A bare number is µs here, not seconds.
        Resource::Rttime => parse_timespan_with_unit(text, 1),
        Resource::Nice => nice(text)
            .map_err(|err| err.say(text, "nice limit (-20 to +19 with a sign, or 0 to 40)")),
        Resource::Fsize
        | Resource::Data
        | Resource::Stack
        | Resource::Core
        | Resource::Rss
        | Resource::As
        | Resource::Memlock
        | Resource::Msgqueue => parse_size(text).and_then(|size| match size {
            // It would read as infinity.
            u64::MAX => Err(ValueError::beyond(text, "limit")),
            size => Ok(size),
        }),
        Resource::Nofile
        | Resource::Nproc
        | Resource::Locks
        | Resource::Sigpending
        | Resource::Rtprio => unsigned(text, u64::MAX - 1)
            .map_err(|err| err.say(text, "limit (a number, or infinity)")),
    }
}

/// `+5` and `-5` are nice levels, which the kernel counts as 20 - level; a bare number is raw.
fn nice(text: &str) -> Result<u64, NumberError> {
    if let Some(level) = text.strip_prefix('+') {
        Ok(20 - unsigned(level, 19)?)
    } else if let Some(level) = text.strip_prefix('-') {
        Ok(20 + unsigned(level, 20)?)
    } else {
        unsigned(text, 40)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_limits() {
        let both = |n| Rlimit { soft: n, hard: n };
        for (resource, text, limit) in [
            (Resource::Nofile, "0x10", both(16)),
            (Resource::Cpu, "infinity", both(u64::MAX)),
            (Resource::Rttime, "500ms", both(500_000)),
            (Resource::Memlock, "64K", both(65536)),
            (
                Resource::Core,
                "0:infinity",
                Rlimit {
                    soft: 0,
                    hard: u64::MAX,
                },
            ),
        ] {
            assert_eq!(parse_rlimit(resource, text), Ok(limit), "{text}");
        }
        for text in [":", "4:", ":4", "10:5", "-1", "18446744073709551615"] {
            assert!(parse_rlimit(Resource::Nofile, text).is_err(), "{text}");
        }
    }

    #[test]
    fn resources_have_the_kernels_numbers() {
        assert_eq!(resource_number(Resource::Cpu), 0);
        assert_eq!(resource_number(Resource::Nofile), 7);
        assert_eq!(resource_number(Resource::Rttime), 15);
    }

    #[test]
    fn prints_what_it_reads() {
        for (soft, hard) in [(1, 2), (3, 3), (4, u64::MAX), (u64::MAX, u64::MAX)] {
            let limit = Rlimit { soft, hard };
            let again = parse_rlimit(Resource::Nofile, &format_rlimit(limit));
            assert_eq!(again, Ok(limit));
        }
    }
}
