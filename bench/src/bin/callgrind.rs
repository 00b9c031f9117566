//! Counts the instructions of every mode with valgrind and prints a table in Markdown.
//!
//! `cargo run --release -p secure-bench --bin callgrind [MODE..]`

use std::{
    env,
    error::Error,
    fs,
    path::Path,
    process::{Command, ExitCode, Stdio},
};

use secure_bench::{Case, Mode};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// What is counted is the difference of two runs: what happens once falls out.
const BATCHES: [u64; 2] = [4, 24];

const HOW_TO_INSTALL: &str = "\
valgrind is not installed:
  Debian, Ubuntu   apt install valgrind
  Fedora           dnf install valgrind
  Arch             pacman -S valgrind
There is none for Windows or for macOS on ARM; `cargo bench -p secure-bench` works everywhere.";

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
        return Err("count what users run: `cargo run --release ..`".into());
    }
    let mut version = Command::new("valgrind");
    version.arg("--version").stdout(Stdio::null());
    if version.status().is_err() {
        return Err(HOW_TO_INSTALL.into());
    }
    let modes = env::args()
        .skip(1)
        .map(|name| Mode::named(&name).ok_or(format!("no mode `{name}`")))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    let modes = match modes.as_slice() {
        [] => &Mode::ALL,
        some => some,
    };
    let folder = env::temp_dir().join(format!("secure-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let table = table(modes, &folder);
    fs::remove_dir_all(&folder)?;
    table
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
                count.saturating_sub(its_count).to_string()
            }
            _ => {
                let its_count = per_request(mode.baseline(), folder)?;
                baseline = Some((mode.baseline(), its_count));
                count.saturating_sub(its_count).to_string()
            }
        };
        let (name, description) = (mode.name(), mode.description());
        println!("| {name} | {description} | {count} | {more} |");
    }
    Ok(())
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
        return Err("`cargo build --release -p secure-bench --bins` first".into());
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
