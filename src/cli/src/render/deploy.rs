//! Plans, how an apply ended, and what was deployed before.
use super::table::{Cell, table};
use super::words::{ago, printable};
use super::{Palette, Tone};
use gitproc_core::CommitId;
use gitproc_core::generation::{GenerationKind, GenerationRecord, Outcome};
use gitproc_core::plan::{PlanAction, PlannedChange};
use gitproc_rpc::api::{ApplyReport, PlanView};
use gitproc_unit::{Diagnostic, Severity};
use std::fmt::Write;

/// What would change, unit by unit.
pub fn plan(view: &PlanView, palette: Palette) -> String {
    let from = view.from.as_ref().map_or("nothing", CommitId::short);
    let mut out = format!("plan {from} → {}\n", view.to.short());
    let changes = &view.plan.changes;
    let width = changes
        .iter()
        .map(|change| change.unit.as_str().len())
        .max();
    for PlannedChange {
        unit,
        action,
        reason,
    } in changes
    {
        let (sign, tone) = match action {
            PlanAction::Start => ("+", Tone::Good),
            PlanAction::Restart | PlanAction::Update => ("~", Tone::Busy),
            PlanAction::Stop => ("-", Tone::Bad),
        };
        let sign = palette.paint(tone, sign);
        let width = width.unwrap_or(0);
        let _ = writeln!(out, "  {sign} {unit:width$}  {}", printable(reason));
    }
    let refused = |found: &Diagnostic| found.severity == Severity::Error;
    let refused = view.diagnostics.iter().any(refused);
    let _ = match (changes.len(), view.plan.unchanged) {
        _ if refused => writeln!(out, "refused, so nothing would change:"),
        (0, count) => writeln!(out, "nothing changes ({count} units stay as they are)"),
        (_, count) => writeln!(out, "{count} stay as they are"),
    };
    for diagnostic in &view.diagnostics {
        let _ = writeln!(out, "{}", printable(&diagnostic.to_string()));
    }
    out
}

/// How an apply ended.
pub fn report(report: &ApplyReport, palette: Palette) -> String {
    let mut out = String::new();
    for diagnostic in &report.diagnostics {
        let _ = writeln!(out, "{}", printable(&diagnostic.to_string()));
    }
    for (unit, reason) in &report.skipped {
        let _ = writeln!(out, "{unit}: skipped: {}", printable(reason));
    }
    for (unit, reason) in &report.failed {
        let failed = palette.paint(Tone::Bad, "failed");
        let _ = writeln!(out, "{unit}: {failed}: {}", printable(reason));
    }
    // The head was not looked at: another ref was pushed, or nobody waits.
    let Some(commit) = report.commit.as_ref().map(CommitId::short) else {
        return out;
    };
    let generation = report
        .generation
        .map(|number| format!(" as generation {number}"));
    let generation = generation.unwrap_or_default();
    let _ = match report.outcome {
        None => writeln!(out, "nothing to do: {commit} is what runs"),
        Some(outcome) => writeln!(out, "{} {commit}{generation}", outcome_words(outcome)),
    };
    out
}

fn outcome_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pending => "applying",
        Outcome::Applied => "deployed",
        Outcome::AppliedDegraded => "deployed, with failures,",
        Outcome::Superseded => "superseded:",
        Outcome::Rejected => "refused",
    }
}

/// Generations, as they come.
pub fn history(records: &[GenerationRecord], now_us: u64, palette: Palette) -> String {
    let rows: Vec<_> = records
        .iter()
        .map(|record| {
            let (outcome, tone) = match record.outcome {
                Outcome::Pending => ("under way", Tone::Busy),
                Outcome::Applied => ("applied", Tone::Good),
                Outcome::AppliedDegraded => ("applied, degraded", Tone::Bad),
                Outcome::Superseded => ("superseded", Tone::Faint),
                Outcome::Rejected => ("refused", Tone::Bad),
            };
            let kind = match record.kind {
                GenerationKind::Initial => "initial",
                GenerationKind::Push => "push",
                GenerationKind::Rollback => "rollback",
            };
            let reason = record.reason.as_ref().map(|reason| format!(" ({reason})"));
            let why = format!("{}{}", record.subject, reason.unwrap_or_default());
            [
                Cell::plain(format!("@{}", record.number)),
                Cell::plain(record.commit.short()),
                Cell::plain(ago(now_us, record.started_us)),
                Cell::plain(kind),
                Cell(tone, outcome.to_owned()),
                Cell::plain(printable(&record.actor)),
                Cell::plain(printable(&why)),
            ]
        })
        .collect();
    let titles = ["GEN", "COMMIT", "WHEN", "KIND", "OUTCOME", "BY", "WHY"];
    table(titles, &rows, palette)
}
