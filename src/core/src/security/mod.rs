//! How exposed a service is, and which directive would help most: `gitproc security`.
//!
//! The measure is that of `systemd-analyze security` (systemd 252): the same checks with the same
//! weights, so that units compare alike under both. One row of [`checks`] for each; how a row is
//! judged is in [`judge`].
mod checks;
mod judge;

use gitproc_unit::{HostFacts, Unit, UnitName};
use serde::{Deserialize, Serialize};

/// A service, as far as it is exposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    /// The service.
    pub unit: UnitName,
    /// 0 to 100: 96 is shown as "9.6".
    #[serde(rename = "exposure", with = "shown")]
    pub tenths: u32,
    /// In a word.
    #[serde(rename = "predicate")]
    pub level: Level,
    /// Each check, the worst first.
    pub checks: Vec<Assessment>,
    /// What would help, the most first.
    pub remedies: Vec<Remedy>,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// As systemd names it.
    pub name: String,
    /// Nothing is left to be done; `None`: it does not matter here.
    pub set: Option<bool>,
    /// In words.
    pub description: String,
    /// Its part of the exposure, in tenths.
    #[serde(rename = "exposure", with = "shown")]
    pub tenths: u32,
}

/// A line that a unit can be given, and what it takes off at most, in tenths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// Such as `PrivateNetwork=yes`.
    pub line: String,
    /// Of the exposure.
    #[serde(rename = "exposure", with = "shown")]
    pub tenths: u32,
}

/// Tenths as they are shown: 96 as "9.6".
pub fn show(tenths: u32) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// The same in JSON, as systemd-analyze has it.
mod shown {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(tenths: &u32, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::show(*tenths))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
        let text = String::deserialize(from)?;
        let number = text.split_once('.').and_then(|(whole, tenth)| {
            let (whole, tenth): (u32, u32) = (whole.parse().ok()?, tenth.parse().ok()?);
            whole.checked_mul(10)?.checked_add(tenth)
        });
        number.ok_or_else(|| Error::custom("no exposure such as 9.6"))
    }
}

/// Names of exposures (systemd-analyze(1)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs)]
pub enum Level {
    Perfect,
    Safe,
    Ok,
    Medium,
    Exposed,
    Unsafe,
    Dangerous,
}

impl Level {
    /// By the exposure, in tenths.
    pub const fn of(tenths: u32) -> Level {
        match tenths {
            0 => Level::Perfect,
            1..10 => Level::Safe,
            10..50 => Level::Ok,
            50..75 => Level::Medium,
            75..90 => Level::Exposed,
            90..100 => Level::Unsafe,
            _ => Level::Dangerous,
        }
    }

    /// As it is shown.
    pub const fn name(self) -> &'static str {
        match self {
            Level::Perfect => "PERFECT",
            Level::Safe => "SAFE",
            Level::Ok => "OK",
            Level::Medium => "MEDIUM",
            Level::Exposed => "EXPOSED",
            Level::Unsafe => "UNSAFE",
            Level::Dangerous => "DANGEROUS",
        }
    }
}

/// Judges a service; `None` of what is none.
pub fn assess(unit: &Unit, facts: &HostFacts) -> Option<Exposure> {
    let view = judge::View::of(unit, facts)?;
    let judged: Vec<(&checks::Check, judge::Found)> = checks::CHECKS
        .iter()
        .map(|check| (check, view.judge(check)))
        .collect();
    let counted = || {
        let counted = judged.iter();
        counted.filter_map(|(check, found)| Some((*check, found.badness?)))
    };
    let sum: u32 = counted()
        .map(|(check, badness)| (badness * check.weight).div_ceil(check.range))
        .sum();
    let weights: u32 = counted().map(|(check, _)| check.weight).sum();
    let part = |check: &checks::Check, badness: u32| {
        (badness * check.weight * 100)
            .div_ceil(check.range)
            .div_ceil(weights)
    };
    let mut assessments: Vec<Assessment> = judged
        .iter()
        .map(|(check, found)| Assessment {
            name: check.name.to_owned(),
            set: found.badness.map(|badness| badness == 0),
            description: found.description.clone(),
            tenths: found.badness.map_or(0, |badness| part(check, badness)),
        })
        .collect();
    // Stable: among equals the order of the table.
    assessments.sort_by_key(|check| (std::cmp::Reverse(check.tenths), check.set.is_none()));
    let tenths = (sum * 100).div_ceil(weights);
    Some(Exposure {
        unit: unit.name.clone(),
        tenths,
        level: Level::of(tenths),
        checks: assessments,
        remedies: remedies(counted(), weights),
    })
}

/// One line often helps with several checks.
fn remedies<'a>(
    counted: impl Iterator<Item = (&'a checks::Check, u32)>,
    weights: u32,
) -> Vec<Remedy> {
    let mut gains: Vec<(&str, u32)> = Vec::new();
    for (check, badness) in counted.filter(|(_, badness)| *badness > 0) {
        let gain = badness * check.weight * 100 / check.range;
        match gains.iter_mut().find(|(line, _)| *line == check.remedy) {
            Some((_, sum)) => *sum += gain,
            None => gains.push((check.remedy, gain)),
        }
    }
    gains.sort_by_key(|(_, gain)| std::cmp::Reverse(*gain));
    let remedy = |(line, gain): (&str, u32)| Remedy {
        line: line.to_owned(),
        tenths: gain / weights,
    };
    gains.into_iter().map(remedy).collect()
}
