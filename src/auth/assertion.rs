//! Signed assertions: JSON Web Tokens (RFC 7515, RFC 7519, RFC 7523) with the algorithms of RFC 7518 and RFC 8037.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::keyed_hash::{Hash, keyed_hash};
use super::signing_key::SigningKey;
use super::texts::rendered;
use crate::connection::Connection;
use crate::definition::{AlgorithmFile, Assertion, Oauth2, PropertyTypeFile};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::secret::Secret;

/// What an assertion is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The grant (section 2.1).
    Grant,
    /// The client's authentication (section 2.2).
    Client,
}

/// Time and random text of an assertion.
#[derive(Clone, Copy)]
pub(super) struct Stamp<'s> {
    /// Seconds since 1970.
    pub(super) unix: u64,
    pub(super) id: &'s str,
}

/// A signed assertion for the token server at this address.
pub(super) fn sign(
    connection: &Connection,
    rule: &Oauth2,
    purpose: Purpose,
    stamp: Stamp<'_>,
    audience: &str,
) -> Result<Secret> {
    let assertion =
        rule.assertion.as_ref().ok_or_else(|| Error::new(ErrorKind::Internal, "no assertion is declared"))?;
    let mut header = Map::new();
    header.insert("alg".into(), name(assertion.algorithm).into());
    header.insert("typ".into(), "JWT".into());
    if let Some(id) = assertion.key_id.as_ref().and_then(|text| connection.render(text)) {
        header.insert("kid".into(), id.into());
    }
    let claims = claims(connection, rule, assertion, purpose, (stamp, audience))?;
    let part = |map: Map<String, Value>| URL_SAFE_NO_PAD.encode(Value::Object(map).to_string());
    let text = format!("{}.{}", part(header), part(claims));
    let key = rendered(connection, &assertion.key)?;
    let name = assertion.key.names().next().unwrap_or_default();
    let signature = signature(assertion.algorithm, &key, text.as_bytes())
        .map_err(|error| if error.place.is_none() { error.at(Place::field(format!("/{name}"))) } else { error })?;
    let token = format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature));
    connection.redactor.learn(&token);
    Ok(Secret::new(token))
}

fn claims(
    connection: &Connection,
    rule: &Oauth2,
    assertion: &Assertion,
    purpose: Purpose,
    (stamp, audience): (Stamp<'_>, &str),
) -> Result<Map<String, Value>> {
    let text = |text| rendered(connection, text);
    let client = rule.client_id.as_ref().map(text).transpose()?;
    let (issuer, subject) = match purpose {
        Purpose::Client => (client.clone(), client),
        Purpose::Grant => (
            assertion.issuer.as_ref().map(text).transpose()?.or(client),
            // It may be a property that this connection does not have.
            assertion.subject.as_ref().and_then(|subject| connection.render(subject)),
        ),
    };
    let audience = assertion.audience.as_ref().map(text).transpose()?.unwrap_or_else(|| audience.to_owned());
    let mut claims = Map::new();
    if purpose == Purpose::Grant || rule.flow_has_no_assertion() {
        let kind = |name: &str| connection.connector.property(name).map_or(PropertyTypeFile::String, |p| p.kind);
        let own = assertion
            .claims
            .iter()
            .filter_map(|(name, json)| Some((name.clone(), json.render(&|name| connection.value(name), &kind)?)));
        claims.extend(own);
    }
    claims.extend(issuer.map(|issuer| ("iss".to_owned(), issuer.into())));
    claims.extend(subject.map(|subject| ("sub".to_owned(), subject.into())));
    claims.insert("aud".into(), audience.into());
    claims.insert("iat".into(), json!(stamp.unix));
    claims.insert("exp".into(), json!(stamp.unix + u64::from(assertion.lifetime_s)));
    claims.insert("jti".into(), stamp.id.into());
    Ok(claims)
}

fn name(algorithm: AlgorithmFile) -> &'static str {
    match algorithm {
        AlgorithmFile::Rs256 => "RS256",
        AlgorithmFile::Rs384 => "RS384",
        AlgorithmFile::Rs512 => "RS512",
        AlgorithmFile::Ps256 => "PS256",
        AlgorithmFile::Ps384 => "PS384",
        AlgorithmFile::Ps512 => "PS512",
        AlgorithmFile::Es256 => "ES256",
        AlgorithmFile::Es384 => "ES384",
        AlgorithmFile::EdDsa => "EdDSA",
        AlgorithmFile::Hs256 => "HS256",
        AlgorithmFile::Hs384 => "HS384",
        AlgorithmFile::Hs512 => "HS512",
    }
}

fn signature(algorithm: AlgorithmFile, key: &str, text: &[u8]) -> Result<Vec<u8>> {
    match algorithm {
        AlgorithmFile::Hs256 => keyed_hash(Hash::Sha256, key.as_bytes(), text),
        AlgorithmFile::Hs384 => keyed_hash(Hash::Sha384, key.as_bytes(), text),
        AlgorithmFile::Hs512 => keyed_hash(Hash::Sha512, key.as_bytes(), text),
        AlgorithmFile::Rs256
        | AlgorithmFile::Rs384
        | AlgorithmFile::Rs512
        | AlgorithmFile::Ps256
        | AlgorithmFile::Ps384
        | AlgorithmFile::Ps512
        | AlgorithmFile::Es256
        | AlgorithmFile::Es384
        | AlgorithmFile::EdDsa => SigningKey::read(key, algorithm)?.sign(text),
    }
}

/// Checks the key of an assertion, so that a wrong one is reported before anything is sent.
pub(super) fn check(connection: &Connection, assertion: &Assertion) -> Result<()> {
    let Some(key) = connection.render(&assertion.key) else { return Ok(()) };
    let name = assertion.key.names().next().unwrap_or_default();
    signature(assertion.algorithm, &key, b"").map(drop).map_err(|error| error.at(Place::field(format!("/{name}"))))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::{AlgorithmFile, signature};

    /// RFC 7515, appendix A.1.
    #[test]
    fn published_vector_of_hs256() {
        let text = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let key = URL_SAFE_NO_PAD
            .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
            .unwrap();
        let mac = super::keyed_hash(super::Hash::Sha256, &key, text.as_bytes()).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.encode(mac), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(signature(AlgorithmFile::Hs256, "k", b"t").unwrap().len(), 32);
    }

    /// RFC 8037, appendix A: the Ed25519 key as PKCS #8.
    #[test]
    fn published_vector_of_eddsa() {
        let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        der.extend(seed);
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            base64::engine::general_purpose::STANDARD.encode(der)
        );
        let signed =
            signature(AlgorithmFile::EdDsa, &pem, b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc").unwrap();
        assert_eq!(
            URL_SAFE_NO_PAD.encode(signed),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
    }
}
