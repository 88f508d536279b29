//! How the requests of a connection are signed, with the values of the connection: for programs that send a request
//! themselves. Pure.

use crate::authoring::Text;
use crate::connection::Connection;
use crate::definition::Auth;

/// What a program must do to sign a request.
pub(crate) enum Signing {
    /// The credentials are in the request.
    InRequest,
    /// Digest, with user and password.
    Digest(String, String),
    /// AWS Signature Version 4.
    AwsSigv4 { scope: String, access_key: String, secret_key: String },
    /// A signature of another kind.
    Own,
    /// A sign-in request before.
    Login,
}

/// How the requests of a connection are signed.
pub(crate) fn signing(connection: &Connection) -> Signing {
    let text = |text: &Text| connection.render(text).unwrap_or_default();
    match &connection.connector.auth {
        Auth::Digest(login) => {
            let [user, password] = login.texts();
            Signing::Digest(text(user), text(password))
        }
        Auth::AwsSigv4(rule) => Signing::AwsSigv4 {
            scope: format!("{}:{}", text(&rule.region), text(&rule.service)),
            access_key: text(&rule.access_key),
            secret_key: text(&rule.secret_key),
        },
        Auth::Hmac(_) => Signing::Own,
        Auth::Login(_) => Signing::Login,
        Auth::None | Auth::Basic(_) | Auth::Bearer { .. } | Auth::Keys(_) | Auth::Oauth2(_) | Auth::Refresh(_) => {
            Signing::InRequest
        }
    }
}
