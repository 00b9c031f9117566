//! Just enough DER to tell public keys apart before the cryptographic library sees them.

/// A public key out of a `SubjectPublicKeyInfo` (RFC 5280 section 4.1.2.7).
pub(super) enum PublicKey<'a> {
    /// The 32 bytes of the point.
    Ed25519(&'a [u8]),
    /// A family that is not supported.
    Other,
    /// The uncompressed point.
    P256(&'a [u8]),
    /// The uncompressed point.
    P384(&'a [u8]),
    /// A `RSAPublicKey` (RFC 8017 appendix A.1.1).
    Rsa(&'a [u8]),
}

const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

const BIT_STRING: u8 = 0x03;
const INTEGER: u8 = 0x02;
const NULL: u8 = 0x05;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// Reads a `SubjectPublicKeyInfo`; `None` if it is not exactly one.
pub(super) fn public_key(der: &[u8]) -> Option<PublicKey<'_>> {
    let mut outer = Reader(der);
    let mut info = Reader(outer.element(SEQUENCE)?);
    outer.end()?;
    let mut algorithm = Reader(info.element(SEQUENCE)?);
    let family = algorithm.element(OBJECT_IDENTIFIER)?;
    // The first byte of a bit string counts the unused bits of its last one.
    let (&0, key) = info.element(BIT_STRING)?.split_first()? else {
        return None;
    };
    info.end()?;
    let found = match family {
        EC => match algorithm.element(OBJECT_IDENTIFIER)? {
            P256 => PublicKey::P256(key),
            P384 => PublicKey::P384(key),
            _ => return Some(PublicKey::Other),
        },
        ED25519 => PublicKey::Ed25519(key),
        RSA => {
            algorithm.element(NULL)?;
            PublicKey::Rsa(key)
        }
        _ => return Some(PublicKey::Other),
    };
    algorithm.end()?;
    Some(found)
}

/// The modulus and the exponent of a `RSAPublicKey`, without leading zeros.
pub(super) fn rsa_numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut outer = Reader(der);
    let mut numbers = Reader(outer.element(SEQUENCE)?);
    outer.end()?;
    let modulus = positive(numbers.element(INTEGER)?)?;
    let exponent = positive(numbers.element(INTEGER)?)?;
    numbers.end()?;
    Some((modulus, exponent))
}

/// Strips the zero byte that keeps a number with a high first bit positive.
fn positive(number: &[u8]) -> Option<&[u8]> {
    match number {
        [0, rest @ ..] if matches!(rest, [0x80..=0xff, ..]) => Some(rest),
        [1..=0x7f, ..] => Some(number),
        _ => None,
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The contents of the next element, which must have this tag and the shortest length form.
    fn element(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&found, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match (first, rest) {
            (0..=0x7f, _) => (usize::from(first), rest),
            (0x81, [low @ 0x80..=0xff, rest @ ..]) => (usize::from(*low), rest),
            (0x82, [high @ 1..=0xff, low, rest @ ..]) => {
                (usize::from(u16::from_be_bytes([*high, *low])), rest)
            }
            _ => return None,
        };
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        (found == tag).then_some(contents)
    }

    /// `None` if anything is left.
    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}
