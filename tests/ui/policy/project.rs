//! Mistakes in `policy.toml`: a package for each, because the nearest file is the one that counts.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{rustc, trybuild_folder};

/// What trybuild hands to the compiler: with the same flags its dependencies are used again.
const FLAGS: &str =
    r#"["--cfg", "trybuild", "--verbose", "-A", "dead_code", "--diagnostic-width=140"]"#;

/// Three handlers with the same vocabulary, whose mistakes are told once.
const HANDLERS: &str = include_str!("handlers.rs");

/// Compares what the compiler says of each file with the `.stderr` beside it.
pub(crate) fn mistakes_are_explained() {
    let cases = cases();
    let project = Project::create("policy-mistakes", cases.keys());
    for (case, policy) in &cases {
        project.write(case, policy);
    }
    let said = project.check();
    let rewrite = env::var_os("TRYBUILD").is_some_and(|value| value == "overwrite");
    let mut differences = Vec::new();
    for case in cases.keys() {
        let said = said.get(case).cloned().unwrap_or_default();
        let path = Path::new("ui/policy").join(case).with_extension("stderr");
        if rewrite {
            fs::write(&path, &said).expect("the expected errors");
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if said != expected || said.is_empty() {
            differences.push(format!(
                "ui/policy/{case}.toml: expected\n{expected}\nbut got\n{said}"
            ));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}

/// A name that is no longer declared is noticed without a change of the source.
pub(crate) fn a_change_rebuilds() {
    let vocabulary = fs::read_to_string("../policy.toml").expect("policy.toml");
    let without = vocabulary.replace("\"orders:read\" = \"see orders\"\n", "");
    assert_ne!(without, vocabulary);
    let name = "changing".to_owned();
    let project = Project::create("policy-change", [&name]);

    project.write(&name, &vocabulary);
    assert_eq!(project.check(), BTreeMap::new());
    project.write(&name, &without);
    let said = project.check().remove(&name).unwrap_or_default();
    assert!(
        said.contains("scope `orders:read` is not declared in policy.toml"),
        "{said}"
    );
    project.write(&name, &vocabulary);
    assert_eq!(project.check(), BTreeMap::new());
}

/// The name of each file with mistakes, and its text.
fn cases() -> BTreeMap<String, String> {
    let entries = fs::read_dir("ui/policy").expect("ui/policy");
    entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .map(|path| {
            let name = path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            (name, fs::read_to_string(path).expect("text"))
        })
        .collect()
}

/// A workspace with a package for each vocabulary.
struct Project {
    folder: PathBuf,
}

impl Project {
    /// Takes dependencies and lock file from the project that trybuild has made.
    fn create<'a>(name: &str, packages: impl IntoIterator<Item = &'a String>) -> Self {
        let model = trybuild_folder().join(env!("CARGO_PKG_NAME"));
        let manifest = fs::read_to_string(model.join("Cargo.toml")).expect("trybuild's project");
        let (before, shared) = manifest
            .split_once("[workspace.dependencies")
            .expect("versions");
        let (before, _) = before.split_once("[[bin]]").expect("programs");
        let (_, dependencies) = before.split_once("[dependencies").expect("dependencies");

        let folder = trybuild_folder().join(name);
        let mut members = String::new();
        for package in packages {
            members.push_str(&format!("{package:?}, "));
            let folder = folder.join(package);
            fs::create_dir_all(&folder).expect("a package");
            let manifest = format!(
                "[package]\nname = {package:?}\nedition = \"2024\"\n\n\
                 [[bin]]\nname = {package:?}\npath = \"main.rs\"\n\n[dependencies{dependencies}",
            );
            write(&folder.join("Cargo.toml"), &manifest);
            write(&folder.join("main.rs"), HANDLERS);
        }
        let manifest = format!(
            "[workspace]\nresolver = \"3\"\nmembers = [{members}]\n\n\
             [workspace.dependencies{shared}",
        );
        write(&folder.join("Cargo.toml"), &manifest);
        fs::copy(model.join("Cargo.lock"), folder.join("Cargo.lock")).expect("a lock file");
        Self { folder }
    }

    fn write(&self, package: &str, policy: &str) {
        write(&self.folder.join(package).join("policy.toml"), policy);
    }

    /// What the compiler says of each package, if it says anything.
    fn check(&self) -> BTreeMap<String, String> {
        let verbose = rustc("-vV");
        let host = verbose.lines().find_map(|line| line.strip_prefix("host: "));
        let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args([
                "check",
                "--workspace",
                "--bins",
                "--keep-going",
                "--offline",
                "--quiet",
            ])
            .args(["--message-format=json", "--target", host.expect("a host")])
            .arg(format!("--config=build.rustflags={FLAGS}"))
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", trybuild_folder())
            .env("CARGO_INCREMENTAL", "0")
            .env_remove("RUSTFLAGS")
            .output()
            .expect("cargo");
        let said = self.said(&String::from_utf8_lossy(&output.stdout));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), said.is_empty(), "{stderr}");
        said
    }

    fn said(&self, messages: &str) -> BTreeMap<String, String> {
        let mut said: BTreeMap<String, String> = BTreeMap::new();
        for line in messages.lines() {
            let message: serde_json::Value = serde_json::from_str(line).expect("JSON of cargo");
            let package = message["target"]["name"].as_str();
            let (Some(package), Some(text)) = (package, message["message"]["rendered"].as_str())
            else {
                continue;
            };
            // A summary has no place.
            let placed = message["message"]["spans"].as_array();
            if placed.is_none_or(Vec::is_empty) || !self.folder.join(package).exists() {
                continue;
            }
            let place = format!("{package}/main.rs");
            let text = text.replace(&place, "ui/policy/handlers.rs");
            said.entry(package.to_owned()).or_default().push_str(&text);
        }
        said
    }
}

/// Leaves a file alone that says the same already, so that cargo sees no change.
fn write(path: &Path, text: &str) {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return;
    }
    fs::write(path, text).expect("a file of the project");
}
