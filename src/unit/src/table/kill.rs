//! How a unit's processes are ended (systemd.kill(5)).
use super::kind::SIGNAL;
use super::row::Write;
use super::service::{flag, lines, of};
use super::{Family, Row, one_of, spelled, word_of};
use crate::draft::{Context, Draft};
use crate::model::KillMode;
use crate::print::spelling;
use crate::property::PropertyValue::{Bool, Signed};
use crate::value::{ValueError, parse_bool, parse_signal};

const KILL_MODES: &[(&str, KillMode)] = &[
    ("control-group", KillMode::ControlGroup),
    ("mixed", KillMode::Mixed),
    ("process", KillMode::Process),
    ("none", KillMode::None),
];

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::field(
            Family::Kill,
            "KillMode",
            "control-group, mixed, process, none",
            kill_mode,
            lines!(s => vec![spelled(s.kill.mode, KILL_MODES)]),
        )
        .shows("KillMode", of!(s => word_of(s.kill.mode, KILL_MODES)))
        .partly("with process and none, what is left is killed when the namespace ends"),
        Row::field(
            Family::Kill,
            "KillSignal",
            "signal",
            |draft, _, value| {
                draft.service.kill.kill_signal = parse_signal(value)?;
                Ok(())
            },
            lines!(s => vec![spelling::signal(s.kill.kill_signal)]),
        )
        .shows("KillSignal", of!(s => Signed(s.kill.kill_signal.into()))),
        Row::field(
            Family::Kill,
            "RestartKillSignal",
            "signal; as KillSignal= unless set",
            |draft, _, value| {
                draft.service.kill.restart_kill_signal = Some(parse_signal(value)?);
                Ok(())
            },
            lines!(s => {
                let signal = s.kill.restart_kill_signal.into_iter();
                signal.map(spelling::signal).collect()
            }),
        )
        .shows(
            "RestartKillSignal",
            of!(s => {
                let kill = &s.kill;
                Signed(kill.restart_kill_signal.unwrap_or(kill.kill_signal).into())
            }),
        ),
        Row::field(
            Family::Kill,
            "FinalKillSignal",
            "signal",
            |draft, _, value| {
                draft.service.kill.final_kill_signal = parse_signal(value)?;
                Ok(())
            },
            lines!(s => vec![spelling::signal(s.kill.final_kill_signal)]),
        )
        .shows(
            "FinalKillSignal",
            of!(s => Signed(s.kill.final_kill_signal.into())),
        ),
        Row::kept(Family::Kill, "WatchdogSignal", SIGNAL, Signed(6)).honoured(),
        // Of systemd 253, which has it in [Service]: what Type=notify-reload sends.
        Row::kept(Family::Service, "ReloadSignal", SIGNAL, Signed(1)).honoured(),
        flag!(Kill, "SendSIGHUP", kill.send_sighup),
        flag!(Kill, "SendSIGKILL", kill.send_sigkill)
            .partly("with no, what is left is killed when the namespace ends"),
    ]
}

fn kill_mode(draft: &mut Draft, cx: &mut Context<'_>, value: &str) -> Result<(), ValueError> {
    let mode = match value {
        "" => KillMode::ControlGroup,
        value => one_of(value, KILL_MODES)?,
    };
    if matches!(mode, KillMode::Process | KillMode::None) {
        let message = format!(
            "KillMode={value} is honoured in part: what is left is killed when the service's namespace ends"
        );
        cx.report(
            crate::Code::NotHonoured,
            crate::Severity::Warning,
            message,
            None,
        );
    }
    draft.service.kill.mode = mode;
    Ok(())
}
