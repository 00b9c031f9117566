//! The table.

use std::{fmt::Write, fs, path::Path, process::Command};

use secure_bench::rig::{Result, load::has_wrk, pairs::Quartiles};

use crate::{
    plot,
    rows::{Goal, Measured},
};

const BEGIN: &str = "<!-- cargo xtask bench writes from here -->\n";
const END: &str = "<!-- to here -->";

/// More than an app without this crate takes.
const MOST_INSTRUCTIONS: u64 = 1_400;

/// Rows of Markdown.
pub(crate) fn table(measured: &[Measured]) -> String {
    let mut table = String::from(
        "| | requests a second, as a share | goal | pairs that count | computed for a request, as a share | goal | |\n\
         |---|---:|---:|---:|---:|---:|---|\n",
    );
    for Measured { name, goal, pairs } in measured {
        let rates = Quartiles::of(&pairs.rates);
        let computed = Quartiles::of(&pairs.computed);
        let more = Quartiles::of(&pairs.more);
        let median = |quartiles: Option<Quartiles>| quartiles.map(|quartiles| quartiles.median);
        let (rate_goal, computed_goal) = match goal {
            Goal::Rate(goal) => (format!("{goal}"), String::new()),
            Goal::RateAndComputed(goal, most) => (format!("{goal}"), format!("at most {most}")),
            Goal::More(most) => (String::new(), format!("{:.1} µs more", most * 1e6)),
            Goal::None => (String::new(), String::new()),
        };
        let mut computed_text = text(computed);
        if let (Goal::More(_), Some(more)) = (goal, more) {
            let [low, median, high] =
                [more.low, more.median, more.high].map(|seconds| seconds * 1e6);
            computed_text = format!("{median:.2} µs more ({low:.2} to {high:.2})");
        }
        let verdict = goal.is_met(
            median(rates),
            median(computed).unwrap_or(f64::INFINITY),
            median(more).unwrap_or(f64::INFINITY),
        );
        let verdict = match (verdict, goal) {
            (Some(true), _) => "met",
            (Some(false), _) => "**missed**",
            (None, Goal::None) => "",
            (None, _) => "disturbed",
        };
        let (count, made, rates) = (pairs.rates.len(), pairs.made, text(rates));
        // A write to a `String` does not fail.
        let _ = writeln!(
            table,
            "| {name} | {rates} | {rate_goal} | {count} of {made} | {computed_text} | {computed_goal} | {verdict} |"
        );
    }
    // Recorded, not measured here: another machine's load does not change them.
    if let Some(more) = recorded("whole-guarded").zip(recorded("whole-bare")) {
        let more = more.0.saturating_sub(more.1);
        let verdict = if more <= MOST_INSTRUCTIONS {
            "met"
        } else {
            "**missed**"
        };
        let _ = writeln!(
            table,
            "| secured / bare GET, in process | | | | {more} instructions more | at most {MOST_INSTRUCTIONS} | {verdict} |"
        );
    }
    table
}

/// Instructions that a request takes, by the record.
fn recorded(mode: &str) -> Option<u64> {
    include_str!("../../../instructions.toml")
        .lines()
        .find_map(|line| line.strip_prefix(mode)?.strip_prefix(" = ")?.parse().ok())
}

fn text(quartiles: Option<Quartiles>) -> String {
    match quartiles {
        Some(Quartiles { low, median, high }) => format!("{median:.3} ({low:.3} to {high:.3})"),
        None => "-".to_owned(),
    }
}

/// Writes table and plot into the folder of this package.
pub(crate) fn write(measured: &[Measured]) -> Result {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = here.join("README.md");
    let text = fs::read_to_string(&readme)?;
    let whole =
        (text.split_once(BEGIN)).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = whole.ok_or("README.md has no place for the table")?;
    let (table, machine) = (table(measured), machine());
    fs::write(
        &readme,
        format!("{before}{BEGIN}\n{machine}\n\n{table}\n{END}{after}"),
    )?;
    fs::write(here.join("plot.svg"), plot::svg(measured))?;
    Ok(())
}

/// What was measured on, and when.
pub(crate) fn machine() -> String {
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        Some(text.trim().to_owned())
    };
    let facts = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = facts
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("a processor without a name", |(_, name)| name);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?").to_owned();
    let rustc = said("rustc", &["--version"]).unwrap_or_default();
    let date = said("date", &["-u", "+%F"]).unwrap_or_default();
    let driver = if has_wrk() { "wrk" } else { "threads" };
    format!(
        "{cores} cores (\"{processor}\"), {rustc}, {date}, driven by {driver}; load at the end {load}."
    )
}
