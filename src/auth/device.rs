//! The sign-in on another device (RFC 8628): the request for a code, and what a poll for tokens says.

use serde_json::Value;

use super::assertion::Stamp;
use super::grant;
use super::granted::seconds;
use crate::authoring::scalar;
use crate::connection::Connection;
use crate::definition::{Auth, Oauth2};
use crate::error::{Error, ErrorKind, Result};
use crate::fault::clean;
use crate::reply::{Response, charset};
use crate::secret::Secret;

/// What a person needs to sign in on another device, and the code that asks for the result.
///
/// ```no_run
/// use std::time::Duration;
///
/// use opnode::{DevicePoll, DevicePrompt, Result, Session};
///
/// async fn sign_in(session: &Session) -> Result<()> {
///     let prompt: DevicePrompt = session.begin_device_sign_in().await?;
///     println!("open {} and enter {}", prompt.address, prompt.user_code);
///     let mut interval = prompt.interval;
///     loop {
///         tokio::time::sleep(Duration::from_secs(interval)).await;
///         match session.poll_device_sign_in(&prompt).await? {
///             DevicePoll::SignedIn => return Ok(()),
///             DevicePoll::Pending => {}
///             DevicePoll::SlowDown => interval += 5,
///         }
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct DevicePrompt {
    /// The code that the person enters.
    pub user_code: String,
    /// The address that the person opens.
    pub address: String,
    /// The same with the code in it, if the system has one.
    pub address_with_code: Option<String>,
    /// Seconds until the codes end.
    pub expires_in: u64,
    /// Seconds between two polls.
    pub interval: u64,
    pub(super) device_code: Secret,
}

/// What a poll says; see [`DevicePrompt`].
///
/// ```
/// use opnode::DevicePoll;
///
/// let more_seconds = |poll| match poll {
///     DevicePoll::SignedIn | DevicePoll::Pending => 0,
///     DevicePoll::SlowDown => 5,
/// };
/// assert_eq!(more_seconds(DevicePoll::SlowDown), 5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DevicePoll {
    /// The person has signed in; the tokens are stored.
    SignedIn,
    /// The person has not finished yet.
    Pending,
    /// The same; five seconds are added to the interval.
    SlowDown,
}

/// Default lifetime of the codes, if the system does not say one.
const EXPIRES_IN: u64 = 600;
/// Default interval (section 3.2).
const INTERVAL: u64 = 5;

/// The device authorization request (section 3.1).
pub(super) fn request(connection: &Connection, stamp: Stamp<'_>) -> Result<http::Request<bytes::Bytes>> {
    let rule = rule(connection)?;
    let device = rule.device.as_ref().ok_or_else(|| grant::no_sign_in(connection))?;
    let url = connection.address(device)?;
    let form = vec![("scope", rule.scope.clone())];
    grant::form_request(connection, rule, (&url, form, &rule.authorize_parameters), stamp)
}

fn rule(connection: &Connection) -> Result<&Oauth2> {
    match &connection.connector.auth {
        Auth::Oauth2(rule) => Ok(rule),
        Auth::None
        | Auth::Basic(_)
        | Auth::Bearer { .. }
        | Auth::Keys(_)
        | Auth::Digest(_)
        | Auth::Hmac(_)
        | Auth::AwsSigv4(_)
        | Auth::Login(_)
        | Auth::Refresh(_) => Err(grant::no_sign_in(connection)),
    }
}

/// Reads the reply (section 3.2).
pub(super) fn read(connection: &Connection, mut response: Response) -> Result<DevicePrompt> {
    let status = response.status;
    let text = charset::decode(&mut response).map(|(text, _)| text.to_owned()).unwrap_or_default();
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    let device_code = body.get("device_code").and_then(scalar).filter(|code| !code.is_empty());
    device_code.iter().for_each(|code| connection.redactor.learn(code));
    let tidy = |text: String| clean(&connection.redactor.mask(&text));
    let text = |name: &str| body.get(name).and_then(scalar).filter(|text| !text.is_empty()).map(tidy);
    let stamp = |error: Error| error.with(|d| d.http_status = Some(status.as_u16()));
    if let Some(code) = text("error") {
        let said = text("error_description").map(|text| format!(": {text}")).unwrap_or_default();
        let error = Error::new(ErrorKind::Unauthenticated, format!("the sign-in was refused: {code}{said}"));
        return Err(stamp(error).with(|d| d.provider.code = Some(code)));
    }
    // Some systems write verification_url.
    let address = text("verification_uri").or_else(|| text("verification_url"));
    let (Some(device_code), Some(user_code), Some(address), true) =
        (device_code, text("user_code"), address, status.is_success())
    else {
        let message = format!("the reply to the device request has no codes ({})", status.as_u16());
        let kind = if status.is_server_error() { ErrorKind::Unavailable } else { ErrorKind::BadResponse };
        return Err(stamp(Error::new(kind, message)));
    };
    Ok(DevicePrompt {
        user_code,
        address,
        address_with_code: text("verification_uri_complete"),
        expires_in: body.get("expires_in").and_then(seconds).unwrap_or(EXPIRES_IN),
        interval: body.get("interval").and_then(seconds).unwrap_or(INTERVAL),
        device_code: Secret::new(device_code),
    })
}

/// What the refusal of a poll means (section 3.5); `None` if it is final.
pub(super) fn poll(error: &Error) -> Option<DevicePoll> {
    match error.provider.code.as_deref() {
        Some("authorization_pending") => Some(DevicePoll::Pending),
        Some("slow_down") => Some(DevicePoll::SlowDown),
        Some(_) | None => None,
    }
}
