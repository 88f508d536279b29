//! A call as a value: what every face builds and hands over.

mod options;
mod overlay;
mod request;
mod resume;

pub use options::CallOptions;
pub use overlay::{CallerValues, ResolvedCall, resolve};
pub use request::Request;
pub use resume::Resume;
