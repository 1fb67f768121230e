//! [Service]: limits on the control group (systemd.resource-control(5)).
use super::Row;
use super::service::of;
use crate::model::{MemoryAmount, TasksAmount};
use crate::property::PropertyValue::Unsigned;
use crate::value::{ValueError, parse_permyriad_unbounded, parse_size};

/// 100%, in hundredths.
const WHOLE: u32 = 10_000;

macro_rules! memory {
    ($key:literal, $field:ident) => {
        Row::new(
            "Service",
            $key,
            "size, percentage, infinity",
            |draft, _, value| {
                draft.service.resources.$field = memory(value)?;
                Ok(())
            },
        )
    };
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        memory!("MemoryMax", memory_max).shows("MemoryMax", |unit| {
            amount(unit.service.as_deref()?.resources.memory_max)
        }),
        memory!("MemoryHigh", memory_high).shows("MemoryHigh", |unit| {
            amount(unit.service.as_deref()?.resources.memory_high)
        }),
        // The name of before cgroup v2.
        memory!("MemoryLimit", memory_max),
        Row::new(
            "Service",
            "CPUQuota",
            "percentage of one CPU",
            |draft, _, value| {
                draft.service.resources.cpu_quota_per_sec_us = match value {
                    "" => None,
                    value => match parse_permyriad_unbounded(value).ok() {
                        Some(share) if share > 0 => Some(u64::from(share) * 100),
                        Some(_) | None => {
                            return Err(ValueError::not(value, "percentage above 0 (such as 50%)"));
                        }
                    },
                };
                Ok(())
            },
        )
        .shows(
            "CPUQuotaPerSecUSec",
            of!(s => Unsigned(s.resources.cpu_quota_per_sec_us.unwrap_or(u64::MAX))),
        ),
        Row::new(
            "Service",
            "TasksMax",
            "number, percentage, infinity",
            |draft, _, value| {
                draft.service.resources.tasks_max = tasks(value)?;
                Ok(())
            },
        )
        .shows("TasksMax", |unit| {
            match unit.service.as_deref()?.resources.tasks_max {
                Some(TasksAmount::Count(count)) => Some(Unsigned(count)),
                // The host decides what a share of it is.
                Some(TasksAmount::Permyriad(share)) => {
                    Some(crate::PropertyValue::Text(percent(share)))
                }
                None => None,
            }
        }),
    ]
}

fn amount(amount: Option<MemoryAmount>) -> Option<crate::PropertyValue> {
    Some(match amount {
        None => Unsigned(u64::MAX),
        Some(MemoryAmount::Bytes(bytes)) => Unsigned(bytes),
        Some(MemoryAmount::Permyriad(share)) => crate::PropertyValue::Text(percent(share)),
    })
}

fn percent(share: u32) -> String {
    format!("{}.{:02}%", share / 100, share % 100)
}

fn memory(value: &str) -> Result<Option<MemoryAmount>, ValueError> {
    if matches!(value, "" | "infinity") {
        return Ok(None);
    }
    let amount = match parse_permyriad_unbounded(value).ok() {
        Some(share) if share <= WHOLE => MemoryAmount::Permyriad(share),
        Some(_) => return Err(ValueError::not(value, "percentage up to 100%")),
        None => MemoryAmount::Bytes(parse_size(value)?),
    };
    match amount {
        MemoryAmount::Bytes(0) | MemoryAmount::Permyriad(0) => Err(ValueError(
            "no memory at all can't be meant; leave the value empty for no limit".into(),
        )),
        MemoryAmount::Bytes(_) | MemoryAmount::Permyriad(_) => Ok(Some(amount)),
    }
}

fn tasks(value: &str) -> Result<Option<TasksAmount>, ValueError> {
    if matches!(value, "" | "infinity") {
        return Ok(None);
    }
    match (parse_permyriad_unbounded(value).ok(), value.parse()) {
        (Some(share), _) if (1..=WHOLE).contains(&share) => Ok(Some(TasksAmount::Permyriad(share))),
        (None, Ok(count)) if count > 0 => Ok(Some(TasksAmount::Count(count))),
        (_, _) => Err(ValueError::not(
            value,
            "number of tasks above 0, percentage, or infinity",
        )),
    }
}
