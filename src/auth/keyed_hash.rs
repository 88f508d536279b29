//! HMAC (RFC 2104), of the cryptography library of TLS.

#[cfg(not(feature = "tls-ring"))]
use super::texts::needs_ring;
use crate::error::Result;

/// The hash function of an HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// The HMAC of a text.
///
/// # Errors
/// `unsupported` in a build without TLS.
#[cfg(feature = "tls-ring")]
#[expect(clippy::unnecessary_wraps, reason = "a build without TLS has no HMAC")]
pub(super) fn keyed_hash(hash: Hash, key: &[u8], text: &[u8]) -> Result<Vec<u8>> {
    use ring::hmac;
    let algorithm = match hash {
        Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => hmac::HMAC_SHA256,
        Hash::Sha384 => hmac::HMAC_SHA384,
        Hash::Sha512 => hmac::HMAC_SHA512,
    };
    Ok(hmac::sign(&hmac::Key::new(algorithm, key), text).as_ref().to_vec())
}

#[cfg(not(feature = "tls-ring"))]
pub(super) fn keyed_hash(_: Hash, _: &[u8], _: &[u8]) -> Result<Vec<u8>> {
    Err(needs_ring())
}

#[cfg(test)]
mod tests {
    use super::{Hash, keyed_hash};

    fn hex(hash: Hash, key: &[u8], text: &[u8]) -> String {
        let mac = keyed_hash(hash, key, text).unwrap();
        crate::secret::hex(&mac, mac.len())
    }

    #[test]
    fn published_vectors() {
        // RFC 2202, section 3, cases 1 and 2.
        assert_eq!(hex(Hash::Sha1, &[0x0b; 20], b"Hi There"), "b617318655057264e28bc0b6fb378c8ef146be00");
        let jefe = b"what do ya want for nothing?";
        assert_eq!(hex(Hash::Sha1, b"Jefe", jefe), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        // RFC 4231, cases 1 and 2.
        assert_eq!(
            hex(Hash::Sha256, &[0x0b; 20], b"Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            hex(Hash::Sha384, b"Jefe", jefe),
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"
        );
        assert_eq!(
            hex(Hash::Sha512, b"Jefe", jefe),
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
        );
    }
}
