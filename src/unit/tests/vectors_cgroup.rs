//! Paths, controllers and limits of control groups, against what systemd 252 makes of them.
mod table;

use gitproc_unit::value::{self, Controllers};
use table::{Row, check, same};

/// Amounts of a row; `-` is none.
fn amounts(row: &Row) -> Vec<Option<u64>> {
    let amount = |text: &String| (text != "-").then(|| text.parse().expect("a number"));
    row.list("of").iter().map(amount).collect()
}

fn controllers(name: &str) -> Controllers {
    match name {
        "" => Controllers::default(),
        "all" => Controllers::ALL,
        name => Controllers::named(name).expect("a controller"),
    }
}

#[test]
fn control_groups() {
    check(include_str!("vectors/cgroup.tsv"), |row| {
        let of = row.list("of").into_iter().next().unwrap_or_default();
        let got = match row.text("asks").as_str() {
            "unit of directory" => value::unit_of_directory(&of).map(|unit| unit.to_string()),
            "unit of path" => value::unit_of_path(&of).map(|unit| unit.to_string()),
            "slice of path" => Some(value::slice_of_path(&of)),
            "escape" => Some(value::escape_cgroup(&of)),
            "path of slice" => value::slice_path(&of).ok(),
            "names of controllers" => Some(controllers(&of).names().join(" ")),
            "controller is valid" => match value::controller_is_valid(&of) {
                true => Some("yes".into()),
                false => Some("no".into()),
            },
            // Period asked for, then quota, in µs.
            "CPU period" => match amounts(row).as_slice() {
                &[Some(period), Some(quota)] => {
                    Some(value::fit_cpu_period(period, quota).to_string())
                }
                other => panic!("{other:?}"),
            },
            // The unit's own, then the defaults of its slices from the nearest to the root.
            "protected memory" => {
                let amounts = amounts(row);
                let slices = amounts[1..].iter().copied();
                Some(value::protected_memory(amounts[0], slices).to_string())
            }
            other => panic!("no question {other}"),
        };
        same(got, row.option("answer"))
    });
}
