//! What every command starts from: the catalogue, the engine, the screen. Loads nothing before it is asked for.

use std::sync::Arc;

use super::args::GlobalArgs;
use super::screen::Screen;
use crate::definition::Catalog;
use crate::engine::{Engine, EngineConfig};
use crate::error::Result;

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

    /// An engine over the catalogue. The system's proxy settings hold, as people expect of a command line.
    pub(crate) fn engine(&self) -> Result<Engine> {
        Ok(Engine::new(EngineConfig { catalog: self.catalog()?, system_proxy: true, ..EngineConfig::default() }))
    }

    /// The catalogue, shared.
    pub(crate) fn shared_catalog(&self) -> Result<Arc<Catalog>> {
        self.catalog().map(Arc::new)
    }
}
