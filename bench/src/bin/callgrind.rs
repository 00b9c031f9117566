//! Counts the instructions of every mode with valgrind and prints a table in Markdown.
//!
//! `cargo xtask bench instructions [MODE..]`; `whole-redis` must be named, since with the feature that it
//! needs every mode takes a little more.
//!
//! With `--check` it fails where a request takes more than `instructions.toml` says, and with
//! `--record` it writes that file.

use std::{
    env,
    error::Error,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use secure_bench::{Case, Mode};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// What is counted is the difference of two runs: what happens once falls out.
const BATCHES: [u64; 2] = [4, 24];

/// What the record has: an app without this crate, and requests that are guarded or refused.
const RECORDED: [Mode; 7] = [
    Mode::WholeBare,
    Mode::WholeGuarded,
    Mode::WholeFull,
    Mode::WholeRefused401,
    Mode::WholeRefused429,
    Mode::WholeBanned,
    Mode::WholePost,
];

/// Percent more than the record that are taken for chance: hashes are keyed at random, and a
/// processor of another kind may copy memory in other steps.
const TOLERATED: u64 = 3;

/// Counts of one mode, of which the lowest is taken, before a mode is said to have grown.
const ATTEMPTS: usize = 3;

const HEAD: &str = "\
# Instructions of one request, counted by callgrind; what the names mean is in README.md.
# `cargo xtask test` fails where one takes 3 % more. `cargo xtask bless instructions` writes this file.

";

const HOW_TO_INSTALL: &str = "\
valgrind is not installed:
  Debian, Ubuntu   apt install valgrind
  Fedora           dnf install valgrind
  Arch             pacman -S valgrind
There is none for Windows or for macOS on ARM; `cargo xtask bench checks` works everywhere.";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result {
    if cfg!(debug_assertions) {
        return Err("count what users run: `cargo xtask bench instructions`".into());
    }
    let mut version = Command::new("valgrind");
    version.arg("--version").stdout(Stdio::null());
    if version.status().is_err() {
        return Err(HOW_TO_INSTALL.into());
    }
    let arguments = env::args().skip(1).collect::<Vec<_>>();
    let arguments = arguments.iter().map(String::as_str).collect::<Vec<_>>();
    let folder = env::temp_dir().join(format!("secure-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let outcome = match arguments.as_slice() {
        ["--check"] => check(&folder),
        ["--record"] => record(&folder),
        [] => table(Mode::ALL, &folder),
        names => names
            .iter()
            .map(|name| Mode::named(name).ok_or_else(|| format!("no mode `{name}`").into()))
            .collect::<Result<Vec<_>>>()
            .and_then(|modes| table(&modes, &folder)),
    };
    fs::remove_dir_all(&folder)?;
    outcome
}

fn table(modes: &[Mode], folder: &Path) -> Result {
    println!("| mode | | instructions | more than its baseline |");
    println!("|---|---|---:|---:|");
    let mut baseline = None;
    for mode in modes {
        let count = per_request(*mode, folder)?;
        let more = match baseline {
            _ if mode.baseline() == *mode => {
                baseline = Some((*mode, count));
                String::new()
            }
            Some((baseline, its_count)) if baseline == mode.baseline() => {
                format!("{}", count as i64 - its_count as i64)
            }
            _ => {
                let its_count = per_request(mode.baseline(), folder)?;
                baseline = Some((mode.baseline(), its_count));
                format!("{}", count as i64 - its_count as i64)
            }
        };
        let (name, description) = (mode.name(), mode.description());
        println!("| {name} | {description} | {count} | {more} |");
    }
    Ok(())
}

fn record_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.toml")
}

fn record(folder: &Path) -> Result {
    let mut text = HEAD.to_owned();
    for mode in RECORDED {
        let count = per_request(mode, folder)?;
        println!("{} {count}", mode.name());
        writeln!(text, "{} = {count}", mode.name())?;
    }
    Ok(fs::write(record_file(), text)?)
}

/// Fails where a mode takes more than was recorded, unless another count or two say otherwise.
fn check(folder: &Path) -> Result {
    let text = fs::read_to_string(record_file())?;
    let mut grown = String::new();
    for mode in RECORDED {
        let name = mode.name();
        let recorded = text.lines().find_map(|line| {
            let (its_name, count) = line.split_once(" = ")?;
            (its_name == name).then(|| count.parse::<u64>().ok())?
        });
        let recorded = recorded.ok_or(format!(
            "bench/instructions.toml has no `{name}`: `cargo xtask bless instructions`"
        ))?;
        let most = recorded + recorded * TOLERATED / 100;
        let mut least = u64::MAX;
        for _ in 0..ATTEMPTS {
            least = least.min(per_request(mode, folder)?);
            if least <= most {
                break;
            }
        }
        println!("{name} {least}, recorded {recorded}");
        let percent = (least as f64 / recorded as f64 - 1.0) * 100.0;
        if least > most {
            writeln!(
                grown,
                "`{name}` takes {least} instructions, {percent:.1} % more than the {recorded} of \
                 bench/instructions.toml; {TOLERATED} % are tolerated"
            )?;
        } else if percent < -(TOLERATED as f64) {
            println!(
                "  {:.1} % fewer: `cargo xtask bless instructions` keeps it so",
                -percent
            );
        }
    }
    match grown.as_str() {
        "" => Ok(()),
        grown => Err(format!(
            "{grown}if this is what the change is worth, run `cargo xtask bless instructions` and commit \
             the file with the change, with the reason in its message; if not, find out by\n  valgrind \
             --tool=callgrind --toggle-collect='count::measured*' target/release/count whole-guarded 24"
        )
        .into()),
    }
}
/// Instructions that one request takes.
fn per_request(mode: Mode, folder: &Path) -> Result<u64> {
    let [few, many] = BATCHES;
    let difference = count(mode, many, folder)?.saturating_sub(count(mode, few, folder)?);
    Ok(difference / ((many - few) * Case::BATCH as u64))
}

/// Instructions that so many batches take.
fn count(mode: Mode, batches: u64, folder: &Path) -> Result<u64> {
    let driver = env::current_exe()?.with_file_name(format!("count{}", env::consts::EXE_SUFFIX));
    if !driver.exists() {
        return Err("`count` was not built beside it: `cargo xtask bench instructions`".into());
    }
    let profile = folder.join(format!("{}.{batches}", mode.name()));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=count::measured*"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(driver)
        .args([mode.name(), &batches.to_string()])
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let profile = fs::read_to_string(profile)?;
    profile
        .lines()
        .find_map(|line| line.strip_prefix("summary: ")?.trim().parse().ok())
        .ok_or_else(|| "valgrind wrote no summary".into())
}
