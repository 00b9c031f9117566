//! What callers are told (L1 to L7).

use super::*;

/// Reads a List of Strings with Integer parameters, strictly (RFC 9651 section 4.2).
fn items(field: &str) -> Vec<(String, Vec<(String, u64)>)> {
    let mut rest = field;
    let mut items = Vec::new();
    loop {
        rest = rest.strip_prefix('"').expect("a String");
        let mut name = String::new();
        let mut chars = rest.chars();
        loop {
            match chars.next().expect("the end of the String") {
                '"' => break,
                '\\' => match chars.next() {
                    Some(escaped @ ('"' | '\\')) => name.push(escaped),
                    other => panic!("{other:?} is escaped"),
                },
                c @ ' '..='~' => name.push(c),
                c => panic!("{c:?} in a String"),
            }
        }
        rest = chars.as_str();
        let mut parameters = Vec::new();
        while let Some(after) = rest.strip_prefix(';') {
            let (key, after) = after.split_once('=').unwrap();
            let end = after
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(after.len());
            assert!(end <= 15);
            parameters.push((key.to_owned(), after[..end].parse().unwrap()));
            rest = &after[end..];
        }
        items.push((name, parameters));
        match rest.strip_prefix(", ") {
            Some(after) => rest = after,
            None => break,
        }
    }
    assert_eq!(rest, "");
    items
}

fn named(name: &'static str, limit: u32, period_seconds: u32, per: Per) -> Quota {
    Quota {
        name,
        limit,
        period_seconds,
        burst: limit,
        per,
        sharing: Sharing::Exact,
    }
}

#[test]
fn l3_an_admitted_request_tells_what_is_left() {
    let policy = policy(vec![
        named("10/min", 10, 60, Per::Ip),
        named("100/hour", 100, 3_600, Per::User),
    ]);
    let bench = Bench::new(100);
    let ann = user("ann");
    let fields = || {
        let charges = bench.request(policy, address(1), Some(&ann)).unwrap();
        let (policy, state) = bench.limiter.fields(&charges).unwrap();
        assert_eq!(policy, r#""10/min";q=10;w=60, "100/hour";q=100;w=3600"#);
        state
    };
    assert_eq!(fields(), r#""10/min";r=9;t=6, "100/hour";r=99;t=36"#);
    assert_eq!(fields(), r#""10/min";r=8;t=6, "100/hour";r=98;t=36"#);
    bench.advance(5_500_000_000);
    assert_eq!(fields(), r#""10/min";r=7;t=1, "100/hour";r=97;t=31"#);
}

/// L6: a caller is told in as many responses as were asked for, whatever is counted for him.
#[test]
fn l6_callers_are_told_where_they_are_to_be() {
    let ask = |told, policy| {
        let mut bench = Bench::new(100);
        bench.limiter = bench.limiter.with_fields(told);
        let ann = user("ann");
        let charges = std::iter::from_fn(|| bench.request(policy, address(1), Some(&ann)).ok());
        let told_of: Vec<_> = charges
            .map(|charges| bench.limiter.fields(&charges).is_some())
            .collect();
        let refused = bench.request(policy, address(1), Some(&ann)).unwrap_err();
        (told_of, Told::by(&refused))
    };
    let one = || policy(vec![named("4/min", 4, 60, Per::Ip)]);
    let (told, refused) = ask(RateLimitFields::Always, one());
    assert_eq!(told, [true; 4]);
    assert!(refused.field("ratelimit").is_some());

    // At most half is left.
    let (told, refused) = ask(RateLimitFields::Scarce, one());
    assert_eq!(told, [false, true, true, true]);
    assert_eq!(refused.field("ratelimit"), Some(r#""4/min";r=0;t=15"#));
    assert!(refused.field("ratelimit-policy").is_some());
    // Of any quota.
    let two = policy(vec![
        named("100/min", 100, 60, Per::Ip),
        named("3/min", 3, 60, Per::User),
    ]);
    assert_eq!(ask(RateLimitFields::Scarce, two).0, [false, true, true]);
    // But for one of which nobody is told.
    let hidden = policy(vec![
        named("9/min", 9, 60, Per::Ip),
        named("3/min", 3, 60, Per::Route),
    ]);
    assert_eq!(ask(RateLimitFields::Scarce, hidden).0, [false; 3]);

    let (told, refused) = ask(RateLimitFields::Never, one());
    assert_eq!(told, [false; 4]);
    assert_eq!(refused.field("ratelimit"), None);
    assert_eq!(refused.field("ratelimit-policy"), None);
    assert_eq!(refused.field("retry-after"), Some("15"));
}

#[test]
fn l1_to_l7_a_refusal_tells_when_to_come_back() {
    let policy = policy(vec![
        named("1/min", 1, 60, Per::Ip),
        named("5/min", 5, 60, Per::Ip),
    ]);
    let bench = Bench::new(100);
    bench.request(policy, address(1), None).unwrap();
    bench.advance(500_000_000);
    let told = Told::by(&bench.request(policy, address(1), None).unwrap_err());
    assert_eq!(told.status, 429);
    assert_eq!(told.field("cache-control"), Some("no-store"));
    assert_eq!(told.field("retry-after"), Some("60"));
    assert_eq!(
        told.field("ratelimit-policy"),
        Some(r#""1/min";q=1;w=60, "5/min";q=5;w=60"#)
    );
    assert_eq!(told.field("ratelimit"), Some(r#""1/min";r=0;t=60"#));
    assert_eq!(
        told.problem["type"],
        "https://iana.org/assignments/http-problem-types#quota-exceeded"
    );
    assert_eq!(
        told.problem["violated-policies"],
        serde_json::json!(["1/min"])
    );
}

#[test]
fn l5_retry_after_is_not_before_any_t() {
    let mut random = Random(6);
    for _ in 0..300 {
        let quotas = (0..1 + random.below(4))
            .map(|_| {
                let per = [Per::Ip, Per::User][random.below(2) as usize];
                let (limit, burst) = (random.any_size(9) as u32, random.any_size(9) as u32);
                quota(1 + limit, 1 + random.any_size(90) as u32, 1 + burst, per)
            })
            .collect();
        let policy = policy(quotas);
        let bench = Bench::new(100);
        let ann = user("ann");
        for _ in 0..60 {
            bench.advance(random.any_size(5 * SECOND));
            let (stated, state) = match bench.request(policy, address(1), Some(&ann)) {
                Ok(charges) => bench.limiter.fields(&charges).unwrap(),
                Err(rejection) => {
                    let told = Told::by(&rejection);
                    let state = told.headers.get("ratelimit").unwrap().clone();
                    for (_, parameters) in items(state.to_str().unwrap()) {
                        assert_eq!(parameters[0], ("r".to_owned(), 0));
                        assert!(parameters[1].1 <= told.retry_after());
                    }
                    (told.headers.get("ratelimit-policy").unwrap().clone(), state)
                }
            };
            let stated = items(stated.to_str().unwrap());
            assert_eq!(stated.len(), policy.quotas.len());
            for (name, parameters) in items(state.to_str().unwrap()) {
                assert_eq!((&*parameters[0].0, &*parameters[1].0), ("r", "t"));
                assert!(parameters[1].1 > 0);
                let of_policy = stated.iter().find(|(stated, _)| *stated == name).unwrap();
                assert_eq!((&*of_policy.1[0].0, &*of_policy.1[1].0), ("q", "w"));
                assert!(
                    parameters[0].1 <= of_policy.1[0].1,
                    "more is left than there is"
                );
                assert!(of_policy.1[1].1 > 0);
            }
        }
    }
}

#[test]
fn l4_any_name_is_a_string() {
    let names = [
        "",
        "10/min",
        r#"say "no" \ twice"#,
        "für alle",
        "\r\nSet-Cookie: a=b",
        "\u{7f}",
    ];
    let expected = [
        r#""""#,
        r#""10/min""#,
        r#""say \"no\" \\ twice""#,
        r#""f%c3%bcr alle""#,
        r#""%0d%0aSet-Cookie: a=b""#,
        r#""%7f""#,
    ];
    for (name, expected) in names.into_iter().zip(expected) {
        assert_eq!(fields::label(name), expected);
        let policy = policy(vec![named(name, 1, 1, Per::Ip)]);
        let bench = Bench::new(100);
        let charges = bench.request(policy, address(1), None).unwrap();
        let (stated, state) = bench.limiter.fields(&charges).unwrap();
        assert_eq!(items(stated.to_str().unwrap()).len(), 1);
        assert_eq!(items(state.to_str().unwrap()).len(), 1);
    }
}

#[test]
fn a_burst_above_the_limit_is_stated_as_the_same_rate() {
    let stated = |limit, burst| {
        let quota = Quota {
            burst,
            ..named("a", limit, 60, Per::Ip)
        };
        fields::policy(policy(vec![quota])).unwrap()
    };
    assert_eq!(stated(10, 50), r#""a";q=50;w=300"#);
    assert_eq!(stated(10, 10), r#""a";q=10;w=60"#);
    assert_eq!(stated(10, 3), r#""a";q=10;w=60"#);
}

#[test]
fn l6_what_others_use_is_not_shown() {
    let policy = policy(vec![named("1/min per route", 1, 60, Per::Route)]);
    let bench = Bench::new(100);
    let charges = bench.request(policy, address(1), None).unwrap();
    assert!(bench.limiter.fields(&charges).is_none());
    let told = Told::by(&bench.request(policy, address(2), None).unwrap_err());
    assert_eq!(told.field("retry-after"), Some("60"));
    assert_eq!(told.field("ratelimit"), None);
    assert_eq!(told.field("ratelimit-policy"), None);
    assert_eq!(
        told.problem["violated-policies"],
        serde_json::json!(["1/min per route"])
    );
}

/// L3: the time in which the caller was looked for has gone by already.
#[test]
fn l3_the_wait_begins_with_the_answer() {
    let policy = policy(vec![quota(1, 10, 1, Per::User)]);
    let bench = Bench::new(10);
    let ann = user("ann");
    bench.request(policy, address(1), Some(&ann)).unwrap();
    let mut charges = bench.charge_ip(policy, address(1)).unwrap();
    bench.advance(3 * SECOND);
    let limiter = &bench.limiter;
    let refused = limiter.charge_caller(&mut charges, Some(&ann)).unwrap_err();
    let told = Told::by(&refused);
    assert_eq!(told.retry_after(), 7);
    assert_eq!(told.field("ratelimit"), Some(r#""1/10s User";r=0;t=7"#));
}
