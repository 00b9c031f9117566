//! What the documents say of tests and settings is true.

use std::{fs, path::Path};

use secure_runtime::Settings;

/// Every test that `SECURITY.md` names exists.
#[test]
fn the_tests_that_the_threat_table_names_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut sources = String::new();
    for folder in [
        "tests",
        "examples",
        "secure-macros",
        "secure-runtime",
        "bench",
    ] {
        read_sources(&root.join(folder), &mut sources);
    }
    let text = fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let named: Vec<&str> = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| name.starts_with("ui/") || is_test_name(name))
        .collect();
    assert!(named.len() > 80, "{} names found", named.len());
    let missing: Vec<&str> = named
        .into_iter()
        .filter(|name| match name.strip_prefix("ui/") {
            Some(case) => {
                let case = root.join("tests/ui").join(case);
                !case.exists() && !case.with_extension("rs").exists()
            }
            None => !sources.contains(&format!("fn {name}(")),
        })
        .collect();
    assert!(missing.is_empty(), "no such test: {missing:#?}");
}

/// The settings that `README.md` shows are read; what stands in a `policy.toml` is for the macro.
#[test]
fn the_settings_that_the_readme_shows_are_read() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let blocks = readme.split("```toml\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap());
    let settings: Vec<&str> = blocks.filter(|text| !text.contains("[roles]")).collect();
    assert!(!settings.is_empty());
    for text in settings {
        let read = Settings::from_toml(&format!("{text}\n[tls]\ndevelopment = true\n"));
        assert!(read.is_ok(), "{text}\n{}", read.unwrap_err());
    }
}

/// Words of a sentence, joined: settings and keys have fewer.
fn is_test_name(name: &str) -> bool {
    name.matches('_').count() >= 2
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn read_sources(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            read_sources(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}
