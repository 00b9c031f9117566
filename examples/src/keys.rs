//! Keys for a developer's own machine; nothing that matters may be signed with them.

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Write},
    path::Path,
};

use pem::Pem;
use rcgen::{KeyPair, PKCS_ED25519, PublicKeyData};

/// An Ed25519 key pair in PEM.
#[derive(Clone)]
pub struct DevelopmentKey {
    /// Signs tokens.
    pub private: String,
    /// Verifies them.
    pub public: String,
}

impl DevelopmentKey {
    /// A new key.
    pub fn generate() -> Result<Self, rcgen::Error> {
        Ok(Self::of(&KeyPair::generate_for(&PKCS_ED25519)?))
    }

    /// The key of this name in `folder`; if there is none, a new one is put there.
    ///
    /// It is `<name>.key.pem`, and the public key lies beside it as `<name>.pub.pem`.
    pub fn load_or_make(folder: &Path, name: &str) -> io::Result<Self> {
        let path = folder.join(format!("{name}.key.pem"));
        let key = match fs::read_to_string(&path) {
            Ok(text) => Self::read(&text)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let key = Self::generate().map_err(io::Error::other)?;
                fs::create_dir_all(folder)?;
                let mut options = OpenOptions::new();
                options.write(true).create_new(true);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                options.open(&path)?.write_all(key.private.as_bytes())?;
                key
            }
            Err(error) => return Err(error),
        };
        fs::write(folder.join(format!("{name}.pub.pem")), &key.public)?;
        Ok(key)
    }

    fn read(text: &str) -> io::Result<Self> {
        let der = pem::parse(text).map_err(io::Error::other)?.into_contents();
        let key = KeyPair::try_from(der).map_err(io::Error::other)?;
        Ok(Self::of(&key))
    }

    fn of(key: &KeyPair) -> Self {
        let encode = |label: &str, der: Vec<u8>| pem::encode(&Pem::new(label, der));
        Self {
            private: encode("PRIVATE KEY", key.serialize_der()),
            public: encode("PUBLIC KEY", key.subject_public_key_info()),
        }
    }
}

/// Without the private key.
impl std::fmt::Debug for DevelopmentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DevelopmentKey")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}
