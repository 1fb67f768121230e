//! Numbers, sizes, limits, sets and names, against what systemd 252 makes of the same texts.
mod table;

use gitproc_unit::value::{self, CpuSet, NameRules, ValueError};
use table::{Row, check, same};

/// Values of one row, as numbers.
type Outcome = Result<Vec<i128>, ValueError>;

fn one<T: Into<i128>>(result: Result<T, ValueError>) -> Outcome {
    result.map(|value| vec![value.into()])
}

fn two<T: Into<i128>>(result: Result<(T, T), ValueError>) -> Outcome {
    result.map(|(low, high)| vec![low.into(), high.into()])
}

fn resource(found: Option<gitproc_unit::Resource>) -> Outcome {
    let number = found.map(value::resource_number);
    one(number.ok_or_else(|| ValueError("no resource".into())))
}

fn scalar(parser: &str, text: &str) -> Outcome {
    match parser {
        "boolean" => one(value::parse_bool(text)),
        "pid" => one(value::parse_pid(text)),
        "mode" => one(value::parse_mode(text)),
        "range" => two(value::parse_range(text)),
        "i16" => one(value::parse_signed(text, i16::MIN.into(), i16::MAX.into())),
        "i64" => one(value::parse_signed(text, i64::MIN, i64::MAX)),
        "u16" => one(value::parse_unsigned(text, u16::MAX.into())),
        "u64" => one(value::parse_u64(text)),
        "hex16" => one(value::parse_hexadecimal(text, u16::MAX.into())),
        "hex64" => one(value::parse_hexadecimal(text, u64::MAX)),
        // Only sizes have decimals; the whole part is what the table tells.
        "decimal" => one(value::parse_size(text)),
        "nice" => one(value::parse_nice(text)),
        "errno" => one(value::parse_errno(text)),
        "percent" => one(value::parse_percent(text)),
        "unbounded percent" => one(value::parse_percent_unbounded(text)),
        "permille" => one(value::parse_permille(text)),
        "unbounded permille" => one(value::parse_permille_unbounded(text)),
        "permyriad" => one(value::parse_permyriad(text)),
        "unbounded permyriad" => one(value::parse_permyriad_unbounded(text)),
        "uid" => one(value::parse_uid(text)),
        "uid range" => two(value::parse_uid_range(text)),
        "capability" => one(value::capability_from_name(text)),
        "capability set" => one(capability_set(text)),
        "exit status" => one(value::parse_exit_status(text)),
        "resource" => resource(value::resource_from_name(text)),
        "resource of key" => resource(value::resource_from_directive(text)),
        "resources with prefix" => prefixed_resources(text),
        "signal" => one(value::parse_signal(text)),
        other => panic!("no parser {other}"),
    }
}

/// Whether every resource is known by this prefix and its name.
fn prefixed_resources(prefix: &str) -> Outcome {
    let names = "CPU FSIZE DATA STACK CORE RSS NPROC NOFILE MEMLOCK AS LOCKS SIGPENDING MSGQUEUE \
                 NICE RTPRIO RTTIME";
    for (number, name) in (0..).zip(names.split(' ')) {
        let found = resource(value::resource_from_directive(&format!("{prefix}{name}")))?;
        assert_eq!(found, [number], "{name}");
    }
    Ok(vec![])
}

fn capability_set(text: &str) -> Result<u64, ValueError> {
    let mut set = 0;
    value::apply_capabilities(&mut set, 0, text).map(|()| set)
}

/// `ok`, or why not. Where a table doesn't say why, it says `refused`.
fn outcome<T>(row: &Row, got: &Result<T, ValueError>) -> Result<(), String> {
    let got = match got {
        Ok(_) => "ok",
        Err(_) if row.text("outcome") == "refused" => "refused",
        Err(err) if err.0.contains("is out of range") => "range",
        Err(_) => "form",
    };
    same(got.to_owned(), row.text("outcome"))
}

#[test]
fn scalars() {
    check(include_str!("vectors/scalar.tsv"), |row| {
        let got = scalar(&row.text("parser"), &row.text("text"));
        outcome(row, &got)?;
        let values = row.list("values");
        let values = values.iter().map(|value| value.parse().expect("a number"));
        same(got.unwrap_or_default(), values.collect())
    });
}

#[test]
fn sizes() {
    check(include_str!("vectors/size.tsv"), |row| {
        let text = row.text("text");
        let got = match row.number("base") {
            1024 => value::parse_size(&text),
            _ => value::parse_size_si(&text),
        };
        match row.text("outcome").as_str() {
            // A line of a file whose value is wrong leaves the default.
            "kept" => same((got.is_err(), row.number("bytes")), (true, 0)),
            "ok" => same(got, Ok(row.number("bytes"))),
            _ => outcome(row, &got),
        }
    });
}

#[test]
fn cpu_sets() {
    check(include_str!("vectors/cpuset.tsv"), |row| {
        let mut set = CpuSet::default();
        let got = value::apply_cpu_set(&mut set, &row.text("text"));
        same(set.to_string(), row.text("ranges"))?;
        same(got.is_err(), row.text("outcome") == "warned")
    });
}

#[test]
fn limits() {
    check(include_str!("vectors/rlimit.tsv"), |row| {
        let resource = value::resource_from_directive(&row.text("key")).ok_or("no resource")?;
        let got = value::parse_rlimit(resource, &row.text("text"));
        if row.text("outcome") == "kept" {
            // The limit of the line before, 10:20, stays; a parser that refuses can't change it.
            return same(got.is_err(), true);
        }
        outcome(row, &got)?;
        let Ok(limit) = got else { return Ok(()) };
        same(limit.soft, row.number("soft"))?;
        same(limit.hard, row.number("hard"))?;
        match row.option("printed") {
            Some(printed) => same(value::format_rlimit(limit), printed),
            None => Ok(()),
        }
    });
}

#[test]
fn capabilities() {
    check(include_str!("vectors/capability.tsv"), |row| {
        let text = row.option("text").unwrap_or_default();
        let got = match row.text("reads").as_str() {
            "name" => value::capability_from_name(&text).map(u64::from),
            _ => capability_set(&text),
        };
        let expected = row.option("number").map(|number| number.parse());
        same(got.ok(), expected.transpose().expect("a number"))
    });
}

#[test]
fn user_and_group_names() {
    check(include_str!("vectors/user-group-name.tsv"), |row| {
        let rules = NameRules {
            relaxed: row.text("relaxed") == "yes",
            numeric: row.text("numeric") == "yes",
        };
        let valid = value::user_name_is_valid(&row.text("name"), rules);
        same(valid, row.text("valid") == "yes")
    });
}
