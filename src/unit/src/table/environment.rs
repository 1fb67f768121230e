//! The environment of a process (systemd.exec(5), ENVIRONMENT): variables, files of them, names.
use super::kind::{self, Kind};
use crate::draft::{Context, Draft};
use crate::environment::{assignment as split, is_name};
use crate::model::EnvironmentFile;
use crate::print::spelling;
use crate::property::PropertyValue::{self, Text};
use crate::value::ValueError;
use crate::value::list::room;
use crate::words::{Split, Words};

pub(super) fn environment(
    draft: &mut Draft,
    cx: &mut Context<'_>,
    value: &str,
) -> Result<(), ValueError> {
    let list = &mut draft.service.environment;
    if value.is_empty() {
        list.clear();
    }
    let mut wrong = Ok(());
    let mut rest = Words::new(value);
    while let Some(word) = rest
        .take(&Split::ARGUMENTS)
        .map_err(|err| ValueError(err.to_string()))?
    {
        match assignment(cx, &word) {
            Err(err) => wrong = wrong.and(Err(err)),
            Ok((key, value)) => {
                room(list.len())?;
                match list.iter_mut().find(|(known, _)| *known == key) {
                    Some(known) => known.1 = value,
                    None => list.push((key, value)),
                }
            }
        }
    }
    wrong
}

fn assignment(cx: &Context<'_>, word: &str) -> Result<(String, String), ValueError> {
    let text = cx.resolve(word)?;
    let pair = split(&text);
    let pair = pair.map(|(key, value)| (key.to_owned(), value.to_owned()));
    pair.ok_or_else(|| ValueError::not(&text, "assignment NAME=value"))
}

pub(super) fn environment_file(
    draft: &mut Draft,
    cx: &mut Context<'_>,
    value: &str,
) -> Result<(), ValueError> {
    if value.is_empty() {
        draft.service.environment_files.clear();
        return Ok(());
    }
    let (path, optional) = kind::marked_path(&cx.resolve(value)?)?;
    draft
        .service
        .environment_files
        .push(EnvironmentFile { path, optional });
    Ok(())
}

pub(super) const VARIABLES: Kind = Kind::By(
    "names of variables",
    |value, cx, text| {
        kind::each_word(value, text, &Split::LIST, |items, word| {
            let name = cx.resolve(word)?;
            if !is_name(&name) {
                return Err(ValueError::not(&name, "name of a variable (such as PATH)"));
            }
            let name = Text(name);
            room(items.len())?;
            if !items.contains(&name) {
                items.push(name);
            }
            Ok(())
        })
    },
    kind::SPELL_WORDS,
);

pub(super) const UNSET: Kind = Kind::By(
    "names of variables, or assignments",
    |value, cx, text| {
        kind::each_word(value, text, &Split::ARGUMENTS, |items, word| {
            let text = cx.resolve(word)?;
            let name = text.split_once('=').map_or(text.as_str(), |(name, _)| name);
            if !is_name(name) {
                return Err(ValueError::not(&text, "name of a variable, or assignment"));
            }
            let text = Text(text);
            room(items.len())?;
            if !items.contains(&text) {
                items.push(text);
            }
            Ok(())
        })
    },
    |value| {
        let words = value.items().iter().map(PropertyValue::text);
        spelling::joined(words.map(spelling::argument))
    },
);
