//! A certificate for the developer's own machine.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};

use super::server_config;
use crate::error::Mistake;

const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A process that runs longer than this needs a real certificate.
const LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Clocks of a container and its host differ.
const BACKDATED: Duration = Duration::from_secs(60 * 60);

/// A self-signed certificate for `localhost`, `127.0.0.1` and `::1`, and its key.
///
/// Clients trust it only where they are given [`pem`](Self::pem).
pub struct DevelopmentCertificate {
    certificate: CertificateDer<'static>,
    pub(super) key: PrivatePkcs8KeyDer<'static>,
}

impl DevelopmentCertificate {
    /// Makes a certificate that is valid for 30 days and a key that exists in this process only.
    pub(crate) fn generate() -> Result<Self, Mistake> {
        generate().map_err(|error| {
            Mistake::new(
                "tls.development",
                format!("the certificate cannot be made: {error}"),
            )
        })
    }

    /// The certificate in DER, as a rustls client trusts it.
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The certificate in PEM, as `curl --cacert` takes it.
    pub fn pem(&self) -> String {
        pem::encode_config(
            &pem::Pem::new("CERTIFICATE", self.certificate.to_vec()),
            pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF),
        )
    }

    pub(super) fn server_config(&self) -> Result<ServerConfig, Mistake> {
        server_config(
            vec![self.certificate.clone()],
            PrivateKeyDer::from(self.key.clone_key()),
        )
    }
}

fn generate() -> Result<DevelopmentCertificate, rcgen::Error> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mut parameters = CertificateParams::new(NAMES.map(str::to_owned))?;
    parameters
        .distinguished_name
        .push(DnType::CommonName, "development only");
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.not_before = date_time_ymd(1970, 1, 1) + now.saturating_sub(BACKDATED);
    parameters.not_after = date_time_ymd(1970, 1, 1) + now + LIFETIME;
    let key = KeyPair::generate()?;
    let certificate = parameters.self_signed(&key)?;
    Ok(DevelopmentCertificate {
        certificate: certificate.der().clone(),
        key: key.serialize_der().into(),
    })
}

/// Without the key.
impl fmt::Debug for DevelopmentCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevelopmentCertificate")
            .finish_non_exhaustive()
    }
}
