//! Standard streams, terminal and log settings of a process (systemd.exec(5)).
use super::kind::{self, Kind, SPAN, SPELL_TEXT, UNSIGNED, number};
use super::row::Write;
use super::{Family, Row};
use crate::c_escape::unescape;
use crate::diagnostic::{Code, Severity};
use crate::draft::{Context, Draft};
use crate::print::spelling;
use crate::property::PropertyValue::{self, Bool, Signed, Text, Unsigned};
use crate::settings::Setting;
use crate::value::log::add_fields;
use crate::value::shape::{bytes, log_fields};
use crate::value::{
    LOG_AS_CONFIGURED, ValueError, absolute_path, format_log_facility, format_log_level,
    parse_log_facility, parse_log_file_size, parse_log_files, parse_log_level, parse_timespan,
    parse_u32,
};
use crate::words::is_space;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

fn kept(key: &'static str, kind: Kind, default: PropertyValue) -> Row {
    Row::kept(Family::Exec, key, kind, default)
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        kept("StandardInput", INPUT, "null".into())
            .follows(&["StandardInputData"])
            .partly("socket and fd: are /dev/null: no sockets are passed yet"),
        kept("StandardOutput", OUTPUT, "journal".into())
            .follows(&["StandardInput"])
            .partly(OUTPUTS_MEANT),
        kept("StandardError", OUTPUT, "inherit".into()).partly(OUTPUTS_MEANT),
        Row::field(
            Family::Exec,
            "StandardInputText",
            "text with C escapes",
            input_text,
            Write::Elsewhere,
        ),
        kept("StandardInputData", INPUT_DATA, PropertyValue::empty()).honoured(),
        kept("TTYPath", kind::PATH, PropertyValue::blank()).honoured(),
        kept("TTYReset", Kind::Flag, Bool(false)).honoured(),
        kept("TTYVHangup", Kind::Flag, Bool(false)).honoured(),
        kept("TTYVTDisallocate", Kind::Flag, Bool(false)),
        kept("TTYRows", TTY_SIZE, Unsigned(UNSET)).honoured(),
        kept("TTYColumns", TTY_SIZE, Unsigned(UNSET)).honoured(),
        kept("UtmpIdentifier", kind::TEXT, PropertyValue::blank()),
        kept(
            "UtmpMode",
            Kind::Word(&["init", "login", "user"]),
            "init".into(),
        ),
        kept("SyslogIdentifier", kind::TEXT, PropertyValue::blank()).honoured(),
        kept("SyslogFacility", FACILITY, Signed(3)).honoured(),
        kept("SyslogLevel", LEVEL, Signed(6)).honoured(),
        kept("SyslogLevelPrefix", Kind::Flag, Bool(true)).honoured(),
        kept("LogLevelMax", LEVEL, Signed(-1)).honoured(),
        kept("LogExtraFields", EXTRA_FIELDS, PropertyValue::empty()).honoured(),
        kept("LogRateLimitIntervalSec", SPAN, Unsigned(0)).honoured(),
        kept("LogRateLimitBurst", UNSIGNED, Unsigned(0)).honoured(),
        kept("LogNamespace", NAMESPACE, PropertyValue::blank()).refused(
            "each unit has a log of its own, and lines for the journal go to that of the host",
        ),
        // Our own: whether lines go to the journal of the host beside the unit's log.
        kept(
            "X-ForwardToJournal",
            Kind::FlagOrWord(&["auto", "available"]),
            "auto".into(),
        )
        .property("")
        .honoured(),
        // Our own: what [Logs] of the configuration says for all units.
        kept("X-LogMaxFileSize", FILE_SIZE, Unsigned(LOG_AS_CONFIGURED))
            .property("")
            .honoured(),
        kept("X-LogMaxFiles", FILES, Unsigned(LOG_AS_CONFIGURED))
            .property("")
            .honoured(),
        kept("X-LogMaxFileSec", FILE_AGE, Unsigned(LOG_AS_CONFIGURED))
            .property("")
            .honoured(),
    ]
}

const OUTPUTS_MEANT: &str = "journal is the unit's own log (`gitproc logs`), and the host's journal beside it where the unit \
     says so in words; socket and fd: lead there too: no sockets are \
     passed yet";

/// Says of a stream that it does not lead where the unit wants it.
fn lead_elsewhere(cx: &mut Context<'_>, value: &PropertyValue, instead: &str) {
    let text = value.text();
    if text == "socket" || text.starts_with("fd:") {
        let message = format!("{text} is not honoured: {instead} is used instead");
        cx.report(Code::NotHonoured, Severity::Warning, message, None);
    }
}

/// Part of a file name and of an instance.
const NAMESPACE: Kind = Kind::By(
    "name",
    |value, cx, text| {
        let name = cx.resolve(text)?;
        let legal = |c: char| c.is_ascii_alphanumeric() || ":-_.".contains(c);
        // What resolves to nothing is no name either.
        let dots = matches!(name.as_str(), "." | "..") || name.is_empty() != text.is_empty();
        if !name.chars().all(legal) || dots || name.len() > 200 {
            return Err(ValueError::not(&name, "name of a log namespace"));
        }
        *value = Text(name);
        Ok(())
    },
    SPELL_TEXT,
);

/// The size of a terminal that is not set.
const UNSET: u64 = 0xffff;

const INPUTS: &[&str] = &["null", "tty", "tty-force", "tty-fail", "socket", "data"];

const INPUT: Kind = Kind::By(
    "null, tty, tty-force, tty-fail, data, file:PATH, socket, fd:NAME",
    |value, cx, text| {
        *value = match text.split_once(':') {
            Some(("fd", name)) => Text(format!("fd:{}", descriptor(cx, name)?)),
            None if text == "fd" => "fd:".into(),
            Some(("file", path)) => Text(format!("file:{}", absolute_path(&cx.resolve(path)?)?)),
            Some(_) | None => stream(text, INPUTS)?,
        };
        lead_elsewhere(cx, value, "/dev/null");
        Ok(())
    },
    SPELL_TEXT,
);

const OUTPUTS: &[&str] = &[
    "inherit",
    "null",
    "tty",
    "journal",
    "journal+console",
    "kmsg",
    "kmsg+console",
    "socket",
];

const OUTPUT: Kind = Kind::By(
    "inherit, null, tty, journal, kmsg, journal+console, kmsg+console, file:PATH, append:PATH, truncate:PATH, socket, fd:NAME",
    |value, cx, text| {
        *value = match text.split_once(':') {
            Some(("fd", name)) => Text(format!("fd:{}", descriptor(cx, name)?)),
            None if text == "fd" => "fd:".into(),
            Some((how @ ("file" | "append" | "truncate"), path)) => {
                Text(format!("{how}:{}", absolute_path(&cx.resolve(path)?)?))
            }
            // Names of before journald.
            None if text == "syslog" => "journal".into(),
            None if text == "syslog+console" => "journal+console".into(),
            Some(_) | None => stream(text, OUTPUTS)?,
        };
        lead_elsewhere(cx, value, "the unit's log");
        Ok(())
    },
    SPELL_TEXT,
);

fn stream(text: &str, words: &[&str]) -> Result<PropertyValue, ValueError> {
    match words.contains(&text) {
        true => Ok(text.into()),
        false => {
            let wanted = format!(
                "known value (one of {}, file:PATH, fd:NAME)",
                words.join(", ")
            );
            Err(ValueError::not(text, &wanted))
        }
    }
}

/// Name of a descriptor that a socket unit passes.
pub(super) fn descriptor(cx: &Context<'_>, name: &str) -> Result<String, ValueError> {
    let name = cx.resolve(name)?;
    match is_descriptor(&name) {
        true => Ok(name),
        false => Err(ValueError::not(&name, "name of a descriptor")),
    }
}

/// Whether a descriptor may be called so.
pub(super) fn is_descriptor(name: &str) -> bool {
    let legal = |c: char| c.is_ascii() && !c.is_ascii_control() && c != ':';
    name.len() <= 255 && name.chars().all(legal)
}

/// Ends up in StandardInputData=, with a newline behind it.
fn input_text(draft: &mut Draft, cx: &mut Context<'_>, text: &str) -> Result<(), ValueError> {
    let added = match text {
        "" => None,
        text => {
            let text = unescape(text, false, false).map_err(|err| ValueError(err.to_string()))?;
            let text = String::from_utf8(text)
                .map_err(|_| ValueError("escape sequences make invalid UTF-8".into()))?;
            Some(cx.resolve(&text)? + "\n")
        }
    };
    let (id, default) = super::kept(Family::Exec, "StandardInputData").expect("a row of this file");
    let mut data = draft.settings.take(id, default);
    match (added, &mut data) {
        (Some(text), Setting::Plain(data)) => {
            let text = bytes(text.as_bytes());
            data.items_mut().extend_from_slice(text.items());
        }
        (_, data) => *data = default.clone(),
    }
    draft.settings.put(id, data, default);
    Ok(())
}

const INPUT_DATA: Kind = Kind::By(
    "base64",
    |value, _, text| {
        if text.is_empty() {
            *value = PropertyValue::empty();
            return Ok(());
        }
        let plain: String = text.split(is_space).collect();
        let data = BASE64
            .decode(plain)
            .map_err(|_| ValueError::not(text, "base64"))?;
        value.items_mut().extend_from_slice(bytes(&data).items());
        Ok(())
    },
    |value| vec![BASE64.encode(kind::bytes(value))],
);

const TTY_SIZE: Kind = Kind::By(
    "number",
    |value, _, text| {
        *value = match text {
            "" => Unsigned(UNSET),
            // The kernel takes 16 bits of it.
            text => Unsigned(u64::from(parse_u32(text)?) & 0xffff),
        };
        Ok(())
    },
    |value| match number(value) {
        UNSET => Vec::new(),
        size => vec![size.to_string()],
    },
);

fn or_unsaid(
    value: &mut PropertyValue,
    text: &str,
    parse: impl Fn(&str) -> Result<u64, ValueError>,
) -> Result<(), ValueError> {
    *value = Unsigned(if text.is_empty() {
        LOG_AS_CONFIGURED
    } else {
        parse(text)?
    });
    Ok(())
}

fn unless_unsaid(value: &PropertyValue, spell: impl Fn(u64) -> String) -> Vec<String> {
    match number(value) {
        LOG_AS_CONFIGURED => Vec::new(),
        number => vec![spell(number)],
    }
}

const FILE_SIZE: Kind = Kind::By(
    "size, 64K at least, or 0",
    |value, _, text| or_unsaid(value, text, parse_log_file_size),
    |value| unless_unsaid(value, |size| size.to_string()),
);

const FILES: Kind = Kind::By(
    "number, 0 to 32",
    |value, _, text| or_unsaid(value, text, |text| parse_log_files(text).map(u64::from)),
    |value| unless_unsaid(value, |files| files.to_string()),
);

const FILE_AGE: Kind = Kind::By(
    "time span, 0 is infinity",
    |value, _, text| {
        let endless = |us| if us == u64::MAX { 0 } else { us };
        or_unsaid(value, text, |text| parse_timespan(text).map(endless))
    },
    |value| unless_unsaid(value, |us| format!("{us}us")),
);

const FACILITY: Kind = Kind::By(
    "syslog facility",
    |value, _, text| {
        *value = Signed(parse_log_facility(text)?.into());
        Ok(())
    },
    |value| {
        let facility = u32::try_from(kind::signed(value));
        facility.into_iter().map(format_log_facility).collect()
    },
);

const LEVEL: Kind = Kind::By(
    "syslog level",
    |value, _, text| {
        *value = Signed(parse_log_level(text)?.into());
        Ok(())
    },
    |value| {
        let level = u32::try_from(kind::signed(value));
        level.into_iter().map(format_log_level).collect()
    },
);

const EXTRA_FIELDS: Kind = Kind::By(
    "journal fields FIELD=VALUE",
    |value, cx, text| {
        if text.is_empty() {
            *value = PropertyValue::empty();
        }
        let mut fields = Vec::new();
        let outcome = add_fields(&mut fields, text, |word| cx.resolve(word));
        value
            .items_mut()
            .extend_from_slice(log_fields(&fields).items());
        outcome
    },
    |value| {
        let fields = value.items().iter().map(kind::bytes);
        let fields = fields.map(|field| String::from_utf8_lossy(&field).into_owned());
        spelling::joined(fields.map(|field| spelling::argument(&field)))
    },
);
