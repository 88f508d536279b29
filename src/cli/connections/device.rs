//! `login` of a system that signs in on another device (RFC 8628): shows the address and the code, and asks until the user
//! has finished there.

use std::time::{Duration, Instant};

use super::browser;
use super::route::OpenConnection;
use crate::cli::app::App;
use crate::cli::signals::Signals;
use crate::error::{Error, ErrorKind, Result};
use crate::{Cancel, DevicePoll, DevicePrompt, Session};

/// Seconds that are added to the interval when the system asks to slow down (section 3.5).
const SLOWER: u64 = 5;
/// Maximum interval, in seconds.
const INTERVAL_MAX: u64 = 60;

/// Signs in. Returns the exit code of a signal, if one ended it.
pub(super) async fn sign_in(app: &App, connection: &OpenConnection, hidden: Option<Vec<String>>) -> Result<Option<u8>> {
    let prompt = connection.session.begin_device_sign_in().await?;
    let cancel = Cancel::default();
    let signals = Signals::listen(&cancel);
    let (address, code) = (&prompt.address, &prompt.user_code);
    app.screen.line(&format!("Open this address in a browser on any device and sign in:\n{address}"));
    app.screen.line(&format!("Enter this code there: {code}"));
    if let Some(hidden) = hidden {
        browser::open(prompt.address_with_code.as_ref().unwrap_or(address), hidden);
    }
    tokio::select! {
        done = wait(&connection.session, &prompt) => done.map(|()| None),
        () = cancel.cancelled() => Ok(Some(signals.exit_code().unwrap_or(ErrorKind::Cancelled.exit_code()))),
    }
}

/// Asks until the user has signed in.
///
/// # Errors
/// `timeout` when the code has expired; why the system refuses.
pub(crate) async fn wait(session: &Session, prompt: &DevicePrompt) -> Result<()> {
    let (begun, life) = (Instant::now(), Duration::from_secs(prompt.expires_in));
    let mut interval = prompt.interval;
    while begun.elapsed() < life {
        tokio::time::sleep(Duration::from_secs(interval.min(INTERVAL_MAX))).await;
        match session.poll_device_sign_in(prompt).await {
            Ok(DevicePoll::SignedIn) => return Ok(()),
            Ok(DevicePoll::Pending) => {}
            Ok(DevicePoll::SlowDown) => interval += SLOWER,
            // A break of the network is waited for, with longer and longer intervals.
            Err(error) if matches!(error.kind(), ErrorKind::Network | ErrorKind::Unavailable) => {
                tracing::debug!(why = %error.message, "the sign-in could not be asked for");
                interval = interval.saturating_mul(2).clamp(1, INTERVAL_MAX);
            }
            Err(error) => return Err(error),
        }
    }
    Err(Error::new(ErrorKind::Timeout, format!("no sign-in within {} seconds", prompt.expires_in))
        .advise("run the command again for a new code"))
}
