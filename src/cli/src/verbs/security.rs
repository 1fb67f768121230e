//! `security`: how exposed services are.
use super::Context;
use super::files::{complain, host_facts, named};
use crate::args::SecurityArgs;
use crate::failure::{FAILED, Failure};
use crate::render;
use gitproc_core::security::{Exposure, assess};
use gitproc_rpc::api::{Security, Units};

pub fn run(context: &Context, args: SecurityArgs) -> Result<u8, Failure> {
    let in_depth = !args.units.is_empty() || args.file.len() == 1;
    let (exposures, judged) = match args.file.is_empty() {
        false => of_files(context, &args)?,
        true => {
            let units = Units { units: args.units };
            (context.session()?.call::<Security>(&units)?, true)
        }
    };
    if context.output.json() {
        for exposure in &exposures {
            context.output.json_line(exposure)?;
        }
    } else {
        let palette = context.output.palette;
        let text = match in_depth {
            true => render::exposures_in_depth(&exposures, palette),
            false => render::exposures(&exposures, palette),
        };
        crate::output::print(&text)?;
    }
    let too_exposed = |exposure: &Exposure| exposure.tenths > args.threshold;
    let fine = judged && !exposures.iter().any(too_exposed);
    Ok(if fine { 0 } else { FAILED })
}

/// False: one of them can't be judged, and it was said why.
fn of_files(context: &Context, args: &SecurityArgs) -> Result<(Vec<Exposure>, bool), Failure> {
    let facts = host_facts(context)?;
    let (mut exposures, mut judged) = (Vec::new(), true);
    for path in &args.file {
        let (name, entry) = match named(path, args.instance.as_deref()) {
            Ok(found) => found,
            Err(failure) => {
                eprint!("{failure}");
                judged = false;
                continue;
            }
        };
        let (unit, findings) = gitproc_unit::load_alone(&name, entry, &facts);
        let errors = complain(&findings, |_| path.display().to_string());
        let exposure = unit.as_ref().and_then(|unit| assess(unit, &facts));
        if errors == 0 && exposure.is_none() {
            eprintln!(
                "{}: runs nothing, so there is nothing to judge",
                path.display()
            );
        }
        judged &= errors == 0 && exposure.is_some();
        exposures.extend(exposure);
    }
    Ok((exposures, judged))
}
