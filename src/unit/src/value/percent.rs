//! Shares: `%`, `‰` and `‱`, each with as many decimals as its unit needs.
use super::ValueError;
use super::integer::{NumberError, signed};

/// Whole per cent, 0 to 100.
pub fn parse_percent(text: &str) -> Result<u32, ValueError> {
    up_to(100, percent(text)).map_err(|err| err.say(text, "percentage (0% to 100%)"))
}

/// Whole per cent, 0 or more.
pub fn parse_percent_unbounded(text: &str) -> Result<u32, ValueError> {
    percent(text).map_err(|err| err.say(text, "percentage (such as 150%)"))
}

/// Tenths of a per cent, 0 to 1000: `55.5%` and `555‰`.
pub fn parse_permille(text: &str) -> Result<u32, ValueError> {
    up_to(1_000, permille(text)).map_err(|err| err.say(text, "share (0% to 100%)"))
}

/// Tenths of a per cent, 0 or more.
pub fn parse_permille_unbounded(text: &str) -> Result<u32, ValueError> {
    permille(text).map_err(|err| err.say(text, "share (such as 150.5%)"))
}

/// Hundredths of a per cent, 0 to 10000: `12.25%`, `122.5‰` and `1225‱`.
pub fn parse_permyriad(text: &str) -> Result<u32, ValueError> {
    up_to(10_000, permyriad(text)).map_err(|err| err.say(text, "share (0% to 100%)"))
}

/// Hundredths of a per cent, 0 or more.
pub fn parse_permyriad_unbounded(text: &str) -> Result<u32, ValueError> {
    permyriad(text).map_err(|err| err.say(text, "share (such as 150.25%)"))
}

/// `12.5%` of 1250 hundredths of a per cent.
pub fn format_permyriad(share: u64) -> String {
    let (whole, part) = (share / 100, share % 100);
    match (part / 10, part % 10) {
        (0, 0) => format!("{whole}%"),
        (tenths, 0) => format!("{whole}.{tenths}%"),
        (_, _) => format!("{whole}.{part:02}%"),
    }
}

fn up_to(max: u32, share: Result<u32, NumberError>) -> Result<u32, NumberError> {
    share.and_then(|share| match share <= max {
        true => Ok(share),
        false => Err(NumberError::Range),
    })
}

fn percent(text: &str) -> Result<u32, NumberError> {
    decimal(text.strip_suffix('%').ok_or(NumberError::Form)?, 0)
}

fn permille(text: &str) -> Result<u32, NumberError> {
    if let Some(number) = text.strip_suffix('‰') {
        return decimal(number, 0);
    }
    decimal(text.strip_suffix('%').ok_or(NumberError::Form)?, 1)
}

fn permyriad(text: &str) -> Result<u32, NumberError> {
    if let Some(number) = text.strip_suffix('‱') {
        return decimal(number, 0);
    }
    if let Some(number) = text.strip_suffix('‰') {
        return decimal(number, 1);
    }
    decimal(text.strip_suffix('%').ok_or(NumberError::Form)?, 2)
}

/// `number` times 10^places; a dot must be followed by one to `places` digits.
fn decimal(number: &str, places: usize) -> Result<u32, NumberError> {
    let (whole, part) = match number.split_once('.') {
        Some((whole, part)) => {
            let digits = part.bytes().all(|b| b.is_ascii_digit());
            if !digits || !(1..=places).contains(&part.len()) {
                return Err(NumberError::Form);
            }
            (whole, part)
        }
        None => (number, ""),
    };
    // Bounded by i32 as a whole, so that no share overflows where it is used.
    let whole = signed(whole, i64::from(i32::MIN), i64::from(i32::MAX))?;
    let part: i64 = format!("{part:0<places$}0").parse().unwrap_or(0) / 10;
    let scale = 10i64.pow(u32::try_from(places).unwrap_or(0));
    let share = whole * scale + part;
    match i32::try_from(share) {
        Ok(share) if whole >= 0 => u32::try_from(share).map_err(|_| NumberError::Range),
        Ok(_) | Err(_) => Err(NumberError::Range),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_shares() {
        for (text, share) in [
            ("0%", 0),
            ("12.5%", 1250),
            ("12.05%", 1205),
            ("0x10%", 1600),
            ("1.5‰", 15),
            ("7‱", 7),
            ("250%", 25_000),
        ] {
            assert_eq!(parse_permyriad_unbounded(text), Ok(share), "{text}");
        }
        for text in ["", "%", "1.%", ".5%", "1.234%", "1.5‱", "-1%", "1 %", "1"] {
            assert!(parse_permyriad_unbounded(text).is_err(), "{text}");
        }
        assert!(parse_permyriad("100.01%").is_err());
    }
}
