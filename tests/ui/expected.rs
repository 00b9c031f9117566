//! Rules for every expected error: one for a mistake, with a way out, the same on every machine.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Cases that break a rule, and why nothing can be done about it.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("allow/unknown-name", "a way out", RUSTC),
    ("keys/equals-instead-of-parentheses", "a way out", NO_LIST),
    ("keys/equals-instead-of-parentheses", "one error", NO_LIST),
    ("signature/no-body", "one error", RUSTC),
    ("twice/under-another-name", "a way out", NAMES),
    ("types/mistake-in-the-body", "a way out", RUSTC),
    ("types/misspelt-argument", "a way out", RUSTC),
    ("types/misspelt-output", "a way out", RUSTC),
    ("unvalidated/without-secured", "a way out", RUSTC),
];

const NAMES: &str = "an attribute cannot see what a name stands for";
const NO_LIST: &str = "rustc refuses `#[name = value]` itself, and expands it all the same";
const RUSTC: &str = "rustc's words about the user's code";

/// What is wrong with the expected errors of a case, if anything is.
type Rule = fn(case: &str, errors: &str) -> Option<String>;

const RULES: &[(&str, Rule)] = &[
    ("one error", one_error),
    ("no warning", no_warning),
    ("a way out", a_way_out),
    ("plain words", plain_words),
    ("nothing internal", nothing_internal),
    ("no place of this machine", no_place_of_this_machine),
    ("a case", a_case),
];

/// Applies every rule to every expected error.
pub(crate) fn assert_reviewed() {
    let mut broken = Vec::new();
    for (case, errors) in expectations() {
        for (name, rule) in RULES {
            let excepted = EXCEPTIONS
                .iter()
                .find(|(other, from, _)| *other == case && from == name);
            match (rule(&case, &errors), excepted) {
                (Some(what), None) => broken.push(format!("{case}: {name}: {what}")),
                (None, Some((.., reason))) => {
                    broken.push(format!("{case}: {name}: no longer `{reason}`"));
                }
                (Some(_), Some(_)) | (None, None) => {}
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

fn one_error(case: &str, errors: &str) -> Option<String> {
    let several = case.starts_with("several-mistakes/");
    let count = errors
        .lines()
        .filter(|line| line.starts_with("error"))
        .count();
    ((count > 1) != several).then(|| format!("{count} errors"))
}

fn no_warning(_: &str, errors: &str) -> Option<String> {
    let warns = errors.lines().any(|line| line.starts_with("warning"));
    warns.then(|| "a warning beside the error".to_owned())
}

/// Our help, or a note of ours in an error of rustc.
fn a_way_out(_: &str, errors: &str) -> Option<String> {
    let helps = errors
        .split("\n\nerror")
        .all(|error| error.contains("help: "));
    (!helps).then(|| "no help".to_owned())
}

/// Ours begin in lower case and end without a full stop.
fn plain_words(_: &str, errors: &str) -> Option<String> {
    let ours = errors.lines().filter_map(|line| {
        let first = line.strip_prefix("error: ");
        first.or(line.trim_start().strip_prefix("= help: "))
    });
    let mut broken = ours.filter(|words| {
        words.starts_with(char::is_uppercase) || words.ends_with('.') && !words.ends_with("..")
    });
    broken.next().map(str::to_owned)
}

fn nothing_internal(_: &str, errors: &str) -> Option<String> {
    let leaks = errors.contains("__secured");
    leaks.then(|| "a name that no user wrote".to_owned())
}

fn no_place_of_this_machine(_: &str, errors: &str) -> Option<String> {
    let mut places = errors.lines().filter_map(|line| {
        let line = line.trim_start();
        line.strip_prefix("--> ").or(line.strip_prefix("::: "))
    });
    let absolute = places.any(|place| place.starts_with('/') || place.contains(":\\"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    let here = root.to_string_lossy();
    (absolute || errors.contains(here.as_ref())).then(|| "a path of this machine".to_owned())
}

fn a_case(case: &str, _: &str) -> Option<String> {
    let case = Path::new("ui").join(case);
    let exists = ["rs", "toml"]
        .iter()
        .any(|end| case.with_extension(end).exists());
    (!exists).then(|| "an expected error without a case".to_owned())
}

/// Folders of `ui` whose sources do not compile, sorted.
pub(crate) fn folders() -> Vec<String> {
    let mut folders: Vec<String> = entries("ui")
        .filter(|path| path.is_dir())
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .filter(|name| name != "pass" && name != "policy")
        .collect();
    folders.sort();
    folders
}

fn entries<P: AsRef<Path>>(folder: P) -> impl Iterator<Item = PathBuf> + use<P> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").path())
}

/// The name of each case, and its expected errors.
fn expectations() -> Vec<(String, String)> {
    let folders = folders().into_iter().chain(["policy".to_owned()]);
    let files = folders.flat_map(|folder| {
        let files = entries(Path::new("ui").join(&folder));
        let expected = files.filter(|path| path.extension().is_some_and(|end| end == "stderr"));
        let named = expected.map(move |path| {
            let errors = fs::read_to_string(&path).expect("text");
            let name = path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            (format!("{folder}/{name}"), errors)
        });
        named.collect::<Vec<_>>()
    });
    files.collect()
}
