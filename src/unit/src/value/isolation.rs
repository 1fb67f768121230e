//! What a process is kept from: new namespaces, mounts that spread, privileges that come back;
//! which machine it believes to run on, and what its core dumps hold.
use super::integer::hexadecimal;
use super::list::{Split, each_word};
use super::{ValueError, choice, parse_bool, word_for};

/// Kinds of namespaces, as the flags of clone(2).
const NAMESPACES: [(&str, u64); 8] = [
    ("cgroup", 0x0200_0000),
    ("ipc", 0x0800_0000),
    ("net", 0x4000_0000),
    ("mnt", 0x0002_0000),
    ("pid", 0x2000_0000),
    ("user", 0x1000_0000),
    ("uts", 0x0400_0000),
    ("time", 0x0000_0080),
];
/// All kinds that "all" means; time came later, and is not among them.
const ALL_NAMESPACES: u64 = 0x7e02_0000;
/// Nothing said about namespaces.
const NAMESPACES_UNSET: u64 = u64::MAX;

/// Securebits of capabilities(7).
const SECURE_BITS: [(&str, i32); 6] = [
    ("noroot", 1),
    ("noroot-locked", 1 << 1),
    ("no-setuid-fixup", 1 << 2),
    ("no-setuid-fixup-locked", 1 << 3),
    ("keep-caps", 1 << 4),
    ("keep-caps-locked", 1 << 5),
];

/// Parts of a core dump (core(5)).
const DUMPED: [(&str, u64); 11] = [
    ("private-anonymous", 1),
    ("shared-anonymous", 1 << 1),
    ("private-file-backed", 1 << 2),
    ("shared-file-backed", 1 << 3),
    ("elf-headers", 1 << 4),
    ("private-huge", 1 << 5),
    ("shared-huge", 1 << 6),
    ("private-dax", 1 << 7),
    ("shared-dax", 1 << 8),
    ("default", 0x33),
    ("all", DUMPED_ALL),
];
/// What the kernel may add is in it.
const DUMPED_ALL: u64 = 0xffff_ffff;

/// 64-bit machines, and the 32-bit ones that they can play.
const MACHINES: [(&str, &str); 6] = [
    ("x86-64", "x86"),
    ("arm64", "arm"),
    ("ppc64", "ppc"),
    ("ppc64-le", "ppc-le"),
    ("s390x", "s390"),
    ("sparc64", "sparc"),
];

/// Applies one line of `RestrictNamespaces=` to the flags of the namespaces that may be made
/// (`u64::MAX`: nothing said yet). `yes` allows none and `no` all; names are added, with `~` taken
/// away; an empty line resets. The first line replaces.
pub fn apply_namespaces(allowed: &mut u64, text: &str) -> Result<(), ValueError> {
    if text.is_empty() {
        *allowed = NAMESPACES_UNSET;
        return Ok(());
    }
    if let Ok(restrict) = parse_bool(text) {
        *allowed = if restrict { 0 } else { ALL_NAMESPACES };
        return Ok(());
    }
    let (invert, names) = match text.strip_prefix('~') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut named = 0;
    each_word(names, Split::Plain, |name| {
        let flag = choice(&NAMESPACES, name);
        named |= flag.ok_or_else(|| ValueError::not(name, "kind of namespace (such as net)"))?;
        Ok(())
    })?;
    *allowed = match (*allowed, invert) {
        (NAMESPACES_UNSET, true) => ALL_NAMESPACES & !named,
        (NAMESPACES_UNSET, false) => named,
        (before, true) => before & !named,
        (before, false) => before | named,
    };
    Ok(())
}

/// The flags as one line of `RestrictNamespaces=` that stands alone.
pub fn format_namespaces(allowed: u64) -> String {
    match allowed {
        NAMESPACES_UNSET => String::new(),
        0 => "yes".into(),
        ALL_NAMESPACES => "no".into(),
        flags => names_of(&NAMESPACES, flags).join(" "),
    }
}

/// Words of the bits that are set.
fn names_of<'a>(table: &[(&'a str, u64)], bits: u64) -> Vec<&'a str> {
    let set = table.iter().filter(|(_, bit)| bits & bit == *bit);
    set.map(|&(name, _)| name).collect()
}

/// Kinds of mount propagation, as the flags of mount(2).
const PROPAGATION: [(&str, u64); 4] = [
    ("", 0),
    ("shared", 1 << 20),
    ("slave", 1 << 19),
    ("private", 1 << 18),
];

/// `MountFlags=` as a flag of mount(2); 0 when empty.
pub fn parse_mount_propagation(text: &str) -> Result<u64, ValueError> {
    let wanted = "kind of mount propagation (shared, slave, private)";
    choice(&PROPAGATION, text).ok_or_else(|| ValueError::not(text, wanted))
}

/// The word for such a flag.
pub fn format_mount_propagation(flag: u64) -> &'static str {
    word_for(&PROPAGATION, &flag).unwrap_or("")
}

/// One line of `SecureBits=`, which replaces the bits. Unknown names are left out, and named by
/// the error.
pub fn apply_secure_bits(bits: &mut i32, text: &str) -> Result<(), ValueError> {
    *bits = 0;
    each_word(text, Split::Unescaped, |name| {
        let bit = choice(&SECURE_BITS, name);
        *bits |= bit.ok_or_else(|| ValueError::not(name, "secure bit (such as noroot)"))?;
        Ok(())
    })
}

/// The bits as one line of `SecureBits=`.
pub fn format_secure_bits(bits: i32) -> String {
    let set = SECURE_BITS.iter().filter(|(_, bit)| bits & bit != 0);
    let names: Vec<&str> = set.map(|&(name, _)| name).collect();
    names.join(" ")
}

/// `Personality=` on a host of this architecture: itself, or the 32-bit machine that it can play.
/// `None` when empty.
pub fn parse_personality(text: &str, host: &str) -> Result<Option<String>, ValueError> {
    let plays = choice(&MACHINES, host);
    match text {
        "" => Ok(None),
        text if text == host || Some(text) == plays => Ok(Some(text.to_owned())),
        text => Err(ValueError::not(
            text,
            &format!("machine that {host} can play"),
        )),
    }
}

/// Applies one line of `CoredumpFilter=` to the bits so far: names and hexadecimal masks; `None`
/// after an empty line.
pub fn apply_dump_filter(mask: &mut Option<u64>, text: &str) -> Result<(), ValueError> {
    if text.is_empty() {
        *mask = None;
        return Ok(());
    }
    let mut named = 0;
    each_word(text, Split::Plain, |word| {
        match choice(&DUMPED, word) {
            // It stands for exactly these.
            Some(DUMPED_ALL) => named = DUMPED_ALL,
            Some(part) => named |= part,
            None => {
                let wanted = "part of a core dump (such as private-anonymous, or 0x33)";
                named |= hexadecimal(word, u64::MAX).map_err(|err| err.say(word, wanted))?;
            }
        }
        Ok(())
    })?;
    *mask = Some(mask.unwrap_or(0) | named);
    Ok(())
}

/// The mask as one line of `CoredumpFilter=` that stands alone: by name, and what has none in
/// hexadecimal.
pub fn format_dump_filter(mask: u64) -> String {
    if mask == DUMPED_ALL {
        return "all".into();
    }
    let single = |(_, bits): &&(&str, u64)| bits.is_power_of_two();
    let known = DUMPED.iter().filter(single).copied();
    let known: Vec<(&str, u64)> = known.collect();
    let rest = known.iter().fold(mask, |mask, (_, bit)| mask & !bit);
    let mut words: Vec<String> = names_of(&known, mask)
        .into_iter()
        .map(str::to_owned)
        .collect();
    if rest != 0 || words.is_empty() {
        words.push(format!("{rest:#x}"));
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_fold() {
        for (lines, allowed) in [
            (&["yes"][..], 0),
            (&["no"], ALL_NAMESPACES),
            (&["net"], 1_073_741_824),
            (&["~net user"], ALL_NAMESPACES & !0x5000_0000),
            (&["net", "user"], 0x5000_0000),
            (&["net user", "~user"], 0x4000_0000),
            (&["yes", "time"], 0x80),
            (&["net", ""], u64::MAX),
            (&["net", "user nope"], 0x4000_0000),
        ] {
            let mut flags = u64::MAX;
            for line in lines {
                let _ = apply_namespaces(&mut flags, line);
            }
            assert_eq!(flags, allowed, "{lines:?}");
        }
        let all = NAMESPACES.iter().filter(|(name, _)| *name != "time");
        assert_eq!(all.map(|(_, flag)| flag).sum::<u64>(), ALL_NAMESPACES);
    }

    #[test]
    fn mounts_spread() {
        for (text, flag) in [
            ("", 0),
            ("shared", 1_048_576),
            ("slave", 524_288),
            ("private", 262_144),
        ] {
            assert_eq!(parse_mount_propagation(text), Ok(flag));
        }
        assert!(parse_mount_propagation("rshared").is_err());
    }

    #[test]
    fn bits_replace() {
        let mut bits = 0;
        assert_eq!(
            apply_secure_bits(&mut bits, "keep-caps noroot-locked"),
            Ok(())
        );
        assert_eq!(bits, 18);
        assert!(apply_secure_bits(&mut bits, "noroot nope").is_err());
        assert_eq!(bits, 1);
        assert_eq!(apply_secure_bits(&mut bits, ""), Ok(()));
        assert_eq!(bits, 0);
    }

    #[test]
    fn machines_play_smaller_ones() {
        assert_eq!(parse_personality("", "x86-64"), Ok(None));
        assert_eq!(parse_personality("x86", "x86-64"), Ok(Some("x86".into())));
        assert_eq!(
            parse_personality("x86-64", "x86-64"),
            Ok(Some("x86-64".into()))
        );
        assert!(parse_personality("arm", "x86-64").is_err());
        assert!(parse_personality("x86-64", "x86").is_err());
    }

    #[test]
    fn dump_filters_fold() {
        for (lines, mask) in [
            (&["default"][..], Some(51)),
            (&["private-anonymous elf-headers"], Some(17)),
            (&["0x3", "10"], Some(0x13)),
            (&["10000 all"], Some(0xffff_ffff)),
            (&["all", ""], None),
            (&["3", "nope"], Some(3)),
        ] {
            let mut got = None;
            for line in lines {
                let _ = apply_dump_filter(&mut got, line);
            }
            assert_eq!(got, mask, "{lines:?}");
        }
    }
}
