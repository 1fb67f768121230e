//! Names of errors (errno(3)), with the numbers of Linux on x86, ARM, RISC-V and s390x.
use super::ValueError;

/// The highest number that the kernel can return as an error.
const ERRNO_MAX: i32 = 4095;

/// Numbers and names, by number; of two names for a number, the one to show.
const ERRORS: [(i32, &str); 131] = [
    (1, "EPERM"),
    (2, "ENOENT"),
    (3, "ESRCH"),
    (4, "EINTR"),
    (5, "EIO"),
    (6, "ENXIO"),
    (7, "E2BIG"),
    (8, "ENOEXEC"),
    (9, "EBADF"),
    (10, "ECHILD"),
    (11, "EAGAIN"),
    (12, "ENOMEM"),
    (13, "EACCES"),
    (14, "EFAULT"),
    (15, "ENOTBLK"),
    (16, "EBUSY"),
    (17, "EEXIST"),
    (18, "EXDEV"),
    (19, "ENODEV"),
    (20, "ENOTDIR"),
    (21, "EISDIR"),
    (22, "EINVAL"),
    (23, "ENFILE"),
    (24, "EMFILE"),
    (25, "ENOTTY"),
    (26, "ETXTBSY"),
    (27, "EFBIG"),
    (28, "ENOSPC"),
    (29, "ESPIPE"),
    (30, "EROFS"),
    (31, "EMLINK"),
    (32, "EPIPE"),
    (33, "EDOM"),
    (34, "ERANGE"),
    (35, "EDEADLK"),
    (36, "ENAMETOOLONG"),
    (37, "ENOLCK"),
    (38, "ENOSYS"),
    (39, "ENOTEMPTY"),
    (40, "ELOOP"),
    (42, "ENOMSG"),
    (43, "EIDRM"),
    (44, "ECHRNG"),
    (45, "EL2NSYNC"),
    (46, "EL3HLT"),
    (47, "EL3RST"),
    (48, "ELNRNG"),
    (49, "EUNATCH"),
    (50, "ENOCSI"),
    (51, "EL2HLT"),
    (52, "EBADE"),
    (53, "EBADR"),
    (54, "EXFULL"),
    (55, "ENOANO"),
    (56, "EBADRQC"),
    (57, "EBADSLT"),
    (59, "EBFONT"),
    (60, "ENOSTR"),
    (61, "ENODATA"),
    (62, "ETIME"),
    (63, "ENOSR"),
    (64, "ENONET"),
    (65, "ENOPKG"),
    (66, "EREMOTE"),
    (67, "ENOLINK"),
    (68, "EADV"),
    (69, "ESRMNT"),
    (70, "ECOMM"),
    (71, "EPROTO"),
    (72, "EMULTIHOP"),
    (73, "EDOTDOT"),
    (74, "EBADMSG"),
    (75, "EOVERFLOW"),
    (76, "ENOTUNIQ"),
    (77, "EBADFD"),
    (78, "EREMCHG"),
    (79, "ELIBACC"),
    (80, "ELIBBAD"),
    (81, "ELIBSCN"),
    (82, "ELIBMAX"),
    (83, "ELIBEXEC"),
    (84, "EILSEQ"),
    (85, "ERESTART"),
    (86, "ESTRPIPE"),
    (87, "EUSERS"),
    (88, "ENOTSOCK"),
    (89, "EDESTADDRREQ"),
    (90, "EMSGSIZE"),
    (91, "EPROTOTYPE"),
    (92, "ENOPROTOOPT"),
    (93, "EPROTONOSUPPORT"),
    (94, "ESOCKTNOSUPPORT"),
    (95, "EOPNOTSUPP"),
    (96, "EPFNOSUPPORT"),
    (97, "EAFNOSUPPORT"),
    (98, "EADDRINUSE"),
    (99, "EADDRNOTAVAIL"),
    (100, "ENETDOWN"),
    (101, "ENETUNREACH"),
    (102, "ENETRESET"),
    (103, "ECONNABORTED"),
    (104, "ECONNRESET"),
    (105, "ENOBUFS"),
    (106, "EISCONN"),
    (107, "ENOTCONN"),
    (108, "ESHUTDOWN"),
    (109, "ETOOMANYREFS"),
    (110, "ETIMEDOUT"),
    (111, "ECONNREFUSED"),
    (112, "EHOSTDOWN"),
    (113, "EHOSTUNREACH"),
    (114, "EALREADY"),
    (115, "EINPROGRESS"),
    (116, "ESTALE"),
    (117, "EUCLEAN"),
    (118, "ENOTNAM"),
    (119, "ENAVAIL"),
    (120, "EISNAM"),
    (121, "EREMOTEIO"),
    (122, "EDQUOT"),
    (123, "ENOMEDIUM"),
    (124, "EMEDIUMTYPE"),
    (125, "ECANCELED"),
    (126, "ENOKEY"),
    (127, "EKEYEXPIRED"),
    (128, "EKEYREVOKED"),
    (129, "EKEYREJECTED"),
    (130, "EOWNERDEAD"),
    (131, "ENOTRECOVERABLE"),
    (132, "ERFKILL"),
    (133, "EHWPOISON"),
];

/// Second names, which are read but not shown.
const ALIASES: [(&str, i32); 3] = [("EDEADLOCK", 35), ("ENOTSUP", 95), ("EWOULDBLOCK", 11)];

/// Number of `EPERM`, in any case.
fn errno_from_name(name: &str) -> Option<i32> {
    let known = ERRORS.iter().map(|&(number, known)| (known, number));
    known
        .chain(ALIASES)
        .find_map(|(known, number)| known.eq_ignore_ascii_case(name).then_some(number))
}

/// `EPERM` of 1.
pub fn errno_name(number: i32) -> Option<&'static str> {
    let at = ERRORS.binary_search_by_key(&number, |&(known, _)| known);
    at.ok().map(|at| ERRORS[at].1)
}

/// A name, or a number of 0 to 4095.
pub fn parse_errno(text: &str) -> Result<i32, ValueError> {
    errno_from_name(text)
        .or_else(|| number(text).filter(|&number| number <= ERRNO_MAX))
        .ok_or_else(|| ValueError::not(text, "error (a name such as EPERM, or 0 to 4095)"))
}

/// An integer as systemd reads it: `0x`, `0o` and `0b` (and, as in C, a leading 0) tell the base;
/// white space and a sign may come first.
fn number(text: &str) -> Option<i32> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let text = text.strip_prefix('+').unwrap_or(text);
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', b'o', ..] => (&text[2..], 8),
        [b'0', b'b', ..] => (&text[2..], 2),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    // `from_str_radix` takes a sign of its own.
    let first = digits.chars().next()?;
    first.is_digit(radix).then_some(())?;
    i32::from_str_radix(digits, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_agree() {
        assert!(ERRORS.is_sorted_by(|a, b| a.0 < b.0));
        for (number, name) in ERRORS {
            assert_eq!(errno_from_name(name), Some(number));
            assert_eq!(errno_name(number), Some(name));
        }
        assert_eq!(errno_from_name("EWOULDBLOCK"), Some(11));
        assert_eq!(errno_name(11), Some("EAGAIN"));
        assert_eq!(errno_name(41), None, "a gap");
        assert_eq!(errno_from_name("eperm"), Some(1));
        assert_eq!(errno_from_name("PERM"), None);
    }

    #[test]
    fn reads_names_and_numbers() {
        let good = [
            ("EILSEQ", 84),
            ("EINVAL", 22),
            ("0", 0),
            ("1", 1),
            ("4095", 4095),
            ("0x10", 16),
            ("010", 8),
        ];
        for (text, number) in good {
            assert_eq!(parse_errno(text), Ok(number), "{text}");
        }
        for bad in [
            "",
            "-1",
            "-3",
            "4096",
            "12.3",
            "123junk",
            "junk123",
            "255EILSEQ",
            "EINVAL12",
            "-EINVAL",
            "EINVALaaa",
            "0x",
            "0x+1",
            "++1",
        ] {
            assert!(parse_errno(bad).is_err(), "{bad}");
        }
    }
}
