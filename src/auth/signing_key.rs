//! Private keys of assertions, as PEM text or base64 of it. The cryptography library of TLS reads them and signs.

#[cfg(feature = "tls-ring")]
use super::hmac::decoded;
#[cfg(not(feature = "tls-ring"))]
use super::texts::needs_ring;
use crate::definition::AlgorithmFile;
use crate::error::Result;
#[cfg(feature = "tls-ring")]
use crate::error::{Error, ErrorKind};

/// A private key, for one algorithm.
pub(super) struct SigningKey {
    #[cfg(feature = "tls-ring")]
    signer: Box<dyn rustls::sign::Signer>,
    #[cfg(feature = "tls-ring")]
    algorithm: AlgorithmFile,
}

/// # Errors
/// `unsupported`.
#[cfg(not(feature = "tls-ring"))]
impl SigningKey {
    pub(super) fn read(_: &str, _: AlgorithmFile) -> Result<SigningKey> {
        Err(needs_ring())
    }

    pub(super) fn sign(&self, _: &[u8]) -> Result<Vec<u8>> {
        Err(needs_ring())
    }
}

#[cfg(feature = "tls-ring")]
impl SigningKey {
    /// Reads a key.
    ///
    /// # Errors
    /// `connection` when it is not a private key for this algorithm.
    pub(super) fn read(text: &str, algorithm: AlgorithmFile) -> Result<SigningKey> {
        use rustls::SignatureScheme as Scheme;
        use rustls::pki_types::PrivateKeyDer;
        use rustls::pki_types::pem::PemObject as _;
        let pem = pem(text).ok_or_else(|| wrong("it is neither PEM text nor base64 of it"))?;
        let key = PrivateKeyDer::from_pem_slice(&pem)
            .map_err(|_| wrong("the PEM text has no private key; a key with a passphrase cannot be read"))?;
        let key = rustls::crypto::ring::sign::any_supported_type(&key)
            .map_err(|_| wrong("its kind is not supported: RSA from 2048 bits, ECDSA on P-256 or P-384, or Ed25519"))?;
        let (scheme, what) = match algorithm {
            AlgorithmFile::Rs256 => (Scheme::RSA_PKCS1_SHA256, "RSA"),
            AlgorithmFile::Rs384 => (Scheme::RSA_PKCS1_SHA384, "RSA"),
            AlgorithmFile::Rs512 => (Scheme::RSA_PKCS1_SHA512, "RSA"),
            AlgorithmFile::Ps256 => (Scheme::RSA_PSS_SHA256, "RSA"),
            AlgorithmFile::Ps384 => (Scheme::RSA_PSS_SHA384, "RSA"),
            AlgorithmFile::Ps512 => (Scheme::RSA_PSS_SHA512, "RSA"),
            AlgorithmFile::Es256 => (Scheme::ECDSA_NISTP256_SHA256, "ECDSA on P-256"),
            AlgorithmFile::Es384 => (Scheme::ECDSA_NISTP384_SHA384, "ECDSA on P-384"),
            AlgorithmFile::EdDsa => (Scheme::ED25519, "Ed25519"),
            AlgorithmFile::Hs256 | AlgorithmFile::Hs384 | AlgorithmFile::Hs512 => {
                return Err(Error::new(ErrorKind::Internal, "HMAC has no private key"));
            }
        };
        let signer = key
            .choose_scheme(&[scheme])
            .ok_or_else(|| wrong(&format!("the definition's algorithm needs a key of the kind {what}")))?;
        Ok(SigningKey { signer, algorithm })
    }

    /// The signature as JSON Web Signature writes it.
    pub(super) fn sign(&self, text: &[u8]) -> Result<Vec<u8>> {
        let signature = self.signer.sign(text).map_err(|_| Error::new(ErrorKind::Internal, "the key cannot sign"))?;
        let size = match self.algorithm {
            AlgorithmFile::Es256 => 32,
            AlgorithmFile::Es384 => 48,
            AlgorithmFile::Rs256
            | AlgorithmFile::Rs384
            | AlgorithmFile::Rs512
            | AlgorithmFile::Ps256
            | AlgorithmFile::Ps384
            | AlgorithmFile::Ps512
            | AlgorithmFile::EdDsa
            | AlgorithmFile::Hs256
            | AlgorithmFile::Hs384
            | AlgorithmFile::Hs512 => return Ok(signature),
        };
        fixed(&signature, size).ok_or_else(|| Error::new(ErrorKind::Internal, "the signature cannot be read"))
    }
}

/// PEM text: as it is, with `\n` for its line ends, or as base64 of the whole.
#[cfg(feature = "tls-ring")]
fn pem(text: &str) -> Option<Vec<u8>> {
    const BEGIN: &str = "-----BEGIN ";
    if text.contains(BEGIN) {
        return Some(text.replace("\\n", "\n").into_bytes());
    }
    let joined: String = text.split_whitespace().collect();
    decoded(&joined).filter(|bytes| bytes.windows(BEGIN.len()).any(|window| window == BEGIN.as_bytes()))
}

/// An ECDSA signature in ASN.1 (two integers) as two numbers of a fixed size (RFC 7518, section 3.4).
#[cfg(feature = "tls-ring")]
fn fixed(der: &[u8], size: usize) -> Option<Vec<u8>> {
    fn integer<'d>(der: &'d [u8], size: usize, out: &mut Vec<u8>) -> Option<&'d [u8]> {
        let [2, length, rest @ ..] = der else { return None };
        let (number, rest) = rest.split_at_checked(usize::from(*length))?;
        let number = number.iter().position(|b| *b != 0).and_then(|at| number.get(at..)).unwrap_or_default();
        out.extend(std::iter::repeat_n(0, size.checked_sub(number.len())?));
        out.extend_from_slice(number);
        Some(rest)
    }
    let [0x30, length, rest @ ..] = der else { return None };
    // A P-384 signature is shorter than 128 bytes, so each length is one byte.
    let rest = rest.get(..usize::from(*length))?;
    let mut out = Vec::with_capacity(2 * size);
    let rest = integer(rest, size, &mut out)?;
    integer(rest, size, &mut out)?.is_empty().then_some(out)
}

#[cfg(feature = "tls-ring")]
fn wrong(why: &str) -> Error {
    Error::new(ErrorKind::Connection, format!("the key of the assertion cannot be used: {why}"))
}

#[cfg(test)]
mod tests {
    use super::{AlgorithmFile, SigningKey, fixed};

    #[test]
    fn signatures_of_ecdsa_verify() {
        use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        for key in [pair.serialize_pem(), base64_of(&pair.serialize_pem()), pair.serialize_pem().replace('\n', "\\n")] {
            let signed = SigningKey::read(&key, AlgorithmFile::Es256).unwrap().sign(b"text").unwrap();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key_raw()).verify(b"text", &signed).unwrap();
            let other = SigningKey::read(&key, AlgorithmFile::Rs256).err().unwrap();
            assert!(other.message.contains("RSA") && !other.message.contains("PRIVATE"), "{}", other.message);
        }
        assert!(SigningKey::read("not a key", AlgorithmFile::Rs256).is_err());
    }

    fn base64_of(text: &str) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(text)
    }

    #[test]
    fn short_and_long_numbers_get_the_fixed_size() {
        assert_eq!(fixed(&[0x30, 7, 2, 1, 5, 2, 2, 0, 200], 2).unwrap(), [0, 5, 0, 200]);
        assert_eq!(fixed(&[0x30, 3, 2, 1, 5], 2), None);
        assert_eq!(fixed(&[], 2), None);
    }
}
