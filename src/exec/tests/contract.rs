//! The contract of helper and kernel: what is reported when. The same scenarios run on the fake
//! kernel of the simulation and on the real helper, so that what the simulation proves holds for it.
//! Needs root.
mod common;
#[path = "../../core/tests/sim/kernel.rs"]
#[allow(dead_code, missing_docs)] // it has what the simulation needs besides
mod kernel;

use common::Service;
use gitproc_core::api::HelperEvent;
use gitproc_core::protocol::{Exit, ProcessEnd, Whom};
use gitproc_core::{CommitId, InvocationId};
use gitproc_unit::{ExecRole, HostFacts, NotifyAccess, TreeEntry, UnitName};
use kernel::Kernel;
use std::sync::Arc;

/// What the daemon does, what happens by itself, and what has to be reported next.
enum Step {
    Run(ExecRole),
    Signal(Whom, i32),
    /// The process of this line ends by itself: the real one does it by its script.
    Ends(ExecRole, i32),
    /// The PID file is there; the real service has written it.
    WritesPidFile,
    /// READY=1, which the real service sends.
    IsReady,
    Reported(&'static str),
}
use Step::*;

struct Scenario {
    what: &'static str,
    lines: &'static str,
    /// Of the start command.
    script: &'static str,
    /// The start command leaves a process of its own behind.
    stray: bool,
    steps: &'static [Step],
}

const READY: &str = "perl -MSocket -e 'socket(S,AF_UNIX,SOCK_DGRAM,0); my $p=$ENV{NOTIFY_SOCKET}; \
    $p=~s/^@/\\0/; connect(S,pack_sockaddr_un($p)) or die; send(S,\"READY=1\",0); sleep 1000'";

const SCENARIOS: &[Scenario] = &[
    Scenario {
        what: "a main process that ends",
        lines: "",
        script: "exit 3",
        stray: false,
        steps: &[
            Run(ExecRole::Start),
            Reported("forked start"),
            Reported("execed start"),
            Ends(ExecRole::Start, 3),
            Reported("exited start Exited(3)"),
            Reported("empty"),
        ],
    },
    Scenario {
        what: "a signal to all",
        lines: "",
        script: "exec sleep 1000",
        stray: false,
        steps: &[
            Run(ExecRole::Start),
            Reported("forked start"),
            Reported("execed start"),
            Signal(Whom::All, 15),
            Reported("exited start Killed(15)"),
            Reported("empty"),
        ],
    },
    Scenario {
        what: "a process that outlives the main one",
        lines: "",
        script: "sleep 1000 & exec sleep 1000",
        stray: true,
        steps: &[
            Run(ExecRole::Start),
            Reported("forked start"),
            Reported("execed start"),
            Signal(Whom::Main, 9),
            Reported("exited start Killed(9)"),
            // Not empty yet.
            Signal(Whom::All, 9),
            Reported("empty"),
        ],
    },
    Scenario {
        what: "a command beside the main process",
        lines: "ExecReload=/bin/true",
        script: "exec sleep 1000",
        stray: false,
        steps: &[
            Run(ExecRole::Start),
            Reported("forked start"),
            Reported("execed start"),
            Run(ExecRole::Reload),
            Reported("forked reload"),
            Reported("execed reload"),
            Ends(ExecRole::Reload, 0),
            Reported("exited reload Exited(0)"),
            Signal(Whom::Main, 15),
            Reported("exited start Killed(15)"),
            Reported("empty"),
        ],
    },
    Scenario {
        what: "a command before and one after",
        lines: "ExecStartPre=/bin/true\nExecStopPost=/bin/false",
        script: "exit 0",
        stray: false,
        steps: &[
            Run(ExecRole::StartPre),
            Reported("forked start-pre"),
            Reported("execed start-pre"),
            Ends(ExecRole::StartPre, 0),
            Reported("exited start-pre Exited(0)"),
            Reported("empty"),
            Run(ExecRole::Start),
            Reported("forked start"),
            Reported("execed start"),
            Ends(ExecRole::Start, 0),
            Reported("exited start Exited(0)"),
            Reported("empty"),
            Run(ExecRole::StopPost),
            Reported("forked stop-post"),
            Reported("execed stop-post"),
            Ends(ExecRole::StopPost, 1),
            Reported("exited stop-post Exited(1)"),
            Reported("empty"),
        ],
    },
    Scenario {
        what: "a command that is killed while the main process lives",
        lines: "ExecReload=/bin/sleep 1000",
        script: "exec sleep 1000",
        stray: false,
        steps: &[
            Run(ExecRole::Start),
            Reported("forked start"),
            Reported("execed start"),
            Run(ExecRole::Reload),
            Reported("forked reload"),
            Reported("execed reload"),
            Signal(Whom::Control, 15),
            Reported("exited reload Killed(15)"),
            Signal(Whom::Main, 9),
            Reported("exited start Killed(9)"),
            Reported("empty"),
        ],
    },
    Scenario {
        what: "a service that says when it is ready",
        lines: "Type=notify",
        script: READY,
        stray: false,
        steps: &[
            Run(ExecRole::Start),
            Reported("forked start"),
            Reported("execed start"),
            IsReady,
            Reported("ready"),
            Signal(Whom::All, 15),
            Reported("exited start Killed(15)"),
            Reported("empty"),
        ],
    },
    Scenario {
        what: "a service that forks and names its main process",
        lines: "Type=forking",
        script: "sleep 1000 & echo $! > $PID_FILE",
        stray: false,
        steps: &[
            Run(ExecRole::Start),
            Reported("forked start"),
            Reported("execed start"),
            Ends(ExecRole::Start, 0),
            Reported("exited start Exited(0)"),
            WritesPidFile,
            Reported("main"),
            Signal(Whom::Main, 15),
            Reported("main exited Killed(15)"),
            Reported("empty"),
        ],
    },
];

/// What counts of a report: no pids, no texts.
fn words(event: &HelperEvent) -> String {
    match event {
        HelperEvent::Forked { role, .. } => format!("forked {}", name_of(*role)),
        HelperEvent::Execed { role, .. } => format!("execed {}", name_of(*role)),
        HelperEvent::Exited(Exit { role, end, .. }) => format!("exited {} {end:?}", name_of(*role)),
        HelperEvent::MainPid { .. } => "main".to_owned(),
        HelperEvent::MainExited(end) => format!("main exited {end:?}"),
        HelperEvent::Notify(notify) if notify.ready => "ready".to_owned(),
        HelperEvent::Empty => "empty".to_owned(),
        other => format!("{other:?}"),
    }
}

fn name_of(role: ExecRole) -> &'static str {
    match role {
        ExecRole::StartPre => "start-pre",
        ExecRole::Start => "start",
        ExecRole::Reload => "reload",
        ExecRole::StopPost => "stop-post",
        _ => "other",
    }
}

#[test]
fn the_fake_kernel_reports_so() {
    for scenario in SCENARIOS {
        let unit = UnitName::parse("a.service").expect("valid");
        let text = format!("[Service]\n{}\nExecStart=/bin/x\n", scenario.lines);
        let entry = TreeEntry::File(text);
        let (loaded, _) = gitproc_unit::load_alone(&unit, entry, &HostFacts::example());
        let id = InvocationId(7);
        let mut kernel = Kernel::default();
        let unit = Arc::new(loaded.expect("a unit"));
        kernel.spawn(id, unit, CommitId("c".repeat(40)), 0, false);
        kernel.make_ready(id);
        let next = |kernel: &mut Kernel| {
            let queue = kernel.queues.get_mut(&id);
            queue.and_then(std::collections::VecDeque::pop_front)
        };
        assert_eq!(next(&mut kernel), Some(HelperEvent::Ready));
        for step in scenario.steps {
            match step {
                Run(role) => {
                    let stray = scenario.stray && *role == ExecRole::Start;
                    kernel.run(id, *role, 0, stray);
                }
                Signal(whom, signal) => kernel.signal(id, *whom, *signal),
                Ends(role, status) => {
                    let end = ProcessEnd::Exited(u8::try_from(*status).expect("small"));
                    let forks = scenario.lines.contains("forking");
                    match *role == ExecRole::Start && !forks {
                        true => kernel.end_main(id, end),
                        false => kernel.end_control(id, end),
                    }
                }
                WritesPidFile => kernel.write_pid_file(id),
                IsReady => kernel.notify_ready(id),
                Reported(expected) => {
                    let told = next(&mut kernel).map(|event| words(&event));
                    assert_eq!(told.as_deref(), Some(*expected), "{}", scenario.what);
                }
            }
        }
        assert_eq!(
            next(&mut kernel),
            None,
            "{}: and nothing more",
            scenario.what
        );
    }
}

#[test]
fn the_real_helper_reports_so() {
    if !common::is_root("the_real_helper_reports_so") {
        return;
    }
    for scenario in SCENARIOS {
        let mut service = Service::of_unit(scenario.lines, scenario.script);
        let file = service.dir.join("pid").display().to_string();
        service
            .spec
            .environment
            .push(("PID_FILE".to_owned(), file.clone()));
        if scenario.lines.contains("forking") {
            service.spec.pid_file = Some(file);
        }
        if scenario.lines.contains("notify") {
            service.spec.notify_access = NotifyAccess::All;
        }
        let mut service = service.up();
        for step in scenario.steps {
            match step {
                Run(role) => service.run(*role),
                Signal(whom, signal) => service.signal(*whom, *signal),
                Ends(..) | WritesPidFile | IsReady => {}
                Reported(expected) => {
                    let event = HelperEvent::of(service.next()).expect("no Hello");
                    assert_eq!(words(&event), *expected, "{}", scenario.what);
                }
            }
        }
        service.quit();
    }
}
