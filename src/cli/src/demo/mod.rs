//! `demo`: the whole product in a private directory, to play with or (`--tour`) to watch.
//!
//! ```text
//! stage ─▶ init, examples, daemon ─▶ push ─▶ status ─▶ tour, or idle until Ctrl-C ─▶ clear
//!             └───────────┴───────────┴─────────┴── failure, or a signal ──────────────┘
//! ```
mod examples;
mod git;
mod interrupt;
mod leftovers;
mod stage;
mod tour;

use crate::args::DemoArgs;
use crate::failure::Failure;
use crate::output::print;
use crate::render;
use crate::verbs::{Context, init};
use git::Clone;
use gitproc_rpc::api::{Empty, HostStatus, List, ListParams, Status};
use interrupt::Interrupt;
use stage::{Ending, Stage};

/// Plays, cleans up, and says so.
pub fn run(context: &Context, args: &DemoArgs) -> Result<u8, Failure> {
    if context.place.root.is_some() {
        return Err(Failure::new(
            crate::failure::USAGE,
            "demo takes --dir DIR instead of --root",
        ));
    }
    let interrupt = Interrupt::catch()?;
    let mut stage = Stage::new(args.dir.as_deref(), interrupt.clone())?;
    let played = play(context, args, &mut stage, &interrupt);
    // A signal to the whole terminal may have hit a child first; what that looked like is no news.
    let played = match &played {
        Err(_) => interrupt.check().and(played),
        Ok(()) => played,
    };
    let ending = match &played {
        Err(failure) if !interrupt.asked() => {
            eprint!("{failure}");
            Ending::Failed
        }
        _ => Ending::Played,
    };
    // Nobody may be there to read it: clearing up must not depend on that.
    let _ = say("\nStopping every service in order, then the daemon …");
    let cleared = stage.clear(ending)?;
    let _ = say(&cleared);
    Ok(played.err().map_or(0, |failure| failure.exit))
}

fn play(
    context: &Context,
    args: &DemoArgs,
    stage: &mut Stage,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let is_root = nix::unistd::geteuid().is_root();
    say(&format!(
        "This is gitproc in a private directory, {}",
        stage.root.display()
    ))?;
    say(match is_root {
        true => {
            "It runs as root: each service has its own PID namespace, user, cgroup and limits, as \
             far as this host has them."
        }
        false => {
            "It runs WITHOUT ROOT, which costs: services run as you (no User=), without limits \
             unless a cgroup is delegated to you. The status below names what is missing."
        }
    })?;
    init::make(&stage.place)?;
    interrupt.check()?;
    let clone = Clone::at(&stage.place.layout.clone, interrupt.clone());
    let written = examples::write(&clone.directory, is_root, args.tour)?;
    for remark in &written.remarks {
        say(&format!("({remark})"))?;
    }
    stage.start_daemon()?;
    let commit = clone.commit_if_changed("Add the example site")?;
    say(&format!(
        "\n$ git push        # {}",
        commit.get(..7).unwrap_or(&commit)
    ))?;
    let push = clone.push()?;
    print(&push.words)?;
    if !push.accepted {
        return Err(stage.daemon_failed("the push was refused"));
    }
    let host = show_status(context, stage)?;
    match args.tour {
        true => tour::play(stage, &clone, interrupt),
        false => {
            invite(stage, written.port, &host)?;
            interrupt.wait(|| stage.daemon_ended())
        }
    }
}

fn show_status(context: &Context, stage: &Stage) -> Result<HostStatus, Failure> {
    let mut session = stage.session()?;
    let host = session.call::<Status>(&Empty {})?;
    let units = session.call::<List>(&ListParams::default())?;
    let palette = context.output.palette;
    say("\n$ gitproc status")?;
    print(&render::host(&host, crate::verbs::now_us(), palette))?;
    print(&render::units(&units, palette))?;
    Ok(host)
}

/// The commands to try next, ready to paste.
fn invite(stage: &Stage, port: u16, host: &HostStatus) -> Result<(), Failure> {
    let command = stage.place.command();
    let program = std::env::current_exe().map(|path| path.display().to_string());
    let command = match (&program, which("gitproc")) {
        (Ok(path), false) => command.replacen("gitproc", &crate::place::shell_word(path), 1),
        _ => command,
    };
    let clone = stage.place.layout.clone.display().to_string();
    let clone = crate::place::shell_word(&clone);
    let generation = host
        .generation
        .as_ref()
        .map_or(1, |generation| generation.number.0);
    say(&format!(
        "
The site is up, from a git commit. Try these in another terminal:

  # look
  curl http://127.0.0.1:{port}/
  {command} status web
  {command} logs -n 20 web

  # break it: it comes back, with another pid
  {command} kill -s KILL web
  {command} status web

  # change it by a commit: only web restarts
  cd {clone}
  sed -i 's/GREETING=.*/GREETING=Bonjour./' web.service
  git commit -qam 'Greet in French' && git push

  # and back
  {command} history
  {command} rollback @{generation}

The daemon has pid {pid}. Ctrl-C here stops everything and leaves nothing behind.",
        pid = host.pid,
    ))
}

/// Whether a shell finds a program of this name.
fn which(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(name).is_file())
}

fn say(line: &str) -> Result<(), Failure> {
    print(&format!("{line}\n"))
}
