//! Places of requests that carry credentials. Pure.

use crate::authoring::Checker;
use crate::definition::auth::Auth;
use crate::definition::login::Csrf;
use crate::definition::placed::RequestPlace;

/// A value must not be sent in the place of a credential.
pub(super) fn check_place(c: &mut Checker<'_>, at: &str, place: &RequestPlace, auth: &Auth, csrf: Option<&Csrf>) {
    if auth.places().contains(place) {
        c.fault(at, format!("{place} carries the credentials of `auth`, so it cannot be set"), None);
    } else if csrf.is_some_and(|csrf| csrf.send.place == *place) {
        c.fault(at, format!("{place} carries the token of `csrf`, so it cannot be set"), None);
    }
}
