//! Sign-ins in a browser that the page has begun.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::Session;
use crate::cli::connections::device;
use crate::cli::connections::login::BrowserSignIn;
use crate::error::{Error, ErrorKind, Result};

/// What is known of a sign-in.
struct SignInState {
    /// The address that the user opens.
    address: String,
    /// The code to enter there.
    code: Option<String>,
    end: Option<Result<()>>,
}

type SharedSignIn = Arc<Mutex<SignInState>>;

/// The sign-ins of this program.
#[derive(Default)]
pub(super) struct SignIns(Mutex<BTreeMap<String, SharedSignIn>>);

impl SignIns {
    /// Begins the sign-in of a connection. Its tokens are stored where `opnode login` stores them.
    ///
    /// # Errors
    /// `usage` when the system has no sign-in by a person.
    pub(super) async fn begin(&self, session: Arc<Session>) -> Result<Value> {
        let (state, work) = begun(session).await?;
        let id = format!("{:016x}", fastrand::u64(..));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), Arc::clone(&state));
        tokio::spawn(async move {
            let end = work.await;
            lock(&state).end = Some(end);
        });
        Ok(json!({ "login": id }))
    }

    /// The state of a sign-in.
    ///
    /// # Errors
    /// `usage` when there is none of this id.
    pub(super) fn state(&self, id: &str) -> Result<Value> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let unknown = || Error::new(ErrorKind::Usage, format!("there is no sign-in {id}")).advise("begin it again");
        let state = lock(all.get(id).ok_or_else(unknown)?);
        let (name, error) = match &state.end {
            None => ("waiting", None),
            Some(Ok(())) => ("done", None),
            Some(Err(error)) => ("failed", Some(error)),
        };
        Ok(json!({ "state": name, "address": state.address, "code": state.code, "error": error }))
    }
}

type SignInWork = std::pin::Pin<Box<dyn Future<Output = Result<()>> + Send>>;

async fn begun(session: Arc<Session>) -> Result<(SharedSignIn, SignInWork)> {
    let shared = |address: String, code| Arc::new(Mutex::new(SignInState { address, code, end: None }));
    if session.signs_in_on_device() {
        let prompt = session.begin_device_sign_in().await?;
        let address = prompt.address_with_code.clone().unwrap_or_else(|| prompt.address.clone());
        let state = shared(address, Some(prompt.user_code.clone()));
        return Ok((state, Box::pin(async move { device::wait(&session, &prompt).await })));
    }
    let sign_in = BrowserSignIn::begin(&session, 0).await?;
    let state = shared(sign_in.address.clone(), None);
    let work = async move {
        let code = sign_in.code().await?;
        sign_in.end(&session, &code).await
    };
    Ok((state, Box::pin(work)))
}

fn lock(state: &SharedSignIn) -> MutexGuard<'_, SignInState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
