//! Credentials that are handed to a service (systemd.exec(5)).
use super::kind::{self, Kind};
use super::{Family, Row};
use crate::c_escape::unescape;
use crate::draft::Context;
use crate::print::spelling;
use crate::property::PropertyValue::{self, Text};
use crate::quote::octal;
use crate::value::list::room;
use crate::value::shape::bytes;
use crate::value::{ValueError, is_filename, is_normalized_path};
use crate::words::{Split, Words, is_space};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

fn kept(key: &'static str, kind: Kind) -> Row {
    Row::kept(Family::Exec, key, kind, PropertyValue::empty())
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        kept("LoadCredential", LOAD_CREDENTIAL).honoured(),
        kept("LoadCredentialEncrypted", LOAD_CREDENTIAL).needed(ENCRYPTED),
        kept("SetCredential", SET_CREDENTIAL).honoured(),
        kept("SetCredentialEncrypted", SET_ENCRYPTED).needed(ENCRYPTED),
    ]
}

const ENCRYPTED: &str =
    "secrets are not decrypted: use LoadCredential= with a file that only root can read";

const SET_CREDENTIAL: Kind = Kind::By(
    "ID:TEXT with C escapes",
    |value, cx, text| {
        set_credential(value, cx, text, |data| {
            // Binary data, NUL included.
            unescape(data, false, true).map_err(|err| ValueError(err.to_string()))
        })
    },
    |value| {
        credentials(value, |data| {
            let data = octal(data);
            // At the end of a line, a space would go.
            match data.strip_suffix(' ') {
                Some(rest) => format!("{rest}\\040"),
                None => data,
            }
        })
    },
);

const SET_ENCRYPTED: Kind = Kind::By(
    "ID:BASE64",
    |value, cx, text| {
        set_credential(value, cx, text, |data| {
            let plain: String = data.split(is_space).collect();
            BASE64
                .decode(plain)
                .map_err(|_| ValueError::not(data, "base64"))
        })
    },
    |value| credentials(value, |data| BASE64.encode(data)),
);

fn set_credential(
    value: &mut PropertyValue,
    cx: &Context<'_>,
    text: &str,
    decode: fn(&str) -> Result<Vec<u8>, ValueError>,
) -> Result<(), ValueError> {
    if text.is_empty() {
        *value = PropertyValue::empty();
        return Ok(());
    }
    let (id, data) = credential(cx, text)?;
    let data = data.filter(|data| !data.is_empty());
    let data = data.ok_or_else(|| ValueError::not(text, "credential (NAME:DATA)"))?;
    let data = bytes(&decode(data)?);
    put(value.items_mut(), &id, data)
}

/// The name of a credential, and what stands behind its colon.
fn credential<'a>(
    cx: &Context<'_>,
    text: &'a str,
) -> Result<(String, Option<&'a str>), ValueError> {
    let mut fields = Words::new(text);
    let id = fields
        .take(&Split::FIELDS)
        .map_err(|err| ValueError(err.to_string()))?;
    let id = cx.resolve(&id.unwrap_or_default())?;
    match is_credential(&id) {
        true => Ok((id, fields.rest())),
        false => Err(ValueError::not(&id, "name of a credential")),
    }
}

/// Names of files, and of descriptors.
fn is_credential(id: &str) -> bool {
    is_filename(id) && super::stdio::is_descriptor(id)
}

/// The last entry of a name counts.
fn put(items: &mut Vec<PropertyValue>, id: &str, data: PropertyValue) -> Result<(), ValueError> {
    room(items.len())?;
    items.retain(|item| item.items().first().map(PropertyValue::text) != Some(id));
    items.push(kind::pair(id, data));
    Ok(())
}

const LOAD_CREDENTIAL: Kind = Kind::By(
    "ID:PATH, or ID",
    |value, cx, text| {
        if text.is_empty() {
            *value = PropertyValue::empty();
            return Ok(());
        }
        let (id, path) = credential(cx, text)?;
        let path = match path {
            // The one of that name that was handed down.
            None | Some("") => id.clone(),
            Some(path) => cx.resolve(path)?,
        };
        let found = match path.starts_with('/') {
            true => is_normalized_path(&path),
            false => is_credential(&path),
        };
        if !found {
            return Err(ValueError::not(text, "credential (NAME:PATH)"));
        }
        put(value.items_mut(), &id, Text(path))
    },
    |value| {
        let line = |item: &PropertyValue| match item.items() {
            [id, path] => Some(format!(
                "{}:{}",
                name(id.text()),
                spelling::text(path.text())
            )),
            _ => None,
        };
        value.items().iter().filter_map(line).collect()
    },
);

/// `ID:DATA` of each, the data as `encode` has them.
fn credentials(value: &PropertyValue, encode: fn(&[u8]) -> String) -> Vec<String> {
    let line = |item: &PropertyValue| match item.items() {
        [id, data] => Some(format!(
            "{}:{}",
            name(id.text()),
            encode(&kind::bytes(data))
        )),
        _ => None,
    };
    value.items().iter().filter_map(line).collect()
}

/// A space at the beginning of a line would go.
fn name(id: &str) -> String {
    let name = spelling::field(id);
    match name.starts_with(' ') {
        true => format!("\\{name}"),
        false => name,
    }
}
