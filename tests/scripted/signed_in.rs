//! A token store with a completed sign-in.

use async_trait::async_trait;
use opnode::{Result, Secret, TokenOwner, TokenSlot, TokenStore, Tokens};

/// Returns the same access token for every account.
pub struct SignedIn {
    access: String,
    owner: Option<TokenOwner>,
}

impl SignedIn {
    pub fn new(access: &str) -> SignedIn {
        SignedIn { access: access.to_owned(), owner: None }
    }
}

#[async_trait]
impl TokenStore for SignedIn {
    async fn open(&self, owner: &TokenOwner) -> Result<Box<dyn TokenSlot>> {
        Ok(Box::new(SignedIn { access: self.access.clone(), owner: Some(owner.clone()) }))
    }
}

#[async_trait]
impl TokenSlot for SignedIn {
    async fn read(&mut self) -> Result<Option<Tokens>> {
        let owner = self.owner.as_ref();
        let (account, seed) = (owner.and_then(|o| o.account.clone()), owner.map(|o| o.seed.clone()));
        Ok(Some(Tokens { access: Secret::new(self.access.clone()), refresh: None, expires_at: None, account, seed }))
    }

    async fn write(&mut self, tokens: &Tokens) -> Result<()> {
        self.access = tokens.access.expose().to_owned();
        Ok(())
    }
}
