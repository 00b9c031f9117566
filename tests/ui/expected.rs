//! Rules for every expected error: one for a mistake, with a way out, the same on every machine.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// More than one error, or none that helps, and why nothing can be done about it.
const EXCEPTIONS: &[(&str, &str)] = &[];

/// Where several errors are the point.
const SEVERAL: &str = "several-mistakes";

/// Folders of `ui` whose sources do not compile, sorted.
pub(crate) fn folders() -> Vec<String> {
    let mut folders: Vec<String> = entries(Path::new("ui"))
        .filter(|path| path.is_dir())
        .map(|path| name(&path))
        .filter(|name| !crate::OTHERS.contains(&name.as_str()))
        .collect();
    folders.sort();
    folders
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").path())
}

fn name(path: &Path) -> String {
    let name = path.file_name().expect("a name");
    name.to_string_lossy().into_owned()
}

/// Paths of all cases with what is expected of them.
fn expectations() -> Vec<(String, String)> {
    let folders = folders().into_iter().chain(["policy".to_owned()]);
    folders
        .flat_map(|folder| entries(&Path::new("ui").join(folder)).collect::<Vec<_>>())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "stderr")
        })
        .map(|path| {
            let text = fs::read_to_string(&path).expect("text");
            let case = path.with_extension("").to_string_lossy().replace('\\', "/");
            (case.trim_start_matches("ui/").to_owned(), text)
        })
        .collect()
}

fn check(broken: impl Fn(&str, &str) -> Option<String>) {
    let mistakes: Vec<String> = expectations()
        .iter()
        .filter_map(|(case, text)| broken(case, text).map(|what| format!("{case}: {what}")))
        .collect();
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

fn is_exception(case: &str) -> bool {
    EXCEPTIONS.iter().any(|(exception, _)| *exception == case)
}

#[test]
fn there_are_cases() {
    assert!(expectations().len() > 150);
    for (case, reason) in EXCEPTIONS {
        assert!(
            Path::new("ui").join(case).with_extension("stderr").exists(),
            "{case}: {reason}"
        );
    }
}

#[test]
fn nothing_is_expected_of_a_case_that_is_gone() {
    check(|case, _| {
        let case = Path::new("ui").join(case);
        let exists = ["rs", "toml"]
            .iter()
            .any(|end| case.with_extension(end).exists());
        (!exists).then(|| "an expected error without a case".to_owned())
    });
}

#[test]
fn one_mistake_is_one_error() {
    check(|case, text| {
        let errors = text
            .lines()
            .filter(|line| line.starts_with("error"))
            .count();
        let wanted = if case.starts_with(SEVERAL) {
            errors.max(2)
        } else {
            1
        };
        (errors != wanted && !is_exception(case)).then(|| format!("{errors} errors"))
    });
}

#[test]
fn an_error_stands_alone() {
    check(|_, text| {
        let warns = text.lines().any(|line| line.starts_with("warning"));
        warns.then(|| "a warning beside the error".to_owned())
    });
}

#[test]
fn every_error_shows_a_way_out() {
    check(|case, text| {
        let helps = text
            .split("\n\nerror")
            .all(|error| error.contains("help: "));
        (!helps && !is_exception(case)).then(|| "no help".to_owned())
    });
}

#[test]
fn our_words_begin_in_lower_case_and_end_without_a_full_stop() {
    check(|_, text| {
        let lines = text.lines().filter_map(|line| {
            let ours = line.strip_prefix("error: ");
            ours.or(line.trim_start().strip_prefix("= help: "))
        });
        lines
            .filter(|words| words.starts_with(char::is_uppercase) || words.ends_with('.'))
            .filter(|words| !words.ends_with(".."))
            .map(str::to_owned)
            .next()
    });
}

#[test]
fn nothing_inside_the_expansion_is_mentioned() {
    check(|_, text| {
        text.contains("__secured")
            .then(|| "a name that no user wrote".to_owned())
    });
}

#[test]
fn every_machine_says_the_same() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("a workspace");
    let here = root.to_string_lossy();
    check(|_, text| {
        let places = text.lines().filter_map(|line| {
            let line = line.trim_start();
            line.strip_prefix("--> ").or(line.strip_prefix("::: "))
        });
        let absolute = places
            .clone()
            .any(|place| place.starts_with('/') || place.contains(":\\"));
        (absolute || text.contains(here.as_ref())).then(|| "a path of this machine".to_owned())
    });
}
