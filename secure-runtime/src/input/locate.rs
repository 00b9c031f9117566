//! From the names of a type to the place in what was sent.
//!
//! garde knows a field by its Rust name and serde's wrappers leave out enum variants; a caller
//! knows what was written. Runs only where there are errors to report.

use serde_json::{Map, Value};

use super::pointer::Pointer;

/// One step from a value of the handler's type into it.
pub(super) enum Step {
    Index(usize),
    Name(String),
}

/// The pointer to what the steps lead to. Where they leave the document (a field that was not
/// sent), the rest is named as the type names it.
pub(super) fn locate(document: &Value, steps: &[Step]) -> Pointer {
    let mut pointer = Pointer::default();
    let mut value = document;
    for step in steps {
        let found = match step {
            Step::Index(index) => element(value, *index),
            Step::Name(name) => member(value, name),
        };
        value = match (found, step) {
            (Some((names, next)), _) => {
                names.iter().for_each(|name| pointer.push(name));
                if let Step::Index(index) = step {
                    pointer.push_index(*index);
                }
                next
            }
            (None, Step::Name(name)) => {
                pointer.push(name);
                &Value::Null
            }
            (None, Step::Index(index)) if value.is_null() => {
                pointer.push_index(*index);
                value
            }
            // The field of a newtype is written without one.
            (None, Step::Index(_)) => value,
        };
    }
    pointer
}

/// An element, and the names of the enum variants around its list.
fn element(mut value: &Value, index: usize) -> Option<(Vec<&str>, &Value)> {
    let mut names = Vec::new();
    while let Value::Object(object) = value {
        let (variant, content) = only_member(object)?;
        names.push(variant);
        value = content;
    }
    Some((names, value.get(index)?))
}

/// A member, and its name after the names of the enum variants around its object.
fn member<'a>(value: &'a Value, name: &str) -> Option<(Vec<&'a str>, &'a Value)> {
    let mut names = Vec::new();
    let mut object = value.as_object()?;
    loop {
        if let Some((key, member)) = spelt(object, name) {
            names.push(key);
            return Some((names, member));
        }
        let (variant, content) = only_member(object)?;
        names.push(variant);
        object = content.as_object()?;
    }
}

fn only_member(object: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut members = object.iter();
    match (members.next(), members.next()) {
        (Some((name, value)), None) => Some((name, value)),
        _ => None,
    }
}

/// The member of this name, or the only one that serde's `rename_all` could have made of it.
fn spelt<'a>(object: &'a Map<String, Value>, name: &str) -> Option<(&'a str, &'a Value)> {
    if let Some((key, value)) = object.get_key_value(name) {
        return Some((key, value));
    }
    let mut alike = object
        .iter()
        .filter(|(key, _)| letters(key).eq(letters(name.trim_start_matches("r#"))));
    match (alike.next(), alike.next()) {
        (Some((key, value)), None) => Some((key, value)),
        _ => None,
    }
}

fn letters(name: &str) -> impl Iterator<Item = char> {
    name.chars()
        .filter(|char| !matches!(char, '-' | '_'))
        .flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_are_named_as_they_were_sent() {
        let document = json!({
            "item": 1,
            "giftTags": [{"NAME": "x"}, {"NAME": "y"}],
            "payment": {"Card": {"number": 1}},
            "point": {"Pair": [1, 2]},
            "deep": {"Outer": {"Inner": {"x": 1, "y": 2}}},
            "kind-of": "x",
            "a_b": 1, "aB": 2,
            "wrapped": "x",
            "single": {"a": 1},
        });
        for (steps, pointer) in [
            (vec!["item"], "/item"),
            (vec!["gift_tags", "1", "name"], "/giftTags/1/NAME"),
            (vec!["payment", "number"], "/payment/Card/number"),
            (vec!["payment", "0", "number"], "/payment/Card/number"),
            (vec!["point", "1"], "/point/Pair/1"),
            (vec!["deep", "y"], "/deep/Outer/Inner/y"),
            (vec!["kind_of"], "/kind-of"),
            (vec!["r#item"], "/item"),
            (vec!["a_b"], "/a_b"),
            (vec!["ab"], "/ab"),
            (vec!["wrapped", "0"], "/wrapped"),
            (vec!["0", "item"], "/item"),
            (vec!["single", "b"], "/single/b"),
            (vec!["missing", "0", "x"], "/missing/0/x"),
            (vec!["gift_tags", "7", "x"], "/giftTags/x"),
        ] {
            let steps: Vec<_> = steps
                .into_iter()
                .map(|step| match step.parse() {
                    Ok(index) => Step::Index(index),
                    Err(_) => Step::Name(step.to_owned()),
                })
                .collect();
            assert_eq!(locate(&document, &steps).finish(), pointer);
        }
    }
}
