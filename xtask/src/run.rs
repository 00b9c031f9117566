//! Runs programs, says which, and how long each took.

use std::{
    env,
    error::Error,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// What was done so far.
#[derive(Default)]
pub(crate) struct Steps(Vec<(&'static str, Duration)>);

impl Steps {
    /// Runs `command` with its output in view.
    pub(crate) fn run(&mut self, name: &'static str, command: &mut Command) -> Result {
        self.check(name, || {
            println!("$ {}", written(command));
            let status = command.status()?;
            if status.success() {
                Ok(())
            } else {
                Err(status.to_string().into())
            }
        })
    }

    pub(crate) fn check(&mut self, name: &'static str, step: impl FnOnce() -> Result) -> Result {
        println!("\n==> {name}");
        let start = Instant::now();
        step().map_err(|error| format!("\nfailed: {name}: {error}"))?;
        self.0.push((name, start.elapsed()));
        Ok(())
    }

    /// Lists the steps and their times.
    pub(crate) fn finish(self) {
        println!("\n==> all well");
        for (name, time) in self.0 {
            println!("{:6.1} s  {name}", time.as_secs_f64());
        }
    }
}

/// The cargo that runs this program.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = command(&env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
    cargo.args(arguments);
    cargo
}

/// A program in the workspace's folder, in the environment that this one was started from.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    command.current_dir(here.parent().unwrap_or(here));
    // What `cargo run` says about this package would make build scripts run again.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&*name);
        }
    }
    command
}

/// Whether `command` can be run and succeeds; its output is dropped.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// What `command` prints.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{}: {}", written(command), output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The command as one would type it.
fn written(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    let environment = command
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)))
        .map(|(name, value)| {
            let value = value.to_string_lossy();
            format!("{}={}", name.to_string_lossy(), quoted(&value))
        });
    let words = std::iter::once(program)
        .chain(command.get_args())
        .map(|word| quoted(&word.to_string_lossy()));
    environment.chain(words).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    if word.contains([' ', '"', '*']) {
        format!("'{word}'")
    } else {
        word.to_owned()
    }
}
