//! Sizes in bytes: `512M`, `1.5G`, `3G500M`; base 1024, largest unit first.
use super::ValueError;

const SUFFIXES: [(&str, u32); 7] = [
    ("E", 60),
    ("P", 50),
    ("T", 40),
    ("G", 30),
    ("M", 20),
    ("K", 10),
    ("B", 0),
];

/// Bytes.
pub fn parse_size(text: &str) -> Result<u64, ValueError> {
    parse(text).ok_or_else(|| ValueError::not(text, "size (such as 512M, 1.5G)"))
}

fn parse(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total: u64 = 0;
    let mut smallest = u32::MAX;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (whole, mut after) = rest.split_at(end);
        let whole: u64 = whole.parse().ok()?;
        let mut fraction = "";
        if let Some(tail) = after.strip_prefix('.') {
            let end = tail
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(tail.len());
            (fraction, after) = tail.split_at(end);
        }
        after = after.trim_start();
        let (shift, tail) = SUFFIXES
            .iter()
            .find_map(|(name, shift)| Some((*shift, after.strip_prefix(name)?)))
            .unwrap_or((0, after));
        // `3B3G` is a slip; only the same or a larger unit may come first.
        if shift >= smallest {
            return None;
        }
        smallest = shift;
        let bytes = u128::from(whole) << shift;
        total = total
            .checked_add(u64::try_from(bytes).ok()?)?
            .checked_add(part(fraction, shift))?;
        rest = tail.trim_start();
    }
    Some(total)
}

/// `0.fraction` of 2^shift, rounded down.
fn part(fraction: &str, shift: u32) -> u64 {
    // 18 digits say more than any size needs, and fit.
    let fraction = &fraction[..fraction.len().min(18)];
    let digits: u128 = fraction.parse().unwrap_or(0);
    let scale = 10u128.pow(u32::try_from(fraction.len()).unwrap_or(0));
    u64::try_from((digits << shift) / scale).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_sizes() {
        for (text, bytes) in [
            ("111.4", 111),
            (" 112.6 B", 112),
            ("3.5 K", 3584),
            ("3. K", 3072),
            ("3.0K", 3072),
            ("4.1M", 4_299_161),
            ("3G2B", 3_221_225_474),
            ("1E", 1 << 60),
        ] {
            assert_eq!(parse(text), Some(bytes), "{text}");
        }
        for text in ["", "M", "3B3G", "-1", "1 Q", "-10B 20K", "12X", "17E"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
