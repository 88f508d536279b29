//! Failures of an exchange, and its limits. Plain data.

use std::time::Duration;

/// On macOS and Windows only the system's trust store counts.
const UNTRUSTED_ADVICE: &str = if cfg!(any(windows, target_vendor = "apple")) {
    "trust a private authority by `tls: { ca: FILE }` in the connection, or by adding its certificate to the system's; certificate checks \
     cannot be turned off"
} else {
    "trust a private authority by `tls: { ca: FILE }` in the connection, by adding its certificate to the system's, or with the variable SSL_CERT_FILE (a file of \
     PEM certificates) or SSL_CERT_DIR (a folder of these), which are then used instead of the system's; certificate checks cannot be turned off"
};

/// The advice for an invalid proxy setting.
const PROXY_ADVICE: &str = "correct the setting of the proxy: http://USER:PASSWORD@HOST:PORT, where characters such as @ : / # in \
                                 USER and PASSWORD are written as %40 %3A %2F %23";

/// Maximum values for one exchange.
#[derive(Clone, Copy, Debug)]
pub struct ExchangeLimits {
    /// Time until the reply begins.
    pub first_byte: Duration,
    /// Time between two pieces of the reply.
    pub idle: Duration,
    /// Time from start to end.
    pub total: Duration,
    /// Bytes of the body, decompressed.
    pub body_max: usize,
    /// Ratio of decompressed to received bytes of the body.
    pub ratio_max: usize,
    /// Bytes of the headers of a successful reply.
    pub header_max: usize,
}

/// The reason for an exchange without a reply.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What failed.
    pub kind: FailureKind,
    /// One line, without URL.
    pub message: String,
    /// The HTTP status, if the reply had begun.
    pub status: Option<u16>,
}

/// The kinds of failure that retry decisions distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// Nothing was sent.
    NotSent,
    /// The peer did not process the request: it said so, or the request was not sent completely on a closing
    /// connection.
    Unprocessed,
    /// Nothing was sent, and a retry cannot help (certificate, unsupported).
    Refused,
    /// Nothing was sent: the certificate's authority is not trusted on this machine.
    Untrusted,
    /// Nothing was sent: a public name has an address in a private network.
    Private,
    /// Nothing was sent: the proxy setting is invalid, or the proxy refused its user name and password.
    Proxy,
    /// The exchange broke after sending.
    Broken,
    /// A time limit passed after sending.
    TimedOut,
    /// The reply is larger than a limit.
    TooLarge,
    /// The reply's encoding is wrong or unknown.
    Encoding,
    /// The reply is a file that cannot be written to disk.
    Unsaved,
}

impl FailureKind {
    /// The advice for the user.
    pub(crate) fn advice(self) -> Option<&'static str> {
        match self {
            FailureKind::NotSent => Some("check the address and the network"),
            FailureKind::Refused => {
                Some("the certificate is not trusted by this machine; certificate checks cannot be turned off")
            }
            FailureKind::Untrusted => Some(UNTRUSTED_ADVICE),
            FailureKind::Private => {
                Some("if the system is in your own network, set `allow_private: true` in the connection")
            }
            FailureKind::Proxy => Some(PROXY_ADVICE),
            FailureKind::TooLarge => {
                Some("ask for smaller pages or fewer fields, or raise the limit in the connection's `limits`")
            }
            FailureKind::Unsaved => Some("free disk space, or give this user write permission there"),
            FailureKind::Unprocessed | FailureKind::Broken | FailureKind::TimedOut | FailureKind::Encoding => None,
        }
    }
}

/// All causes, including those inside an `io::Error`, which its `source` omits.
pub(super) fn causes(error: &dyn std::error::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |e| {
        match e.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => e.source(),
        }
    })
}
