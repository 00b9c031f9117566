//! What an operator decides, in a file or in the environment: `cargo run --example settings`.

use secure_runtime::{Error, Security, Settings};

/// `secure.toml`, as `Settings::load` would read it.
const FILE: &str = r#"
realm = "shop"

[server]
address = "0.0.0.0:8443"
transport = "behind_proxy"         # TLS ends at a proxy, which says so with each request

[client_address]
trusted_proxies = ["10.0.0.0/8"]   # nobody else is believed
header = "x-forwarded-for"

[[issuers]]
issuer = "https://id.example.com"
audience = "https://shop.example.com"
roles = ["realm_access.roles"]

[[issuers.keys]]
algorithm = "EdDSA"
public_key = """
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAjKKsklIcXZ71mS0V0bKhkrDSvzzG1ZmAoYBcPcnOg58=
-----END PUBLIC KEY-----
"""
"#;

#[actix_web::main]
async fn main() -> Result<(), Error> {
    let settings = Settings::from_toml(FILE)?;
    assert_eq!(settings.realm, "shop");
    assert_eq!(settings.tokens.leeway.as_secs(), 60);
    Security::from_settings(settings).await?;

    // Everything that is wrong is told at once, and no value is repeated.
    let wrong = "[server]\nadress = \"0.0.0.0:1\"\n[tokens]\nleeway = \"1hour\"";
    match Settings::from_toml(wrong) {
        Ok(_) => unreachable!("these settings have mistakes"),
        Err(error) => println!("{error}"),
    }
    Ok(())
}
