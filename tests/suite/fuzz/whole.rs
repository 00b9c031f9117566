//! Whole requests at random.

use super::*;

#[derive(Clone, Debug)]
struct Whole {
    method: Method,
    path: &'static str,
    query: &'static str,
    fields: Vec<(&'static str, Vec<u8>)>,
    content_type: &'static str,
    body: Vec<Vec<u8>>,
    end: End,
    role: Option<&'static str>,
    scopes: Vec<&'static str>,
}

fn whole() -> impl Strategy<Value = Whole> {
    let names = select(vec![
        "authorization",
        "content-length",
        "content-encoding",
        "upgrade",
        "expect",
        "host",
        "cookie",
        "origin",
        "x-forwarded-for",
        "accept",
        "content-type",
        "range",
        "te",
    ]);
    let values = prop_oneof![
        select(vec![
            "gzip",
            "identity",
            "1",
            "-1",
            "websocket",
            "100-continue",
            "Bearer a.b.c"
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        field_bytes(20),
    ];
    let bodies = vec(
        prop_oneof![
            almost_json().prop_map(String::into_bytes),
            vec(any::<u8>(), 0..600)
        ],
        0..4,
    );
    let head = (
        select(METHODS.to_vec()),
        select(vec![
            "/health",
            "/items",
            "/orders",
            "/orders/1",
            "/orders/x",
            "/orders/1/receipt",
            "/profile",
            "/payments/settled",
            "/admin/orders/1",
            "/admin/notice",
            "/login",
            "/logout",
            "/password",
            "/refresh",
            "/register",
            "/second-factor",
            "/second-factor/enrol",
            "/",
            "/x",
        ]),
        select(vec!["", "?", "?limit=1", "?limit=0", "?x", "?text=%zz"]),
        vec((names, values), 0..4),
    );
    let tail = (
        select(vec![
            "application/json",
            "text/plain",
            "multipart/form-data; boundary=b",
            "x",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
        ]),
        bodies,
        select(vec![
            End::Finished,
            End::Finished,
            End::Broken,
            End::Endless,
        ]),
        proptest::option::of(select(vec!["customer", "support", "admin", "nobody"])),
        vec(
            select(vec!["orders:read", "orders:write", "items:write"]),
            0..3,
        ),
    );
    (head, tail).prop_map(|((method, path, query, fields), tail)| {
        let (content_type, body, end, role, scopes) = tail;
        Whole {
            method,
            path,
            query,
            fields,
            content_type,
            body,
            end,
            role,
            scopes,
        }
    })
}

#[test]
fn whole_requests() {
    let fuzz = Fuzz::new();
    let seen = RefCell::new(BTreeSet::new());
    fuzz.run(10_000, &whole(), |fuzz, whole| {
        let target = format!("{}{}", whole.path, whole.query);
        let upload = Upload::new(whole.body, whole.end);
        let mut call = fuzz
            .service
            .call(whole.method, &target)
            .stream(whole.content_type, upload);
        for (name, value) in whole.fields {
            call = call.header(name, value);
        }
        if let Some(role) = whole.role {
            call = call.role(role);
            for scope in whole.scopes {
                call = call.scope(scope);
            }
        }
        seen.borrow_mut().insert(fuzz.send(call).status().as_u16());
    });
    // They got everywhere.
    let seen = seen.into_inner();
    for status in [200, 400, 401, 403, 404, 405, 413, 415, 422] {
        assert!(seen.contains(&status), "{status} is not among {seen:?}");
    }
}
