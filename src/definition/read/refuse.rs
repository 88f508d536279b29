//! Reports keys without effect, each at its place.

use crate::authoring::Checker;

/// Reports each given key that has no effect.
pub(super) fn refuse(c: &mut Checker<'_>, at: &str, keys: &[(&str, bool, &str)]) {
    for (key, _, message) in keys.iter().filter(|(_, given, _)| *given) {
        c.fault(&format!("{at}/{key}"), *message, None);
    }
}
