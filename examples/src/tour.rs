//! Requests to the shop with the answers to expect: printed as curl lines, or sent and compared.

mod accounts;
mod variables;
mod visits;

use std::{fmt::Write, sync::Arc, time::Duration};

use awc::{Client, Connector, http::Method};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::CertificateDer};
use secure_runtime::testing::Tokens;

use variables::Variables;

/// The tour, in order: later requests rely on earlier ones.
pub fn visits() -> Vec<Visit> {
    [visits::visits(), accounts::visits()].concat()
}

/// How long the tokens of the tour are good for.
const TOKEN_LIFETIME: Duration = Duration::from_secs(8 * 60 * 60);

/// A caller of the tour: a name, what it stands for, and its token.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Name of the shell variable that holds the token.
    pub variable: &'static str,
    /// Who that is.
    pub what: &'static str,
    /// The signed token.
    pub token: String,
}

/// The callers, with tokens from `tokens`. Those of Cal and Dan end during the tour.
pub fn callers(tokens: &Tokens) -> [Caller; 6] {
    let token = |subject: &str| tokens.token(subject).expires_in(TOKEN_LIFETIME);
    [
        Caller {
            variable: "ANN",
            what: "a customer",
            token: token("ann")
                .role("customer")
                .scope("orders:read")
                .scope("orders:write")
                .claim("name", "Ann")
                .sign(),
        },
        Caller {
            variable: "ADA",
            what: "an admin who has just logged in",
            token: token("ada")
                .role("admin")
                .scope("items:write")
                .expires_in(TOKEN_LIFETIME)
                .sign(),
        },
        Caller {
            variable: "BOB",
            what: "an admin who logged in an hour ago",
            token: token("bob")
                .role("admin")
                .authenticated(Duration::from_secs(60 * 60))
                .sign(),
        },
        Caller {
            variable: "CAL",
            what: "a customer who logs out",
            token: token("cal").role("customer").sign(),
        },
        Caller {
            variable: "CAL_PHONE",
            what: "the same customer on another device",
            token: token("cal").role("customer").sign(),
        },
        Caller {
            variable: "DAN",
            what: "a customer who logs out everywhere",
            token: token("dan").role("customer").sign(),
        },
    ]
}

/// One request of the tour and the answer to expect.
#[derive(Clone, Copy, Debug)]
pub struct Visit {
    /// What it shows.
    pub shows: &'static str,
    method: &'static str,
    path: &'static str,
    /// The variable that holds the caller's token, if there is one.
    caller: Option<&'static str>,
    /// Content type and content, with variables in it.
    body: Option<(&'static str, &'static str)>,
    /// How often it is sent; the last answer counts.
    times: u32,
    /// The status to expect.
    status: u16,
    /// What the answer must contain, in its body or one of its fields.
    contains: &'static str,
    /// Variables that keep members of the answer.
    keeps: &'static [(&'static str, &'static str)],
}

impl Visit {
    /// The request as a line for a shell.
    pub fn curl(&self, base: &str, certificate: &str) -> String {
        let mut line = format!("curl -si --cacert {certificate}");
        if self.method != "GET" {
            let _ = write!(line, " -X {}", self.method);
        }
        if let Some(caller) = self.caller {
            let _ = write!(line, " -H \"Authorization: Bearer ${caller}\"");
        }
        if let Some((content_type, content)) = self.body {
            let content = variables::in_shell(content);
            let _ = write!(line, " -H 'Content-Type: {content_type}' -d '{content}'");
        }
        let _ = write!(line, " '{base}{}'", self.path);
        if self.times > 1 {
            line = format!("for i in $(seq {}); do {line}; done", self.times);
        }
        if !self.keeps.is_empty() {
            line = format!("answer=$({line}); echo \"$answer\"");
        }
        for (variable, member) in self.keeps {
            let pattern = format!(r#"s/.*"{member}":\[\{{0,1\}}"\([^"]*\)".*/\1/p"#);
            let _ = write!(
                line,
                "\n{variable}=$(echo \"$answer\" | sed -n '{pattern}')"
            );
        }
        line
    }

    /// The answer to expect, in words.
    pub fn expected(&self) -> String {
        match self.contains {
            "" => self.status.to_string(),
            text => format!("{} with {text}", self.status),
        }
    }

    /// Sends the request; the answer, and whether it is the expected one.
    async fn send(&self, client: &Client, base: &str, variables: &mut Variables) -> (String, bool) {
        let mut answer = (String::new(), false);
        for _ in 0..self.times {
            answer = self.send_once(client, base, variables).await;
        }
        answer
    }

    async fn send_once(
        &self,
        client: &Client,
        base: &str,
        variables: &mut Variables,
    ) -> (String, bool) {
        let Ok(method) = Method::from_bytes(self.method.as_bytes()) else {
            return (format!("`{}` is no method", self.method), false);
        };
        let mut request = client.request(method, format!("{base}{}", self.path));
        if let Some(caller) = self.caller {
            request = request.bearer_auth(variables.value(caller));
        }
        let sent = match self.body {
            Some((content_type, content)) => request
                .content_type(content_type)
                .send_body(variables.filled_in(content)),
            None => request.send(),
        };
        let mut response = match sent.await {
            Ok(response) => response,
            Err(error) => return (error.to_string(), false),
        };
        let status = response.status().as_u16();
        let mut text = String::new();
        for (name, value) in response.headers() {
            let _ = writeln!(text, "{name}: {}", value.to_str().unwrap_or("?"));
        }
        match response.body().await {
            Ok(body) => {
                variables.keep(self.keeps, &body);
                text.push_str(&String::from_utf8_lossy(&body));
            }
            Err(error) => return (format!("{status}, then {error}"), false),
        }
        let found = text.contains(self.contains);
        let received = match (found, self.contains) {
            (true, "") => status.to_string(),
            (true, text) => format!("{status} with {text}"),
            (false, _) => format!("{status} with {text:?}"),
        };
        (received, found && status == self.status)
    }
}

/// Sends the whole tour over TLS, prints expected and received side by side, and counts the
/// differences.
pub async fn run(
    base: &str,
    certificate: CertificateDer<'static>,
    callers: &[Caller],
) -> Result<usize, rustls::Error> {
    let client = client(certificate)?;
    let mut variables = Variables::of(callers);
    let mut differences = 0;
    println!("{:44}{:46}received", "", "expected");
    for visit in visits() {
        let (received, same) = visit.send(&client, base, &mut variables).await;
        differences += usize::from(!same);
        let mark = if same { ' ' } else { '!' };
        println!("{mark} {:42}{:46}{received}", visit.shows, visit.expected());
    }
    Ok(differences)
}

/// A client that trusts this certificate and no other.
pub fn client(certificate: CertificateDer<'static>) -> Result<Client, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate)?;
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Client::builder()
        .timeout(Duration::from_secs(10))
        .connector(Connector::new().rustls_0_23(Arc::new(config)))
        .finish())
}
