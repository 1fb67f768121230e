//! Disk images that a process gets to see (systemd.exec(5)): which, where, and how each of their
//! partitions is mounted.
use super::kind::{self, Kind};
use crate::draft::Context;
use crate::print::spelling;
use crate::property::PropertyValue::{self, Bool, List, Text};
use crate::value::shape::bytes;
use crate::value::{ValueError, absolute_path};
use crate::words::{Split, Words, is_space};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// What partitions of an image are for.
const PARTITIONS: &[&str] = &[
    "root",
    "usr",
    "home",
    "srv",
    "esp",
    "xbootldr",
    "swap",
    "root-verity",
    "usr-verity",
    "root-verity-sig",
    "usr-verity-sig",
    "tmp",
    "var",
];

/// `a:b` inside a word: C escapes count, a backslash protects a colon, and several colons are one.
const FIELDS: Split<'static> = Split {
    escapes: crate::words::Escapes::CAndSeparators,
    empty_fields: false,
    ..Split::FIELDS
};

/// Takes one field.
pub(super) fn field(fields: &mut Words<'_>) -> Result<Option<String>, ValueError> {
    fields
        .take(&FIELDS)
        .map_err(|err| ValueError(err.to_string()))
}

/// The partition of that name.
fn partition(name: &str) -> Result<&str, ValueError> {
    match PARTITIONS.contains(&name) {
        true => Ok(name),
        false => Err(ValueError::not(name, "partition (such as root)")),
    }
}

/// `partition:options`; options alone are for root.
pub(super) const ROOT_IMAGE_OPTIONS: Kind = Kind::By("partition:options", root_options, |value| {
    words(value, usize::MAX)
});

fn root_options(
    value: &mut PropertyValue,
    cx: &mut Context<'_>,
    text: &str,
) -> Result<(), ValueError> {
    if text.is_empty() {
        *value = PropertyValue::empty();
        return Ok(());
    }
    let mut pairs = Vec::new();
    // One word that can't be taken apart takes the whole line with it, unlike one that names no
    // partition.
    for word in
        crate::words::words(text, &Split::RAW_LIST).map_err(|err| ValueError(err.to_string()))?
    {
        let mut fields = Words::new(&word);
        let Some(first) = field(&mut fields)? else {
            continue;
        };
        let second = field(&mut fields)?.unwrap_or_default();
        if fields.rest().is_some_and(|rest| !rest.is_empty()) {
            return Err(ValueError::not(&word, "pair partition:options"));
        }
        pairs.push((first, second));
    }
    let mut wrong = Ok(());
    let mut good = Vec::new();
    for (first, second) in pairs {
        let outcome = match second.as_str() {
            "" => Ok(("root", &first)),
            _ => partition(&first).map(|partition| (partition, &second)),
        };
        match outcome.and_then(|(partition, options)| Ok((partition, resolved(cx, options)?))) {
            Ok((partition, options)) => good.push(kind::pair(partition, Text(options))),
            Err(err) => wrong = wrong.and(Err(err)),
        }
    }
    // A line without any good pair resets, as an empty one does.
    match good.is_empty() {
        true => *value = PropertyValue::empty(),
        false => value.items_mut().append(&mut good),
    }
    wrong
}

/// `source:destination:partition:options:…`
pub(super) const MOUNT_IMAGES: Kind = Kind::By(
    "source:destination:partition:options",
    |value, cx, text| images(value, cx, text, true),
    |value| words(value, 2),
);

/// `source:partition:options:…`
pub(super) const EXTENSION_IMAGES: Kind = Kind::By(
    "source:partition:options",
    |value, cx, text| images(value, cx, text, false),
    |value| words(value, 1),
);

/// Adds `[source, (destination,) optional, options]` of each word.
fn images(
    value: &mut PropertyValue,
    cx: &mut Context<'_>,
    text: &str,
    has_destination: bool,
) -> Result<(), ValueError> {
    kind::each_word(value, text, &Split::RAW_LIST, |items, word| {
        let mut fields = Words::new(word);
        let Some(source) = field(&mut fields)? else {
            return Ok(());
        };
        let (source, optional) = kind::marked_path(&cx.resolve(&source)?)?;
        let mut image = vec![Text(source)];
        if has_destination {
            let destination = field(&mut fields)?.unwrap_or_default();
            image.push(Text(absolute_path(&cx.resolve(&destination)?)?));
        }
        let (options, wrong) = options(cx, &mut fields);
        image.extend([Bool(optional), options]);
        items.push(List(image));
        wrong
    })
}

/// Options that say something.
fn resolved(cx: &Context<'_>, options: &str) -> Result<String, ValueError> {
    let resolved = cx.resolve(options)?;
    match resolved.is_empty() {
        true => Err(ValueError::not(options, "option: it resolves to nothing")),
        false => Ok(resolved),
    }
}

/// Fields between colons, those of nested lists among them.
fn spelled(items: &[PropertyValue]) -> Vec<String> {
    let mut fields = Vec::new();
    for item in items {
        match item {
            List(items) => fields.extend(spelled(items)),
            Text(text) => fields.push(spelling::escaped_field(text)),
            Bool(_) | PropertyValue::Unsigned(_) | PropertyValue::Signed(_) => {}
        }
    }
    fields
}

/// A word of such fields for each item; `optional` is where its mark stands.
fn words(value: &PropertyValue, optional: usize) -> Vec<String> {
    let word = |item: &PropertyValue| {
        let is_marked = item.items().get(optional) == Some(&Bool(true));
        let fields = spelled(item.items()).join(":");
        spelling::raw_word_as_is(spelling::marked(is_marked, &fields))
    };
    spelling::joined(value.items().iter().map(word))
}

/// Pairs of partition and options; options alone, at the end, are for the root partition. A
/// partition that is none leaves out its pair.
fn options(cx: &Context<'_>, fields: &mut Words<'_>) -> (PropertyValue, Result<(), ValueError>) {
    let mut pairs = Vec::new();
    let mut wrong = Ok(());
    loop {
        let pair = field(fields).and_then(|first| Ok((first, field(fields)?)));
        let (first, second) = match pair {
            Ok((Some(first), second)) => (first, second),
            Ok((None, _)) => break,
            Err(err) => {
                wrong = wrong.and(Err(err));
                break;
            }
        };
        let outcome = match &second {
            None => Ok(("root", &first)),
            Some(options) => partition(&first).map(|partition| (partition, options)),
        };
        match outcome.and_then(|(partition, options)| Ok((partition, resolved(cx, options)?))) {
            Ok((partition, options)) => pairs.push(kind::pair(partition, Text(options))),
            Err(err) => wrong = wrong.and(Err(err)),
        }
    }
    (List(pairs), wrong)
}

fn path_or_none(path: &str) -> PropertyValue {
    match path.is_empty() {
        true => PropertyValue::empty(),
        false => path.into(),
    }
}

/// Hexadecimal digits; a path goes to RootHashPath instead.
pub(super) const HEX: Kind = Kind::By(
    "hexadecimal digits, or path",
    |value, _, text| {
        if text.is_empty() || text.starts_with('/') {
            *value = path_or_none(text);
            return Ok(());
        }
        let plain: String = text.split(is_space).collect();
        let digits = plain.as_bytes().chunks(2);
        let byte = |pair: &[u8]| {
            let pair = std::str::from_utf8(pair)
                .ok()
                .filter(|pair| pair.len() == 2)?;
            u8::from_str_radix(pair, 16).ok()
        };
        let decoded: Option<Vec<u8>> = digits.map(byte).collect();
        let decoded = decoded.filter(|bytes| bytes.len() >= 16);
        let decoded = decoded.ok_or_else(|| ValueError::not(text, "hash of 16 bytes or more"))?;
        *value = bytes(&decoded);
        Ok(())
    },
    |value| match value {
        List(_) => {
            let digits = kind::bytes(value)
                .into_iter()
                .map(|byte| format!("{byte:02x}"));
            vec![digits.collect()]
        }
        path => vec![path.text().to_owned()],
    },
);

pub(super) const SIGNATURE: Kind = Kind::By(
    "base64:DATA, or path",
    |value, _, text| {
        *value = match text.strip_prefix("base64:") {
            None if text.is_empty() || text.starts_with('/') => path_or_none(text),
            None => return Err(ValueError::not(text, "signature (base64:…, or a path)")),
            Some(data) => {
                let decoded = BASE64.decode(data);
                let decoded = decoded.map_err(|_| ValueError::not(data, "base64"))?;
                bytes(&decoded)
            }
        };
        Ok(())
    },
    |value| match value {
        List(_) => vec![format!("base64:{}", BASE64.encode(kind::bytes(value)))],
        path => vec![path.text().to_owned()],
    },
);
