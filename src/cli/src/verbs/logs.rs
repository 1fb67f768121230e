//! `logs`: what services have printed.
use super::Context;
use crate::args::{Format, LogsArgs};
use crate::failure::Failure;
use crate::output::print_bytes;
use crate::render;
use gitproc_rpc::api::{LogEntry, Logs, LogsParams};
use std::ops::ControlFlow;

/// Lines when neither `-n` says how many nor one unit is named. Enough to see what went on.
const LINES_DEFAULT: u64 = 100;

/// Prints them, and with `-f` goes on until the reader has enough.
pub fn run(context: &Context, args: LogsArgs) -> Result<u8, Failure> {
    let mut units = args.units;
    units.extend(args.unit);
    let everything = units.is_empty();
    let params = LogsParams {
        units,
        lines: args
            .lines
            .or((everything || args.follow).then_some(LINES_DEFAULT)),
        follow: args.follow,
    };
    let mut failure = None;
    context
        .session()?
        .call_streaming::<Logs>(&params, |method, raw| {
            if method != "log" {
                return ControlFlow::Continue(());
            }
            let printed = serde_json::from_str(raw.get())
                .map_err(|error| Failure::caused("log line of the daemon", &error))
                .and_then(|entry| print_bytes(&line(context, &entry, raw.get())));
            match printed {
                Ok(true) => ControlFlow::Continue(()),
                Ok(false) => ControlFlow::Break(()),
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
    failure.map_or(Ok(0), |failure: Failure| Err(failure))
}

fn line(context: &Context, entry: &LogEntry, raw: &str) -> Vec<u8> {
    match context.output.format {
        Some(Format::Json) => format!("{raw}\n").into_bytes(),
        Some(Format::Cat) => render::cat_line(entry),
        None | Some(Format::Table | Format::Short) => {
            render::short_line(entry, context.output.palette).into_bytes()
        }
    }
}
