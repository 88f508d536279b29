//! How requests are authenticated: the checked model. Pure data.

use http::HeaderName;

use super::file::{HmacAlgorithmFile, KeyEncodingFile, SignatureEncodingFile, TimestampFile};
use super::login::Login;
use super::oauth::Oauth2;
use super::placed::{LoginPair, PlacedText, RequestPlace};
use crate::authoring::{Pointer, Text};

/// How requests are authenticated.
#[derive(Debug)]
pub(crate) enum Auth {
    None,
    Basic(LoginPair),
    Bearer {
        token: Text,
    },
    /// One key, or several; those without a value are left out.
    Keys(Vec<PlacedText>),
    Digest(LoginPair),
    Hmac(Box<Hmac>),
    AwsSigv4(AwsSigv4),
    Oauth2(Box<Oauth2>),
    Login(Box<Login>),
    Refresh(Refresh),
}

/// A signature with a shared key.
#[derive(Debug)]
pub(crate) struct Hmac {
    pub(crate) key: Text,
    pub(crate) key_encoding: KeyEncodingFile,
    pub(crate) algorithm: HmacAlgorithmFile,
    pub(crate) encoding: SignatureEncodingFile,
    pub(crate) text: Text,
    pub(crate) timestamp: TimestampFile,
    pub(crate) send: PlacedText,
    pub(crate) headers: Vec<(HeaderName, Text)>,
    pub(crate) query: Vec<(String, Text)>,
}

/// Names in the texts of a signature that stand for parts of the request.
pub(crate) const SIGNED_NAMES: [&str; 11] =
    ["method", "path", "query", "url", "host", "body", "body_sha256", "body_md5", "timestamp", "nonce", "content_type"];

/// AWS Signature Version 4.
#[derive(Debug)]
pub(crate) struct AwsSigv4 {
    pub(crate) access_key: Text,
    pub(crate) secret_key: Text,
    pub(crate) session_token: Option<Text>,
    pub(crate) region: Text,
    pub(crate) service: Text,
}

/// A vendor-specific rotating refresh token.
#[derive(Debug)]
pub(crate) struct Refresh {
    pub(crate) verb: http::Method,
    pub(crate) path: Text,
    pub(crate) headers: Vec<(HeaderName, Text)>,
    pub(crate) access_token: Pointer,
    pub(crate) refresh_token: Pointer,
    pub(crate) expires_in: Option<Pointer>,
}

impl Auth {
    /// Every text that may name properties of the connection.
    pub(crate) fn texts(&self) -> Vec<&Text> {
        match self {
            Auth::None => Vec::new(),
            Auth::Basic(pair) | Auth::Digest(pair) => pair.texts().to_vec(),
            Auth::Bearer { token } => vec![token],
            Auth::Keys(keys) => keys.iter().map(|key| &key.value).collect(),
            Auth::Hmac(rule) => {
                let (headers, query) = (rule.headers.iter().map(|(_, t)| t), rule.query.iter().map(|(_, t)| t));
                headers.chain(query).chain([&rule.key, &rule.text, &rule.send.value]).collect()
            }
            Auth::AwsSigv4(rule) => {
                let own = [&rule.access_key, &rule.secret_key, &rule.region, &rule.service];
                own.into_iter().chain(&rule.session_token).collect()
            }
            Auth::Oauth2(rule) => rule.texts(),
            Auth::Login(rule) => rule.texts(),
            Auth::Refresh(r) => r.headers.iter().map(|(_, text)| text).chain([&r.path]).collect(),
        }
    }

    /// The places of a request that carry the credentials, which nothing else may set.
    pub(crate) fn places(&self) -> Vec<RequestPlace> {
        let authorization = || vec![RequestPlace::Header(http::header::AUTHORIZATION)];
        let headers = |names: &[&'static str]| {
            names.iter().map(|name| RequestPlace::Header(HeaderName::from_static(name))).collect()
        };
        match self {
            Auth::None => Vec::new(),
            Auth::Basic(_) | Auth::Bearer { .. } | Auth::Digest(_) | Auth::Refresh(_) => authorization(),
            Auth::Keys(keys) => keys.iter().map(|key| key.place.clone()).collect(),
            Auth::Hmac(rule) => {
                let own = rule.headers.iter().map(|(name, _)| RequestPlace::Header(name.clone()));
                let query = rule.query.iter().map(|(name, _)| RequestPlace::Query(name.clone()));
                own.chain(query).chain([rule.send.place.clone()]).collect()
            }
            Auth::AwsSigv4(_) => {
                headers(&["authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"])
            }
            Auth::Oauth2(rule) => vec![rule.send.place.clone()],
            Auth::Login(rule) => rule.send.iter().map(|send| send.place.clone()).collect(),
        }
    }

    /// The query parameters that carry the credentials.
    pub(crate) fn query_names(&self) -> Vec<String> {
        let name = |place: RequestPlace| match place {
            RequestPlace::Query(name) => Some(name),
            RequestPlace::Header(_) | RequestPlace::Cookie(_) => None,
        };
        self.places().into_iter().filter_map(name).collect()
    }

    /// Whether requests carry a token that is obtained and renewed.
    pub(crate) fn has_tokens(&self) -> bool {
        match self {
            Auth::Oauth2(_) | Auth::Login(_) | Auth::Refresh(_) => true,
            Auth::None
            | Auth::Basic(_)
            | Auth::Bearer { .. }
            | Auth::Keys(_)
            | Auth::Digest(_)
            | Auth::Hmac(_)
            | Auth::AwsSigv4(_) => false,
        }
    }

    /// Whether a person signs in on another device.
    pub(crate) fn signs_in_on_device(&self) -> bool {
        matches!(self, Auth::Oauth2(rule) if matches!(rule.flow, super::oauth::GrantFlow::DeviceCode))
    }

    /// Further addresses that a sign-in uses.
    pub(crate) fn addresses(&self) -> Vec<&Text> {
        match self {
            Auth::Oauth2(rule) => {
                [Some(&rule.token), rule.authorize.as_ref(), rule.device.as_ref()].into_iter().flatten().collect()
            }
            Auth::Login(rule) => rule.base_url.iter().collect(),
            Auth::None
            | Auth::Basic(_)
            | Auth::Bearer { .. }
            | Auth::Keys(_)
            | Auth::Digest(_)
            | Auth::Hmac(_)
            | Auth::AwsSigv4(_)
            | Auth::Refresh(_) => Vec::new(),
        }
    }
}
