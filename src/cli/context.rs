//! What every command starts from: the catalogue, the engine, the screen. Loads nothing before it is asked for.

use std::path::PathBuf;
use std::sync::Arc;

use etcetera::BaseStrategy;

use super::args::GlobalArgs;
use super::screen::Screen;
use crate::auth::{FileStore, TokenStore};
use crate::definition::Catalog;
use crate::engine::{Engine, EngineConfig};
use crate::error::Result;

/// Where the tokens of this user's connections are kept.
fn tokens_file() -> Option<PathBuf> {
    let places = etcetera::choose_base_strategy().ok()?;
    Some(places.state_dir().unwrap_or_else(|| places.data_dir()).join("opnode").join("tokens.json"))
}

/// The global flags, and what follows from them.
pub(crate) struct Context {
    pub(crate) global: GlobalArgs,
    pub(crate) screen: Screen,
}

impl Context {
    pub(crate) fn new(global: GlobalArgs) -> Context {
        Context { screen: Screen::new(&global), global }
    }

    /// The shipped definitions with the folders of the command line over them.
    pub(crate) fn catalog(&self) -> Result<Catalog> {
        let mut catalog = Catalog::builtin();
        // An environment variable that is set to nothing gives one empty path.
        for folder in self.global.definitions.iter().filter(|f| !f.as_os_str().is_empty()) {
            catalog.add_folder(folder)?;
        }
        Ok(catalog)
    }

    /// An engine over the catalogue. The system's proxy settings hold, as people expect of a command line; tokens outlive the process, except those
    /// of a sandbox, which does not itself.
    pub(crate) fn engine(&self, sandbox: bool) -> Result<Engine> {
        let tokens = if sandbox { None } else { tokens_file().map(|path| Arc::new(FileStore::new(path)) as Arc<dyn TokenStore>) };
        Ok(Engine::new(EngineConfig { catalog: self.catalog()?, system_proxy: true, tokens, ..EngineConfig::default() }))
    }

    /// The catalogue, shared.
    pub(crate) fn shared_catalog(&self) -> Result<Arc<Catalog>> {
        self.catalog().map(Arc::new)
    }
}
