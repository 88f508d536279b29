//! Credentials and their places of a request: what all kinds of sign-in have in common. Pure data.

use http::HeaderName;

use crate::authoring::Text;

/// User name and password.
#[derive(Debug)]
pub(crate) struct LoginPair {
    pub(crate) username: Text,
    pub(crate) password: Text,
}

/// A place of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RequestPlace {
    Header(HeaderName),
    Query(String),
    Cookie(String),
}

impl std::fmt::Display for RequestPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RequestPlace::Header(name) => write!(f, "the header {name}"),
            RequestPlace::Query(name) => write!(f, "the query parameter {name}"),
            RequestPlace::Cookie(name) => write!(f, "the cookie {name}"),
        }
    }
}

/// A value in a place of each request.
#[derive(Clone, Debug)]
pub(crate) struct PlacedText {
    pub(crate) place: RequestPlace,
    pub(crate) value: Text,
}

impl LoginPair {
    pub(crate) fn texts(&self) -> [&Text; 2] {
        [&self.username, &self.password]
    }
}
