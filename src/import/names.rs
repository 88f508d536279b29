//! Names of operations, records, options and files: the document's own where they can be kept, else made by rule. Pure.

use sha2::{Digest, Sha256};

use crate::draft::{capitalized, words};
use crate::secret::hex;

/// A name that is a plain key of YAML and a name of a definition: other signs become hyphens. `None` if nothing is left.
pub(crate) fn plain_name(raw: &str) -> Option<String> {
    let mut out = String::new();
    for c in raw.chars() {
        if c.is_ascii_alphanumeric() || "_.$@".contains(c) || (c == '-' && !out.is_empty()) {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    let name = out.trim_matches(['-', '.']).to_owned();
    if name.len() > NAME_MAX {
        return Some(shortened(&name));
    }
    name.chars().any(char::is_alphanumeric).then_some(name)
}

/// Longer names are shortened: no person writes them, and YAML has no keys of more than 1,024 characters.
const NAME_MAX: usize = 200;

/// The beginning of a name, and digits that tell it from others.
fn shortened(name: &str) -> String {
    let start: String = name.chars().filter(char::is_ascii).take(NAME_MAX - 8).collect();
    format!("{start}-{}", short_hash(name))
}

/// The digest of a text.
pub(crate) fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()), 32)
}

/// Six digits that tell a name from others.
pub(crate) fn short_hash(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()), 3)
}

/// The OperationId by verb and path: `GET /users/{id}/keys` as `getUsersByIdKeys`.
pub(crate) fn id_of(verb: &str, path: &str) -> String {
    let mut out = verb.to_ascii_lowercase();
    for segment in path.split('/') {
        for (index, part) in segment.split(['{', '}']).enumerate() {
            let by = if index % 2 == 1 && !part.is_empty() { "By" } else { "" };
            let name: String = words(part).iter().map(|word| capitalized(word)).collect();
            out.push_str(by);
            out.extend(name.chars().filter(char::is_ascii_alphanumeric));
        }
    }
    if out.len() > NAME_MAX { shortened(&out) } else { out }
}

/// A name in Pascal case.
pub(crate) fn pascal(name: &str) -> String {
    let name: String = words(name).iter().map(|word| capitalized(word)).collect();
    if name.len() > NAME_MAX { shortened(&name).replace('-', "") } else { name }
}

/// The words of a path, each verb and parameter apart, for names that must differ.
pub(crate) fn long_id(verb: &str, path: &str) -> String {
    let name = plain_name(&format!("{}-{}", verb.to_ascii_lowercase(), path.replace(['{', '}'], "_")));
    name.unwrap_or_else(|| short_hash(path))
}

#[cfg(test)]
mod tests {
    use super::{id_of, long_id, plain_name};

    #[test]
    fn names_are_made_by_rule() {
        assert_eq!(id_of("GET", "/users/{user_id}/api-keys"), "getUsersByUserIdApiKeys");
        assert_eq!(long_id("GET", "/a/{b}/"), "get-a-_b_");
        assert_eq!(plain_name("repos/list-for-org").as_deref(), Some("repos-list-for-org"));
        assert_eq!(plain_name("List«Foo»").as_deref(), Some("List-Foo"));
        assert_eq!(plain_name("«»"), None);
    }
}
