//! A call as a value, which every face builds.

mod options;
mod overlay;
mod request;
mod resume;

pub use options::CallOptions;
pub(crate) use overlay::Laid;
#[cfg(feature = "cli")]
pub(crate) use overlay::{Given, lay};
pub use request::Request;
pub use resume::Resume;
