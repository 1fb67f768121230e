//! Weights: a unit's part of what its neighbours compete for.
use super::ValueError;
use super::integer::unsigned;

/// `CPUWeight=`: 1 to 10000, `idle` (0), or empty for none (`u64::MAX`).
pub fn parse_cpu_weight(text: &str) -> Result<u64, ValueError> {
    match text {
        "idle" => Ok(0),
        text => between(text, 1, 10_000, "CPU weight (1 to 10000, or idle)"),
    }
}

/// `IOWeight=`: 1 to 10000, or empty for none (`u64::MAX`).
pub fn parse_io_weight(text: &str) -> Result<u64, ValueError> {
    between(text, 1, 10_000, "IO weight (1 to 10000)")
}

/// `CPUShares=`: 2 to 262144, or empty for none (`u64::MAX`).
pub fn parse_cpu_shares(text: &str) -> Result<u64, ValueError> {
    between(text, 2, 262_144, "CPU shares (2 to 262144)")
}

/// `BlockIOWeight=`: 10 to 1000, or empty for none (`u64::MAX`).
pub fn parse_block_io_weight(text: &str) -> Result<u64, ValueError> {
    between(text, 10, 1_000, "block IO weight (10 to 1000)")
}

fn between(text: &str, min: u64, max: u64, wanted: &str) -> Result<u64, ValueError> {
    if text.is_empty() {
        return Ok(u64::MAX);
    }
    let weight = unsigned(text, max).map_err(|err| err.say(text, wanted))?;
    match weight < min {
        true => Err(ValueError::beyond(text, wanted)),
        false => Ok(weight),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parser, least and greatest weight.
    type Case = (fn(&str) -> Result<u64, ValueError>, u64, u64);

    #[test]
    fn weights_have_bounds() {
        let cases: [Case; 4] = [
            (parse_cpu_weight, 1, 10_000),
            (parse_io_weight, 1, 10_000),
            (parse_cpu_shares, 2, 262_144),
            (parse_block_io_weight, 10, 1_000),
        ];
        for (parse, min, max) in cases {
            assert_eq!(parse(&min.to_string()), Ok(min));
            assert_eq!(parse(&max.to_string()), Ok(max));
            assert_eq!(parse(""), Ok(u64::MAX));
            for text in [
                (min - 1).to_string(),
                (max + 1).to_string(),
                "-1".into(),
                "x".into(),
            ] {
                assert!(parse(&text).is_err(), "{text}");
            }
        }
        assert_eq!(parse_cpu_weight("idle"), Ok(0));
        assert!(parse_io_weight("idle").is_err());
    }
}
