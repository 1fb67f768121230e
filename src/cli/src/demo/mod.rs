//! `demo`: the whole product in a private directory, to play with or (`--tour`) to watch.
mod examples;
mod git;
mod leftovers;
mod stage;
mod tour;

use crate::args::DemoArgs;
use crate::failure::{FAILED, Failure};
use crate::output::print;
use crate::verbs::{Context, init};
use crate::{render, wait};
use git::Clone;
use gitproc_rpc::api::{Empty, HostStatus, List, ListParams, Status};
use signal_hook::consts::{SIGCHLD, SIGINT, SIGTERM};
use stage::Stage;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Plays, cleans up, and says so.
pub fn run(context: &Context, args: &DemoArgs) -> Result<u8, Failure> {
    if context.place.root.is_some() {
        return Err(Failure::new(
            crate::failure::USAGE,
            "demo takes --dir DIR instead of --root",
        ));
    }
    // From here on Ctrl-C means: stop the show and clear the stage.
    let interrupt = Interrupt::catch()?;
    let mut stage = Stage::new(args.dir.as_deref())?;
    let is_root = nix::unistd::geteuid().is_root();
    say(&format!("gitproc demo in {}", stage.root.display()))?;
    say(match is_root {
        true => {
            "running as root: PID namespaces, users, cgroups, limits as far as this host has them"
        }
        false => "running rootless: no User=, and limits only where a cgroup is delegated to you",
    })?;

    init::make(&stage.place)?;
    let clone = Clone::at(&stage.place.layout.clone);
    let written = examples::write(&clone.directory, is_root)?;
    for remark in &written.remarks {
        say(remark)?;
    }
    stage.start_daemon()?;
    let commit = clone.commit("Add the example site");
    // A directory that was kept from an earlier demo has nothing new to commit.
    let commit = commit.or_else(|_| clone.head())?;
    say(&format!(
        "\n$ git push        # {}",
        commit.get(..7).unwrap_or(&commit)
    ))?;
    let push = clone.push()?;
    print(&push.words)?;
    if !push.accepted {
        return Err(stage.daemon_failed("the push was refused"));
    }

    let host = show_status(context, &stage)?;
    let outcome = match args.tour {
        true => tour::play(&mut stage, &clone, &interrupt),
        false => {
            invite(&stage, written.port, &host)?;
            interrupt.wait(|| stage.daemon_ended())
        }
    };
    if let Err(failure) = &outcome {
        eprint!("{failure}");
    }
    say("\nstopping every service in order, then the daemon")?;
    say(&stage.clear()?)?;
    Ok(match outcome {
        Ok(()) => 0,
        Err(_) => FAILED,
    })
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
        (Ok(path), false) => command.replacen("gitproc", path, 1),
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
The daemon (pid {pid}) runs in the foreground of this terminal. In another one, try:
  curl http://127.0.0.1:{port}/
  {command} status web
  {command} logs -f web
  {command} kill -s KILL web; {command} status web
  cd {clone} && sed -i 's/GREETING=.*/GREETING=Bonjour./' web.service && git commit -qam 'Greet in French' && git push
  {command} history
  {command} rollback @{generation}
Ctrl-C stops everything and leaves nothing behind.",
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

/// Ctrl-C and SIGTERM, as something that can be waited for.
pub struct Interrupt {
    asked: Arc<AtomicBool>,
    wakes: UnixStream,
}

impl Interrupt {
    fn catch() -> Result<Interrupt, Failure> {
        let failed = |error| Failure::caused("can't catch signals", &error);
        let asked = Arc::new(AtomicBool::new(false));
        let (wakes, writer) = UnixStream::pair().map_err(failed)?;
        wakes.set_nonblocking(true).map_err(failed)?;
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, asked.clone()).map_err(failed)?;
        }
        // SIGCHLD too: the wait ends when the daemon does. Flags come first, so that a wake-up
        // always finds its reason.
        for signal in [SIGINT, SIGTERM, SIGCHLD] {
            let writer = writer.try_clone().map_err(failed)?;
            signal_hook::low_level::pipe::register(signal, writer).map_err(failed)?;
        }
        Ok(Interrupt { asked, wakes })
    }

    /// Whether somebody wants the show to end.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Until somebody does, or the daemon has ended.
    fn wait(&self, mut daemon_ended: impl FnMut() -> bool) -> Result<(), Failure> {
        loop {
            if self.asked() {
                return Ok(());
            }
            if daemon_ended() {
                return Err(Failure::new(FAILED, "the daemon has ended"));
            }
            wait::readable(self.wakes.as_fd())
                .map_err(|error| Failure::caused("can't wait for signals", &error))?;
            let mut seen = [0; 64];
            // Only drained; what happened is looked up above.
            let _ = (&self.wakes).read(&mut seen);
        }
    }
}
