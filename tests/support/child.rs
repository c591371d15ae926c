//! The program as it is run in earnest: a process of its own.

#[path = "engine.rs"]
pub(crate) mod engine;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long anything the program does may take on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// The program, beside the tests' own folder; built if nobody has.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let test = std::env::current_exe().expect("this test's own path");
        let folder = test.parent().and_then(Path::parent).expect("the profile's folder");
        let path = folder.join(format!("vivero{}", std::env::consts::EXE_SUFFIX));
        if !path.exists() {
            let built = Command::new(env!("CARGO"))
                .args(["build", "-p", "vivero-server", "--locked"])
                .status();
            assert!(
                built.expect("cargo").success() && path.exists(),
                "{} is missing",
                path.display()
            );
        }
        path
    })
}

/// A command of the program on the data in `data`, with nothing of the surroundings' settings.
pub(crate) fn vivero(data: &Path) -> Command {
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("VIVERO_") {
            command.env_remove(name);
        }
    }
    engine::settings(&mut command, data);
    command.arg("--data").arg(data).stdin(Stdio::null());
    command
}

/// A running process, killed with `kill -9` at the latest when it is dropped.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) lines: Receiver<String>,
}

impl Running {
    /// Starts `command` and passes on the lines of its standard output, or of its standard error.
    pub(crate) fn start(command: &mut Command, errors: bool) -> Self {
        let (shown, other) = (Stdio::piped(), Stdio::null());
        let command = match errors {
            true => command.stdout(other).stderr(shown),
            false => command.stdout(shown).stderr(other),
        };
        let mut child = command.spawn().expect("the program");
        let (send, lines) = channel();
        let read = |stream: Box<dyn std::io::Read + Send>| {
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    if send.send(line).is_err() {
                        return;
                    }
                }
            })
        };
        match (child.stdout.take(), child.stderr.take()) {
            (Some(stream), _) => read(Box::new(stream)),
            (_, Some(stream)) => read(Box::new(stream)),
            (None, None) => unreachable!("one of them is piped"),
        };
        Self { child, lines }
    }

    /// The next line.
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line of the program")
    }

    /// `kill -9`, this instant.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("a kill");
        self.child.wait().expect("an end");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
