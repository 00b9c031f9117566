//! What a POST sends: the same for every stack.

use garde::Validate;
use serde::Deserialize;

#[derive(Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewItem {
    #[garde(length(min = 1, max = 80))]
    name: String,
    #[garde(length(max = 200))]
    description: String,
    #[garde(range(min = 1, max = 1000))]
    quantity: u32,
    #[garde(range(min = 0.0, max = 10000.0))]
    price: f64,
    #[garde(length(max = 8), inner(length(min = 1, max = 20)))]
    tags: Vec<String>,
    #[garde(dive)]
    address: Address,
}

#[derive(Deserialize, Validate)]
#[serde(deny_unknown_fields)]
struct Address {
    #[garde(length(min = 1, max = 80))]
    street: String,
    #[garde(length(min = 1, max = 40))]
    city: String,
    #[garde(length(min = 4, max = 10), ascii)]
    zip: String,
}

/// 300 bytes.
pub const BODY: &str = concat!(
    r#"{"name":"Espresso machine, second hand","description":"Made of steel in 1998, servic"#,
    r#"ed last year, with two new seals, a portafilter and a tamper, rarely used!!!","quant"#,
    r#"ity":2,"price":249.5,"tags":["kitchen","coffee","used"],"address":{"street":"Example"#,
    r#" Street 12","city":"Exampletown","zip":"12345"}}"#,
);

const _: () = assert!(BODY.len() == 300);
