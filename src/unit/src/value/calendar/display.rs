//! Prints an expression in systemd's normalised form: `Mon,Tue *-*-01..07 04:00:00 UTC`.
use super::chain::{Chain, EVERY_SECOND, SECOND, Then};
use super::{CalendarSpec, EVERY_DAY, WEEKDAYS, Zone};
use std::fmt;

impl fmt::Display for CalendarSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.weekdays != EVERY_DAY {
            f.write_str(&weekdays(self.weekdays))?;
            f.write_str(" ")?;
        }
        let dash = if self.end_of_month { '~' } else { '-' };
        let [year, month, day, hour, minute] = [
            (&self.year, 4),
            (&self.month, 2),
            (&self.day, 2),
            (&self.hour, 2),
            (&self.minute, 2),
        ]
        .map(|(chain, width)| list(chain, |value| format!("{value:0width$}"), 1));
        let second = match self.microsecond.components() == [EVERY_SECOND] {
            true => "*".into(),
            false => list(&self.microsecond, fraction, SECOND),
        };
        write!(f, "{year}-{month}{dash}{day} {hour}:{minute}:{second}")?;
        match &self.zone {
            Zone::Local => Ok(()),
            Zone::Utc => f.write_str(" UTC"),
            Zone::Named(word) => write!(f, " {word}"),
        }
    }
}

/// Runs of three days and more are ranges: `Mon..Fri,Sun`.
fn weekdays(mask: u8) -> String {
    let mut runs: Vec<Vec<&str>> = vec![Vec::new()];
    for (bit, (name, _)) in WEEKDAYS.iter().enumerate() {
        match (mask & (1 << bit) != 0, runs.last_mut()) {
            (true, Some(run)) => run.push(name),
            (false, Some(run)) if !run.is_empty() => runs.push(Vec::new()),
            (_, _) => {}
        }
    }
    let texts: Vec<String> = runs
        .iter()
        .filter_map(|run| match run.as_slice() {
            [] => None,
            [first, _, .., last] => Some(format!("{first}..{last}")),
            few => Some(few.join(",")),
        })
        .collect();
    texts.join(",")
}

/// `usual_step` is what a range goes in when it says nothing.
fn list(chain: &Chain, value: impl Fn(i64) -> String, usual_step: i64) -> String {
    if chain.components().is_empty() {
        return "*".into();
    }
    let step = |step: i64| match usual_step {
        SECOND => format!("/{}{}", step / SECOND, decimals(step)),
        _ => format!("/{step}"),
    };
    let texts: Vec<String> = chain
        .components()
        .iter()
        .map(|one| {
            let first = value(one.first);
            match one.then {
                Then::End => first,
                Then::Every { step: by } => first + &step(by),
                Then::UpTo { last, step: by } if by == usual_step => {
                    format!("{first}..{}", value(last))
                }
                Then::UpTo { last, step: by } => format!("{first}..{}{}", value(last), step(by)),
            }
        })
        .collect();
    texts.join(",")
}

fn fraction(us: i64) -> String {
    format!("{:02}{}", us / SECOND, decimals(us))
}

/// `.000001`, or nothing for whole seconds.
fn decimals(us: i64) -> String {
    match us % SECOND {
        0 => String::new(),
        rest => format!(".{rest:06}"),
    }
}
