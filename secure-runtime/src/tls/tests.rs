use std::{fs, path::PathBuf, sync::Arc};

use rcgen::KeyPair;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConnection, SupportedCipherSuite,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
    version::{TLS12, TLS13},
};

use super::*;

/// A folder of its own for each test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("secure-tls-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn key_pem(label: &str, der: Vec<u8>) -> String {
    ::pem::encode(&::pem::Pem::new(label, der))
}

/// A certificate and its key, in PEM.
fn pair() -> (String, String) {
    let made = DevelopmentCertificate::generate().unwrap();
    let key = made.key.secret_pkcs8_der().to_vec();
    (made.pem(), key_pem("PRIVATE KEY", key))
}

fn from_files(certificate: PathBuf, private_key: PathBuf) -> Result<Tls, Mistake> {
    Tls::from_settings(&TlsSettings::Files {
        certificate,
        private_key,
    })
}

fn client(
    trusted: &str,
    name: &'static str,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap())
        .unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    ClientConnection::new(Arc::new(config), ServerName::try_from(name).unwrap()).unwrap()
}

fn handshake(client: &mut ClientConnection, config: ServerConfig) -> Result<(), rustls::Error> {
    let mut server = ServerConnection::new(Arc::new(config)).unwrap();
    let mut wire = Vec::new();
    while client.is_handshaking() || server.is_handshaking() {
        wire.clear();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets()?;
        wire.clear();
        server.write_tls(&mut wire).unwrap();
        let mut left = wire.as_slice();
        while !left.is_empty() {
            client.read_tls(&mut left).unwrap();
            client.process_new_packets()?;
        }
    }
    Ok(())
}

#[test]
fn a_client_that_trusts_the_development_certificate_connects_by_every_name() {
    for name in ["localhost", "127.0.0.1", "::1"] {
        for version in [&TLS12, &TLS13] {
            let tls = Tls::from_settings(&TlsSettings::Development).unwrap();
            let trusted = tls.development.unwrap().pem();
            let mut client = client(&trusted, name, &[version]);
            handshake(&mut client, tls.config).unwrap();
            assert_eq!(client.protocol_version(), Some(version.version));
        }
    }
}

#[test]
fn another_name_or_another_certificate_is_not_trusted() {
    let tls = Tls::from_settings(&TlsSettings::Development).unwrap();
    let trusted = tls.development.unwrap().pem();
    let mut wrong_name = client(&trusted, "example.com", &[&TLS13]);
    assert!(handshake(&mut wrong_name, tls.config.clone()).is_err());
    let (other, _) = pair();
    assert!(handshake(&mut client(&other, "localhost", &[&TLS13]), tls.config).is_err());
}

#[test]
fn the_better_version_is_chosen() {
    let tls = Tls::from_settings(&TlsSettings::Development).unwrap();
    let trusted = tls.development.unwrap().pem();
    let mut client = client(&trusted, "localhost", &[&TLS12, &TLS13]);
    handshake(&mut client, tls.config).unwrap();
    assert_eq!(client.protocol_version(), Some(TLS13.version));
}

#[test]
fn every_cipher_suite_has_forward_secrecy() {
    let tls = Tls::from_settings(&TlsSettings::Development).unwrap();
    let suites = &tls.config.crypto_provider().cipher_suites;
    assert!(!suites.is_empty());
    for suite in suites {
        match suite {
            SupportedCipherSuite::Tls13(_) => {}
            SupportedCipherSuite::Tls12(_) => {
                let name = format!("{:?}", suite.suite());
                assert!(name.starts_with("TLS_ECDHE_"), "{name}");
            }
        }
    }
}

/// A ClientHello that offers TLS 1.1 as its newest version.
#[test]
fn tls_1_1_is_refused() {
    let hello = {
        let mut body = vec![3, 2]; // client_version TLS 1.1
        body.extend([7; 32]); // random
        body.push(0); // no session
        body.extend([0, 2, 0xc0, 0x13]); // TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA
        body.extend([1, 0]); // no compression
        body.extend([0, 0]); // no extensions
        let mut handshake = vec![1, 0, 0, body.len() as u8];
        handshake.extend(body);
        let mut record = vec![22, 3, 1, 0, handshake.len() as u8];
        record.extend(handshake);
        record
    };
    let tls = Tls::from_settings(&TlsSettings::Development).unwrap();
    let mut server = ServerConnection::new(Arc::new(tls.config)).unwrap();
    server.read_tls(&mut hello.as_slice()).unwrap();
    let error = server.process_new_packets().unwrap_err();
    assert!(
        matches!(error, rustls::Error::PeerIncompatible(_)),
        "{error:?}"
    );
}

#[test]
fn no_early_data_and_no_resumption_beyond_the_process() {
    let tls = Tls::from_settings(&TlsSettings::Development).unwrap();
    assert_eq!(tls.config.max_early_data_size, 0);
    assert!(!tls.config.ticketer.enabled());
}

#[test]
fn a_certificate_and_its_key_are_read_from_files() {
    let folder = Folder::new("files");
    let (certificate, key) = pair();
    let tls = from_files(
        folder.write("chain.pem", &certificate),
        folder.write("key.pem", &key),
    )
    .unwrap();
    handshake(
        &mut client(&certificate, "localhost", &[&TLS13]),
        tls.config,
    )
    .unwrap();
    // One file may hold both.
    let both = folder.write("both.pem", &format!("{certificate}{key}"));
    from_files(both.clone(), both).unwrap();
}

#[test]
fn every_mistake_in_the_files_has_its_message() {
    let folder = Folder::new("mistakes");
    let (certificate, key) = pair();
    let (_, other_key) = pair();
    let certificate_path = folder.write("chain.pem", &certificate);
    let key_path = folder.write("key.pem", &key);
    let missing = folder.0.join("missing.pem");
    let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let p521 = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
    for (certificate, key, message) in [
        (
            missing.clone(),
            key_path.clone(),
            "`tls.certificate`: the file of this name cannot be read: \
             No such file or directory (os error 2)",
        ),
        (
            certificate_path.clone(),
            missing,
            "`tls.private_key`: the file of this name cannot be read: \
             No such file or directory (os error 2)",
        ),
        (
            key_path.clone(),
            certificate_path.clone(),
            "`tls.certificate`: there is no `BEGIN CERTIFICATE` in the file",
        ),
        (
            certificate_path.clone(),
            certificate_path.clone(),
            "`tls.private_key`: there is no `BEGIN PRIVATE KEY` in the file",
        ),
        (
            certificate_path.clone(),
            folder.write("encrypted.pem", &encrypted),
            "`tls.private_key`: the key is encrypted; \
             `openssl pkey -in FILE -out FILE` decrypts it",
        ),
        (
            certificate_path.clone(),
            folder.write("other.pem", &other_key),
            "`tls.private_key`: does not belong to the first certificate in `tls.certificate`",
        ),
        (
            certificate_path.clone(),
            folder.write("p521.pem", &key_pem("PRIVATE KEY", p521.serialize_der())),
            "`tls.private_key`: does not belong to the first certificate in `tls.certificate`",
        ),
        (
            certificate_path.clone(),
            folder.write("half.pem", &key[..key.len() / 2]),
            "`tls.private_key`: the file is not well-formed PEM",
        ),
        (
            certificate_path.clone(),
            folder.write("junk.pem", &key_pem("PRIVATE KEY", b"junk".to_vec())),
            "`tls.private_key`: write a key for RSA (2048 bit or more), ECDSA (P-256, P-384 or \
             P-521) or Ed25519",
        ),
        (
            folder.write(
                "junk-certificate.pem",
                &key_pem("CERTIFICATE", b"junk".to_vec()),
            ),
            key_path.clone(),
            "`tls.certificate`: the first certificate in the file cannot be used",
        ),
        (
            certificate_path,
            PathBuf::from(&key),
            "`tls.private_key`: write the path of a PEM file, not what is in it",
        ),
    ] {
        let mistake = from_files(certificate, key).map(drop).unwrap_err();
        assert_eq!(mistake.to_string(), message);
    }
}

#[test]
fn the_key_is_not_shown() {
    let certificate = DevelopmentCertificate::generate().unwrap();
    assert_eq!(format!("{certificate:?}"), "DevelopmentCertificate { .. }");
}
