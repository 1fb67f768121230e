//! The calendar parser: what it reads prints as something that it reads as the same.
use gitproc_unit::value::CalendarSpec;

pub fn run(text: &str) {
    let Ok(spec) = CalendarSpec::parse(text) else {
        return;
    };
    let printed = spec.to_string();
    assert_eq!(CalendarSpec::parse(&printed), Ok(spec), "{printed}");
}
