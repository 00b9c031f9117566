//! TLS of the server: versions, cipher suites, certificate.
//!
//! TLS 1.3 and 1.2 with forward secrecy and authenticated encryption, which is all that rustls
//! has; no session outlives a restart, and no data is taken before the handshake has ended.

mod development;

#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc};

use rustls::{
    InconsistentKeys, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    version::{TLS12, TLS13},
};

pub use self::development::DevelopmentCertificate;
use crate::{
    error::Mistake,
    settings::{TlsSettings, read, warn_if_open_to_others},
};

/// What the server presents, and the certificate that was made for it, if one was.
pub(crate) struct Tls {
    pub(crate) config: ServerConfig,
    pub(crate) development: Option<DevelopmentCertificate>,
}

impl Tls {
    pub(crate) fn from_settings(settings: &TlsSettings) -> Result<Self, Mistake> {
        match settings {
            TlsSettings::Development => {
                let certificate = DevelopmentCertificate::generate()?;
                tracing::warn!(
                    "serving with a self-signed certificate that no client trusts: \
                     for development only"
                );
                Ok(Self {
                    config: certificate.server_config()?,
                    development: Some(certificate),
                })
            }
            TlsSettings::Files {
                certificate,
                private_key,
            } => {
                warn_if_open_to_others("tls.private_key", private_key);
                Ok(Self {
                    config: server_config(chain(certificate)?, key(private_key)?)?,
                    development: None,
                })
            }
        }
    }
}

/// A configuration that presents `chain`, whose first certificate must belong to `key`.
fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, Mistake> {
    // Named, because the process-wide default panics where two providers are compiled in.
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map(|builder| builder.with_no_client_auth())
        .and_then(|builder| builder.with_single_cert(chain, key))
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => Mistake::new(
                "tls.private_key",
                "does not belong to the first certificate in `tls.certificate`",
            ),
            rustls::Error::InvalidCertificate(_) => Mistake::new(
                "tls.certificate",
                "the first certificate in the file cannot be used",
            ),
            _ => Mistake::new(
                "tls.private_key",
                "write a key for RSA (2048 bit or more), ECDSA (P-256, P-384 or P-521) or Ed25519",
            ),
        })
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, Mistake> {
    let mistake = |problem: String| Mistake::new("tls.certificate", problem);
    let text = read(path).map_err(mistake)?;
    let chain = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| mistake("the file is not well-formed PEM".to_owned()))?;
    if chain.is_empty() {
        return Err(mistake(
            "there is no `BEGIN CERTIFICATE` in the file".to_owned(),
        ));
    }
    Ok(chain)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, Mistake> {
    let mistake = |problem: String| Mistake::new("tls.private_key", problem);
    let text = secrecy::zeroize::Zeroizing::new(read(path).map_err(mistake)?);
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| {
        let encrypted = text
            .windows(ENCRYPTED.len())
            .any(|window| window == ENCRYPTED);
        let problem = match error {
            pem::Error::NoItemsFound if encrypted => {
                "the key is encrypted; `openssl pkey -in FILE -out FILE` decrypts it"
            }
            pem::Error::NoItemsFound => "there is no `BEGIN PRIVATE KEY` in the file",
            _ => "the file is not well-formed PEM",
        };
        mistake(problem.to_owned())
    })
}

const ENCRYPTED: &[u8] = b"BEGIN ENCRYPTED PRIVATE KEY";
