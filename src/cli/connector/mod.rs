//! The commands `connector new` and `connector from-curl`: connectors of the user's own.

mod from_curl;
mod new;
mod written;

pub(crate) use from_curl::run as from_curl;
pub(crate) use new::run as new;
pub(crate) use written::check_form;
