//! The shop over HTTPS on this machine, with everything to try it: `cargo run --bin quickstart`.
//!
//! With `--tour` it sends the requests itself and compares the answers.

use std::{env, error::Error, fs, net::SocketAddr, path::PathBuf, process::ExitCode};

use actix_web::web;
use secure_examples::{
    keys::DevelopmentKey,
    shop::{self, Store},
    tour::{self, Caller},
};
use secure_runtime::{
    Clock, Manifest, Security, Server, Settings,
    settings::{PrivateKeySource, SigningKeySettings, TlsSettings, TokenIssuerSettings},
    testing::Tokens,
};

#[actix_web::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let touring = match env::args().nth(1).as_deref() {
        None => false,
        Some("--tour") => true,
        Some(other) => {
            return Err(
                format!("unknown argument `{other}`: give `--tour`, or nothing at all").into(),
            );
        }
    };
    let clock = Clock::system();
    let tokens = Tokens::new(&clock);
    let callers = tour::callers(&tokens);

    let mut settings = Settings::default();
    settings.realm = "shop".to_owned();
    settings.tls = Some(TlsSettings::Development);
    settings.token_issuer = Some(token_issuer()?);
    if touring {
        settings.server.address = SocketAddr::from(([127, 0, 0, 1], 0)).into(); // any free port
    }
    let security = Security::builder()
        .settings(settings)
        .clock(clock)
        .issuer(tokens.issuer())
        .build()?;
    let routes = shop::routes(web::Data::new(Store::default()));
    let manifest = Manifest::of(routes.clone());
    let running = Server::new(security, routes).start().await?;
    let certificate = running
        .development_certificate()
        .ok_or("the server has no development certificate")?;
    let address = running
        .addresses()
        .first()
        .ok_or("the server does not listen")?;
    let base = format!("https://localhost:{}", address.port());

    if touring {
        let differences = tour::run(&base, certificate.der().clone(), &callers).await?;
        running.stop(true).await;
        println!("\n{differences} differences");
        return Ok(if differences == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        });
    }
    let file = certificate_file(&certificate.pem())?;
    print_guide(&base, &file.display().to_string(), &manifest, &callers);
    running.wait().await?;
    Ok(ExitCode::SUCCESS)
}

/// The shop's own tokens, with a key that ends with this process.
fn token_issuer() -> Result<TokenIssuerSettings, Box<dyn Error>> {
    let key = PrivateKeySource::Pem(DevelopmentKey::generate()?.private.into());
    let issuer = TokenIssuerSettings::new("https://shop.example", "https://shop.example");
    Ok(issuer.key(SigningKeySettings::new("quickstart", key)))
}

/// Writes the certificate to where curl can read it.
fn certificate_file(pem: &str) -> std::io::Result<PathBuf> {
    let folder = env::temp_dir().join("secure-quickstart");
    fs::create_dir_all(&folder)?;
    let file = folder.join("certificate.pem");
    fs::write(&file, pem)?;
    Ok(file)
}

fn print_guide(base: &str, certificate: &str, manifest: &Manifest, callers: &[Caller]) {
    println!("Who may do what:\n\n{}", manifest.table());
    println!("The callers; paste these lines first:\n");
    for caller in callers {
        println!("# {}\n{}={}", caller.what, caller.variable, caller.token);
    }
    println!(
        "\nThen, in this order; `oathtool` is an authenticator app for a shell, and any other will do:\n"
    );
    for visit in tour::visits() {
        println!("# {}: expect {}", visit.shows, visit.expected());
        println!("{}\n", visit.curl(base, certificate));
    }
    println!("The shop is open at {base}; stop it with Ctrl-C.");
}
