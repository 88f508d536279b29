//! The kind of failure, and its message, from the causes of an error of the HTTP client.

use super::failure::{Failure, FailureKind, causes};
use super::names;
use super::proxy::Way;
use super::unsent::{self, SendMark};
use crate::error::io_text;

/// The failure of an exchange without a reply.
pub(super) fn no_reply(error: &reqwest::Error, asked: &SendMark, way: Option<&Way>) -> Failure {
    let failure = failed(error, None, asked);
    match way {
        Some(way) => way.explain(error, failure),
        None => failure,
    }
}

pub(super) fn failed(error: &reqwest::Error, status: Option<u16>, asked: &SendMark) -> Failure {
    if let Some(private) = causes(error).find_map(|e| e.downcast_ref::<names::Private>()) {
        return Failure { kind: FailureKind::Private, message: private.to_string(), status: None };
    }
    let message = chain(error);
    let kind = if error.is_connect() && is_untrusted(error) {
        FailureKind::Untrusted
    } else if error.is_builder() || (error.is_connect() && is_permanent(error)) {
        FailureKind::Refused
    } else if error.is_connect() {
        if unsent::was_closing(error) { FailureKind::Unprocessed } else { FailureKind::NotSent }
    } else if let Some(kind) = status.is_none().then(|| unsent::kind(error, asked)).flatten() {
        kind
    } else if error.is_timeout() {
        FailureKind::TimedOut
    } else {
        FailureKind::Broken
    };
    Failure { kind, message, status }
}

/// The messages of the innermost two causes. The outer ones only name parts of the client.
pub(super) fn chain(error: &reqwest::Error) -> String {
    let is_wrapper =
        |e: &(dyn std::error::Error + 'static)| e.is::<reqwest::Error>() || e.is::<hyper_util::client::legacy::Error>();
    let words = |e: &(dyn std::error::Error + 'static)| match e.downcast_ref::<std::io::Error>() {
        // An error that only wraps another has the message of the inner one.
        Some(io) => io.get_ref().map_or_else(|| io_text(io), ToString::to_string),
        None => e.to_string(),
    };
    let own: Vec<_> = causes(error).filter(|e| !is_wrapper(*e)).collect();
    let mut texts: Vec<String> = own.iter().copied().map(words).collect();
    texts.dedup();
    // The system's message is enough.
    let enough = if own.last().is_some_and(|e| e.is::<std::io::Error>()) { 1 } else { 2 };
    let tail = texts.len().saturating_sub(enough);
    match texts.split_off(tail).join(": ") {
        none if none.is_empty() => error.to_string(),
        text => text,
    }
}

/// Whether a retry cannot help, as with an untrusted certificate.
#[cfg(feature = "tls-ring")]
fn is_permanent(error: &reqwest::Error) -> bool {
    use rustls::AlertDescription::{
        HandshakeFailure, InsufficientSecurity, NoApplicationProtocol, ProtocolVersion, UnrecognisedName,
    };
    use rustls::Error::{AlertReceived, InvalidCertificate, NoCertificatesPresented, PeerIncompatible};
    let permanent = |e: &rustls::Error| match e {
        InvalidCertificate(_) | NoCertificatesPresented | PeerIncompatible(_) => true,
        // Client and server have no TLS parameters in common, which does not change within seconds.
        AlertReceived(alert) => {
            matches!(
                alert,
                HandshakeFailure | InsufficientSecurity | NoApplicationProtocol | ProtocolVersion | UnrecognisedName
            )
        }
        _ => false,
    };
    causes(error).filter_map(|e| e.downcast_ref()).any(permanent)
}

#[cfg(feature = "tls-ring")]
fn is_untrusted(error: &reqwest::Error) -> bool {
    use rustls::{CertificateError::UnknownIssuer, Error::InvalidCertificate};
    causes(error).filter_map(|e| e.downcast_ref()).any(|e| matches!(e, InvalidCertificate(UnknownIssuer)))
}

#[cfg(not(feature = "tls-ring"))]
fn is_untrusted(_: &reqwest::Error) -> bool {
    false
}

#[cfg(not(feature = "tls-ring"))]
fn is_permanent(_: &reqwest::Error) -> bool {
    false
}
