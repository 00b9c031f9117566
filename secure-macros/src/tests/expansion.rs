//! The shape of the expansion.

use std::path::PathBuf;

use proc_macro2::{Span, TokenStream};

use super::{HANDLER, PLAIN, calls_the_handler, contains, expand, good, messages};
use crate::errors::{self, Errors, wrong};
use crate::vocabulary::Source;

#[track_caller]
fn assert_contains(output: &TokenStream, parts: &[&str]) {
    for part in parts {
        assert!(contains(output, part), "`{part}` is missing in:\n{output}");
    }
}

#[test]
fn an_expansion_is_rust() {
    for item in [
        HANDLER,
        PLAIN,
        "#[get(\"/\")] pub async fn order(mut a: A, _: B) -> R { 1 }",
    ] {
        let output = good("", item);
        syn::parse2::<syn::File>(output).expect("items");
    }
}

#[test]
fn the_steps_stand_in_their_order() {
    let item = "async fn order(customer: Principal, id: Path<u64>) -> R { }";
    let output = good("allow = owns(&customer)", item).to_string();
    let steps = [
        "__secured_call . admit",
        "type __secured_type = Principal ; :: secure_runtime :: private :: Probe :: < __secured_type , _ > :: take",
        "Probe :: < Path < u64 > , _ > :: take",
        "let customer = __secured_0 ;",
        "decision (owns (& customer))",
        "private :: allow",
        "__secured_handler (customer , __secured_1) . await",
        "private :: response",
        "private :: respond",
    ];
    let places: Vec<_> = steps
        .iter()
        .map(|step| output.find(step).expect(step))
        .collect();
    assert!(places.is_sorted(), "{places:?}\n{output}");
}

#[test]
fn a_route_macro_stays_outside_and_brings_the_proof() {
    let item = "#[doc = \"d\"] #[cfg(unix)] #[routes] #[get(\"/a\")] #[actix_web::post(\"/b\", name = \"x\")] \
                #[tracing::instrument] #[allow(dead_code)] pub async fn order() -> R { }";
    let output = good("", item);
    assert_contains(
        &output,
        &[
            "#[cfg(unix)] impl ::secure_runtime::SecuredService for order",
            "RoutePattern { path: \"/a\", method: \"GET\", has_guard: false, }, \
             ::secure_runtime::private::RoutePattern { path: \"/b\", method: \"POST\", has_guard: false, }]",
            "<order as ::secure_runtime::SecuredService>::policy()",
            "#[tracing::instrument] #[allow(dead_code)] async fn order() -> R { }",
        ],
    );
    let outer = "#[doc = \"d\"] #[cfg(unix)] #[routes] #[get(\"/a\")] #[actix_web::post(\"/b\", name = \"x\")] \
                 #[allow(dead_code)] pub async fn order";
    assert_contains(&output, &[outer]);
    assert_eq!(output.to_string().matches("tracing").count(), 1);
}

#[test]
fn methods_of_a_route_macro_are_read() {
    let output = good(
        "",
        "#[route(\"/x\", method = \"GET\", guard = \"g\", method = \"LINK\")] async fn order() -> R { }",
    );
    assert_contains(
        &output,
        &[
            "RoutePattern { path: \"/x\", method: \"GET\", has_guard: true, }",
            "RoutePattern { path: \"/x\", method: \"LINK\", has_guard: true, }",
        ],
    );
    // A path that is none is left to actix-web, which says what is wrong with it.
    let output = good("", "#[get(path)] async fn order() -> R { }");
    assert_contains(
        &output,
        &["SecuredService for order", "RoutePattern] = &[];"],
    );
}

#[test]
fn without_a_route_macro_the_policy_stands_inside() {
    let output = good("", PLAIN);
    assert!(!contains(&output, "SecuredService"));
    assert_contains(&output, &[".admit(&__SECURED_POLICY)"]);
}

#[test]
fn another_runtime_is_named_everywhere() {
    let items = [
        HANDLER,
        "#[get(\"/\")] async fn order(#[unvalidated] a: A, id: B) -> R { }",
    ];
    let attributes = [
        "crate = x::y",
        "crate = x::y, public, max_body = \"1KB\"",
        "crate = x::y, allow = f(id), role = any(\"customer\", all(\"support\", any(\"admin\", \"customer\"))), scope = \"orders:read\", rate = \"login\", max_age = \"1h\"",
        "crate = x::y, roel = 1",
    ];
    for item in items {
        for attribute in attributes {
            let output = expand(attribute, item, Source::Text(super::VOCABULARY)).to_string();
            assert!(!output.contains("secure_runtime"), "{attribute}:\n{output}");
            assert!(
                output.contains("x :: y :: private"),
                "{attribute}:\n{output}"
            );
        }
    }
}

#[test]
fn paths_are_absolute() {
    let output = good("role = \"admin\", max_age = \"1h\", allow = f(id)", HANDLER).to_string();
    for name in ["core ::", "secure_runtime ::"] {
        let all = output.matches(name).count();
        let absolute = output.matches(&format!(":: {name}")).count();
        assert_eq!(all, absolute, "{output}");
    }
}

#[test]
fn unvalidated_parameters_are_taken_as_such() {
    let output = good(
        "",
        "async fn order(#[unvalidated] #[allow(unused)] body: Json<Order>) -> R { }",
    );
    assert!(!contains(&output, "#[unvalidated]"));
    assert_contains(
        &output,
        &[
            "async fn order(#[allow(unused)] body: Json<Order>) -> R { }",
            "ProbeUnvalidated::<Json<Order> >::take",
            "unvalidated::<Json<Order> >()",
        ],
    );
}

#[test]
fn patterns_stay_with_the_user() {
    let output = good("allow = f(id)", HANDLER);
    let function = "async fn order(#[allow(unused_variables)] id: Path<u64>, Json(body): Json<Order>) -> R { }";
    assert_contains(&output, &["__secured_handler(id, __secured_1)", function]);
    assert_contains(&good("", HANDLER), &[HANDLER]);
    assert!(!contains(&output, "let body"));
}

#[test]
fn a_name_in_a_format_string_is_a_name() {
    let output = good("allow = check(format!(\"{id:?}\"))", HANDLER);
    assert_contains(&output, &["let id = __secured_0;"]);
}

#[test]
fn parameters_are_names_even_if_a_handler_is_called_so() {
    let output = good(
        "",
        "async fn order(order: A, Pair(id, Some(_x)): B, Name: C) -> R { }",
    );
    assert_contains(&output, &["fn id() {}"]);
    assert!(
        !contains(&output, "fn order() {}"),
        "the handler itself is a function already"
    );
    assert!(!contains(&output, "fn Name() {}"));
}

#[test]
fn a_policy_is_written_down() {
    let attribute = "role = \"support\", scope = any(\"orders:read\", \"orders:write\"), max_age = \"15min\", \
                     rate = [\"5/s  per route burst 7\", \"login\", \"9/day\"], max_body = \"4KiB\", \
                     body_timeout = \"1min\", allow = owns(&id,\n   2).await, hide";
    let output = good(attribute, HANDLER);
    let p = "::secure_runtime::private::";
    let some = "::core::option::Option::Some";
    let has =
        |name: &str, by: &str| format!("{p}Rule::Has {{ name: {name}, satisfied_by: &[{by}], }}");
    let quota = |name: &str, limit: u32, period: u32, burst: u32, per: &str| {
        format!(
            "{p}Quota {{ name: {name}, limit: {limit}u32, period_seconds: {period}u32, \
             burst: {burst}u32, per: {p}Per::{per}, sharing: {p}Sharing::Exact, }}"
        )
    };
    assert_contains(
        &output,
        &[
            &format!(
                "roles: {some}({})",
                has("\"support\"", "\"support\", \"admin\"")
            ),
            &format!(
                "scopes: {some}({p}Rule::Any(&[{}, {}]))",
                has("\"orders:read\"", "\"orders:read\""),
                has("\"orders:write\"", "\"orders:write\""),
            ),
            &format!("max_age: {some}(::core::time::Duration::from_secs(900u64))"),
            &format!("revocation: {p}Revocation::Within(::core::time::Duration::from_secs(2u64))"),
            &format!(
                "quotas: &[{}, {}, {}]",
                quota("\"5/s per route burst 7\"", 5, 1, 7, "Route"),
                quota("\"login\"", 5, 900, 5, "Ip"),
                quota("\"9/day\"", 9, 86_400, 9, "User"),
            ),
            "max_body: 4096u64, body_timeout: ::core::time::Duration::from_secs(60u64)",
            &format!("{p}AllowRule {{ text: \"owns(&id, 2).await\", hide: true, }}"),
            "handler: ::core::concat!(::core::module_path!(), \"::\", \"order\")",
            &format!(
                "{p}InputPolicy {{ name: \"Json(body)\", kind: {p}kind(__secured_kind_1()), }}"
            ),
            "::core::include_bytes!(\"/policy.toml\")",
        ],
    );
}

#[test]
fn conditions_keep_their_words() {
    let output = good(
        "scope = all(\"orders:read\", any(\"orders:read\", \"orders:write\"))",
        PLAIN,
    );
    let p = "::secure_runtime::private::Rule::";
    let read = "Has { name: \"orders:read\", satisfied_by: &[\"orders:read\"], }";
    assert_contains(
        &output,
        &[&format!("{p}All(&[{p}{read}, {p}Any(&[{p}{read}, {p}Has")],
    );
}

#[test]
fn a_public_handler_says_why() {
    let output = good("public = \"health checks\"", HANDLER);
    assert_contains(
        &output,
        &[
            "Access::Public { reason: ::core::option::Option::Some(\"health checks\") }",
            "check_no_caller(__secured_kind_0(),",
            "check_no_caller(__secured_kind_1(),",
        ],
    );
    assert!(!contains(&good("", HANDLER), "check_no_caller"));
}

#[test]
fn limits_on_the_body_are_checked_by_type() {
    let output = good("max_body = \"1KB\", body_timeout = \"5s\"", HANDLER).to_string();
    assert_eq!(output.matches("check_takes_body").count(), 2);
    assert_eq!(output.matches("check_one_body").count(), 1);
    assert!(!contains(&good("", HANDLER), "check_takes_body"));
}

#[test]
fn defaults_count_by_user_or_by_address() {
    let policy = "[defaults]\nrate = [\"3/s\", \"20/min per user\", \"90/h per route\"]\nmax_body = \"1MB\"\nbody_timeout = \"5s\"";
    let pers = |attribute: &str| {
        let output = expand(attribute, PLAIN, Source::Text(policy)).to_string();
        assert!(output.contains("max_body : 1000000u64"), "{output}");
        assert!(output.contains("from_secs (5u64)"), "{output}");
        let pers = output.match_indices(":: Per :: ");
        let words = pers.map(|(place, found)| {
            let rest = &output[place + found.len()..];
            rest.split_whitespace().next().expect("a word").to_owned()
        });
        words.collect::<Vec<_>>()
    };
    assert_eq!(pers(""), ["User", "User", "Route"]);
    assert_eq!(pers("public"), ["Ip", "Ip", "Route"]);
}

#[test]
fn built_in_defaults_hold_without_a_vocabulary() {
    let output = expand("", PLAIN, Source::Absent);
    assert_contains(
        &output,
        &[
            "name: \"100/min\", limit: 100u32, period_seconds: 60u32",
            "max_body: 64000u64",
            "from_secs(10u64)",
        ],
    );
    assert!(!contains(&output, "include_bytes"));
}

#[test]
fn raw_names_are_told_without_their_prefix() {
    assert_contains(
        &good("", "async fn r#type() -> R { }"),
        &["\"::\", \"type\""],
    );
}

#[test]
fn an_item_survives_its_mistakes() {
    let item = "#[get(\"/\")] async fn order(#[unvalidated] id: Path<u64>) -> R { body() }";
    let output = expand("roel = \"admin\"", item, Source::Text(super::VOCABULARY));
    assert_eq!(messages(&output).len(), 1);
    assert!(!calls_the_handler(&output), "{output}");
    assert!(!contains(&output, "#[unvalidated]"), "{output}");
    assert_contains(
        &output,
        &[
            "impl ::secure_runtime::SecuredService for order",
            "#[get(\"/\")] async fn order(__secured_call: ::secure_runtime::private::Call)",
            "async fn order(id: Path<u64>) -> R { body() }",
            "roles: ::core::option::Option::Some(::secure_runtime::private::Rule::Any(&[]))",
        ],
    );
}

#[test]
fn what_is_no_function_is_printed_as_it_is() {
    let output = expand("", "struct Order;", Source::Absent);
    assert_contains(&output, &["struct Order; ::core::compile_error!"]);
}

#[test]
fn an_item_is_never_printed_without_an_error() {
    let item: TokenStream = quote::quote!(
        struct Order;
    );
    let output = errors::with_errors(item.clone(), Ok(()));
    assert_eq!(messages(&output).len(), 1);

    let mut errors = Errors::new();
    errors.push(wrong!("wrong"; help: "right").at(Span::call_site()));
    let output = errors::with_errors(item, errors.finish());
    assert_eq!(messages(&output), ["wrong\n= help: right"]);
}

#[test]
#[should_panic(expected = "nobody asked for them")]
fn errors_cannot_be_forgotten() {
    drop(Errors::new());
}

#[test]
fn a_broken_vocabulary_is_told_once_and_lets_nobody_in() {
    let file = std::env::temp_dir().join(format!("secure-macros-{}.toml", std::process::id()));
    std::fs::write(&file, "[rolls]\n[defaults]\nmax_body = \"64\"\n").expect("a file");
    let expand = |attribute: &str| expand(attribute, PLAIN, Source::File(file.clone()));

    let first = expand("role = \"admin\"");
    assert_eq!(messages(&first).len(), 2, "{first}");
    assert!(!calls_the_handler(&first));

    for attribute in ["role = \"nobody\", rate = \"unknown\"", "public"] {
        let later = expand(attribute);
        assert_eq!(messages(&later), Vec::<String>::new());
        assert_contains(&later, &["Rule::Any(&[])"]);
        assert!(!contains(&later, "Access::Public"), "{later}");
    }

    // What does not depend on the vocabulary is told all the same.
    assert_eq!(
        messages(&expand("max_age = \"0s\", rate = \"0/min\"")).len(),
        2
    );
    std::fs::remove_file(&file).expect("a file");
}

#[test]
fn a_vocabulary_that_cannot_be_read_is_an_error() {
    let output = expand(
        "",
        PLAIN,
        Source::File(PathBuf::from("/nowhere/policy.toml")),
    );
    let messages = messages(&output);
    assert!(
        messages[0].starts_with("policy.toml cannot be read: "),
        "{messages:?}"
    );
}

#[test]
fn the_vocabulary_is_found_above_the_crate() {
    let Source::File(file) = Source::of_this_crate() else {
        panic!("the workspace has a policy.toml");
    };
    assert!(file.is_file() && file.ends_with("policy.toml"));
}
