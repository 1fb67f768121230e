//! `logs`: what services have printed.
use super::Context;
use crate::args::{Format, LogsArgs, StreamArg};
use crate::failure::{Failure, USAGE};
use crate::output::print_bytes;
use crate::render;
use gitproc_rpc::api::{LogEntry, LogStream, Logs, LogsParams};
use gitproc_unit::value::{ValueError, Zones, parse_log_level, parse_timestamp};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::ops::ControlFlow;

/// Lines when neither `-n` says how many nor one unit is named. Enough to see what went on.
const LINES_DEFAULT: u64 = 100;

/// Prints them, and with `-f` goes on until the reader has enough.
pub fn run(context: &Context, args: LogsArgs) -> Result<u8, Failure> {
    let params = params(&args)?;
    // Of what comes in order of time the newest first can only be said at the end.
    let mut reversed: Option<Vec<Vec<u8>>> = args.reverse.then(Vec::new);
    let mut failure = None;
    context
        .session()?
        .call_streaming::<Logs>(&params, |method, raw| {
            if method != "log" {
                return ControlFlow::Continue(());
            }
            let printed = serde_json::from_str(raw.get())
                .map_err(|error| Failure::caused("log line of the daemon", &error))
                .map(|entry| line(context, &entry, raw.get()))
                .and_then(|line| match &mut reversed {
                    None => print_bytes(&line),
                    Some(lines) => {
                        lines.push(line);
                        Ok(true)
                    }
                });
            match printed {
                Ok(true) => ControlFlow::Continue(()),
                Ok(false) => ControlFlow::Break(()),
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
    for line in reversed.into_iter().flatten().rev() {
        if !print_bytes(&line)? {
            break;
        }
    }
    failure.map_or(Ok(0), |failure: Failure| Err(failure))
}

fn params(args: &LogsArgs) -> Result<LogsParams, Failure> {
    let mut units = args.units.clone();
    units.extend(args.unit.iter().cloned());
    let wrong = |option: &str, cause: ValueError| Failure::new(USAGE, format!("{option}: {cause}"));
    let now_us = Timestamp::now().as_microsecond();
    let now_us = u64::try_from(now_us).unwrap_or(0);
    let time = |option: &str, text: &Option<String>| {
        let text = text.as_deref();
        let time = text.map(|text| parse_timestamp(text, now_us, &HostZones));
        time.transpose().map_err(|cause| wrong(option, cause))
    };
    let priority = args.priority.as_deref().map(parse_log_level).transpose();
    let priority = priority.map_err(|cause| wrong("--priority", cause))?;
    // Who says what is wanted wants all of it.
    let chosen = !units.is_empty()
        || args.since.is_some()
        || args.until.is_some()
        || args.grep.is_some()
        || args.priority.is_some()
        || args.stream.is_some()
        || args.invocation.is_some()
        || args.rev.is_some();
    let bounded = !chosen || args.follow && args.since.is_none();
    Ok(LogsParams {
        units,
        lines: args.lines.or(bounded.then_some(LINES_DEFAULT)),
        follow: args.follow,
        since_us: time("--since", &args.since)?,
        until_us: time("--until", &args.until)?,
        priority: priority.and_then(|level| u8::try_from(level).ok()),
        stream: args.stream.map(|stream| match stream {
            StreamArg::Stdout => LogStream::Stdout,
            StreamArg::Stderr => LogStream::Stderr,
            StreamArg::Gitproc => LogStream::Gitproc,
        }),
        grep: args.grep.clone(),
        invocation: args.invocation.clone(),
        rev: args.rev.clone(),
    })
}

/// Time zones of this host.
struct HostZones;

impl Zones for HostZones {
    fn local(&self) -> TimeZone {
        TimeZone::system()
    }

    fn named(&self, name: &str) -> Option<TimeZone> {
        TimeZone::get(name).ok()
    }
}

fn line(context: &Context, entry: &LogEntry, raw: &str) -> Vec<u8> {
    match context.output.format {
        Some(Format::Json) => format!("{raw}\n").into_bytes(),
        Some(Format::Cat) => render::cat_line(entry),
        Some(Format::Export) => render::export_entry(entry),
        None | Some(Format::Table | Format::Short) => {
            render::short_line(entry, context.output.palette).into_bytes()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Arguments, Verb};
    use clap::Parser as _;

    #[test]
    fn who_says_what_is_wanted_gets_all_of_it() {
        for (line, lines) in [
            ("", Some(LINES_DEFAULT)),
            ("-n 3", Some(3)),
            ("web", None),
            ("-u web", None),
            ("-g x", None),
            ("-S yesterday", None),
            ("web -f", Some(LINES_DEFAULT)),
            ("web -f -g x", Some(LINES_DEFAULT)),
            ("-f --since -1h", None),
            ("-f --since -1h -n 2", Some(2)),
        ] {
            let words = ["gitproc", "logs"]
                .into_iter()
                .chain(line.split_whitespace());
            let arguments = Arguments::try_parse_from(words).expect("good");
            let Verb::Logs(args) = arguments.verb else {
                panic!("these are logs");
            };
            assert_eq!(params(&args).expect("good").lines, lines, "{line}");
        }
    }
}
