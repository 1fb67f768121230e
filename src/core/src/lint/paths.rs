//! Paths that the directives of a service name, and the names of the directives.
use gitproc_unit::{ExecRole, ServiceSection};

/// The directive of a role.
pub(super) const fn exec_key(role: ExecRole) -> &'static str {
    match role {
        ExecRole::Condition => "ExecCondition",
        ExecRole::StartPre => "ExecStartPre",
        ExecRole::Start => "ExecStart",
        ExecRole::StartPost => "ExecStartPost",
        ExecRole::Reload => "ExecReload",
        ExecRole::Stop => "ExecStop",
        ExecRole::StopPost => "ExecStopPost",
    }
}

/// Programs: directive, and path or bare name.
pub(super) fn programs(section: &ServiceSection) -> impl Iterator<Item = (&'static str, &str)> {
    section.exec.iter().flat_map(|(role, commands)| {
        let key = exec_key(*role);
        commands.iter().map(move |one| (key, one.path.as_str()))
    })
}

/// Files that decide what runs: programs and environment files.
pub(super) fn deciding(section: &ServiceSection) -> impl Iterator<Item = (&'static str, &str)> {
    let files = section.environment_files.iter();
    programs(section).chain(files.map(|file| ("EnvironmentFile", file.path.as_str())))
}
