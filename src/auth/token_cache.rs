//! Keeps a connection's access token valid: one refresh at a time, shared by all its calls and, through the store, by
//! all processes.
//!
//! A refresh runs in its own task, so that a cancelled caller cannot lose a rotated token.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

use super::device::{self, DevicePoll, DevicePrompt};
use super::grant::Offer;
use super::owner::{self, Begun};
use super::renew::{Live, TokenContext};
use super::renewals::Renewal;
use super::store::{TokenOwner, Tokens};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::lock;
use crate::secret::Secret;

/// A token that is expected to work.
pub(crate) struct Access {
    pub(crate) token: Secret,
    /// Whether it was just renewed: then a refusal is final.
    pub(crate) is_bought: bool,
}

impl From<Live> for Access {
    fn from(live: Live) -> Access {
        Access { token: live.access, is_bought: live.is_bought }
    }
}

#[derive(Default)]
struct CacheState {
    live: Option<Live>,
    /// The last failure and its time, for callers that waited for it.
    failed: Option<(u64, Error)>,
}

/// A connection's tokens.
#[derive(Default)]
pub(crate) struct TokenCache {
    state: Arc<Mutex<CacheState>>,
    epoch: Arc<AtomicU64>,
    /// The origin of the tokens from the host, if the connection has no refresh token.
    given: std::sync::Mutex<Option<String>>,
}

impl TokenCache {
    /// A token that is expected to work; `rejected` is one that the server has just refused.
    pub(crate) async fn access(&self, context: &TokenContext, rejected: Option<&Secret>) -> Result<Access> {
        let entered = self.epoch.load(Ordering::SeqCst);
        let mut state = Arc::clone(&self.state).lock_owned().await;
        let now = context.clock.now();
        let good = |live: &&Live| {
            live.until.is_none_or(|until| until > now) && rejected.is_none_or(|r| r.expose() != live.access.expose())
        };
        if let Some(live) = state.live.as_ref().filter(good) {
            return Ok(live.clone().into());
        }
        if let Some((_, error)) = state.failed.as_ref().filter(|(at, _)| *at > entered) {
            return Err(error.clone());
        }
        let (context, rejected, epoch, owner) =
            (context.clone(), rejected.cloned(), Arc::clone(&self.epoch), self.owner(context));
        let under_way = Renewal::begin();
        let task = tokio::spawn(async move {
            let _under_way = under_way;
            let renewed = context.renew(&owner, rejected.as_ref()).await;
            let at = epoch.fetch_add(1, Ordering::SeqCst) + 1;
            match &renewed {
                Ok(live) => *state = CacheState { live: Some(live.clone()), failed: None },
                Err(error) => *state = CacheState { live: None, failed: Some((at, error.clone())) },
            }
            renewed.map(Access::from)
        });
        task.await.map_err(|e| Error::new(ErrorKind::Internal, format!("the refresh task failed: {e}")))?
    }

    /// The owner of the connection's tokens.
    fn owner(&self, context: &TokenContext) -> TokenOwner {
        let mut owner = owner::of(&context.connection);
        if let Some(seed) = &*lock(&self.given) {
            seed.clone_into(&mut owner.seed);
            owner.is_seeded = true;
        }
        owner
    }

    /// A token that another process has stored, if there is one; does not renew.
    pub(crate) async fn newer(&self, context: &TokenContext, than: &Secret) -> Result<Option<Access>> {
        let mut state = self.state.lock().await;
        let owner = self.owner(context);
        let mut slot = context.store.open(&owner).await?;
        let stored = context.stored(slot.as_mut(), &owner).await?;
        let Some(live) = stored.and_then(|s| context.still_good(&s, Some(than))) else { return Ok(None) };
        state.live = Some(live.clone());
        Ok(Some(live.into()))
    }

    /// Takes tokens from the host, unless this cache has renewed them since.
    pub(crate) async fn adopt(&self, context: &TokenContext, tokens: &Tokens) -> Result<()> {
        let mut state = self.state.lock().await;
        let redactor = &context.connection.redactor;
        std::iter::once(&tokens.access).chain(&tokens.refresh).for_each(|token| redactor.learn(token.expose()));
        match owner::begun_by(&context.connection, tokens)? {
            Begun::Connection => *lock(&self.given) = None,
            Begun::Tokens(seed) => *lock(&self.given) = Some(seed),
            Begun::Another => {
                tracing::warn!(
                    connection = context.connection.name.as_deref(),
                    account = context.connection.account.as_deref(),
                    "the given tokens come from another refresh token than the connection has; they are ignored"
                );
                return Ok(());
            }
        }
        let owner = self.owner(context);
        state.live = None;
        let mut slot = context.store.open(&owner).await?;
        match context.stored(slot.as_mut(), &owner).await? {
            Some(_) => Ok(()),
            None => slot.write(&owner::with(&owner, tokens.clone())).await,
        }
    }

    /// Asks for the codes of a sign-in on another device.
    pub(crate) async fn begin_device(&self, context: &TokenContext) -> Result<DevicePrompt> {
        context.device().await
    }

    /// Exchanges the code of a sign-in for the first tokens.
    pub(crate) async fn redeem(
        &self,
        context: &TokenContext,
        code: &Secret,
        redirect: &str,
        verifier: &Secret,
    ) -> Result<()> {
        [code, verifier].into_iter().for_each(|secret| context.connection.redactor.learn(secret.expose()));
        self.first(context, Offer::Code { code, redirect, verifier }).await
    }

    /// The first tokens of a sign-in.
    async fn first(&self, context: &TokenContext, offer: Offer<'_>) -> Result<()> {
        let mut state = self.state.lock().await;
        let owner = self.owner(context);
        let mut slot = context.store.open(&owner).await?;
        slot.ready().await?;
        let granted = context.buy(offer).await?;
        state.live = Some(context.keep(slot.as_mut(), granted, &owner).await?);
        Ok(())
    }

    /// Asks once for the tokens of a sign-in on another device.
    pub(crate) async fn poll(&self, context: &TokenContext, prompt: &DevicePrompt) -> Result<DevicePoll> {
        match self.first(context, Offer::Device { code: &prompt.device_code }).await {
            Ok(()) => Ok(DevicePoll::SignedIn),
            Err(error) => device::poll(&error).ok_or(error),
        }
    }

    /// Removes the stored tokens of the connection's account; returns whether there were any.
    pub(crate) async fn forget(&self, context: &TokenContext) -> Result<bool> {
        if !context.connection.connector.auth.has_tokens() {
            return Ok(false);
        }
        let mut state = self.state.lock().await;
        let owner = self.owner(context);
        let mut slot = context.store.open(&owner).await?;
        state.live = None;
        if context.stored(slot.as_mut(), &owner).await?.is_none() {
            return Ok(false);
        }
        slot.remove().await?;
        Ok(true)
    }
}
