//! The keys of a list's records, remembered from earlier records. Pure.

use wide::u8x32;

/// Maximum number of remembered keys, and bytes of one.
pub(super) const KEYS_MAX: usize = 256;
pub(super) const KEY_MAX: usize = 64;

/// Number of keys on each side that are compared with the current one.
const REACH: usize = 32;

/// Maximum number of failed searches, one regained per element: a list with other keys in every element is soon read
/// without this cache.
pub(super) const TRIES_MAX: u32 = 16;

/// A key that was read: from the comma or brace before it to its value, including white space. If these bytes occur
/// again, they are valid again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownKey {
    bytes: [u8x32; 2],
    pub(crate) length: usize,
    /// A bit for each of the first 32 bytes that does not belong to the key.
    beyond: u32,
    /// Its depth in the element, and the start of its name: to find it quickly.
    depth: usize,
    tag: u64,
}

impl KnownKey {
    pub(crate) fn new(text: &[u8], depth: usize, tag: u64) -> Option<KnownKey> {
        let mut bytes = [0; KEY_MAX];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        let part =
            |from: usize| bytes.get(from..).and_then(|part| part.first_chunk::<32>()).map(|part| u8x32::new(*part));
        let beyond = u32::MAX.checked_shl(text.len() as u32).unwrap_or(0);
        Some(KnownKey { bytes: [part(0)?, part(32)?], length: text.len(), beyond, depth, tag })
    }

    /// Whether a text starts with it. False near the end of the text.
    #[inline(always)]
    pub(crate) fn begins(&self, text: &[u8]) -> bool {
        let Some(part) = text.first_chunk::<32>() else { return false };
        if u8x32::new(*part).simd_eq(self.bytes[0]).to_bitmask() | self.beyond != u32::MAX {
            return false;
        }
        if self.length <= 32 {
            return true;
        }
        let Some(part) = text.get(32..).and_then(|text| text.first_chunk::<32>()) else { return false };
        let same = u8x32::new(*part).simd_eq(self.bytes[1]).to_bitmask();
        same.trailing_ones() as usize + 32 >= self.length
    }
}

/// The keys of earlier elements, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownKeys {
    pub(crate) all: Vec<KnownKey>,
    /// The expected next key; `OFF` if the cache is not used.
    pub(crate) next: usize,
    /// Remaining failed searches, once no more keys are remembered.
    pub(crate) tries: u32,
    /// Whether there was an element: a single value is not worth remembering.
    pub(crate) many: bool,
}

impl KnownKeys {
    pub(super) const OFF: usize = usize::MAX;

    /// The key of the same object that a text starts with, and its length.
    pub(crate) fn find(&self, text: &[u8], depth: usize, tag: u64) -> Option<(usize, usize)> {
        let (before, ahead) = self.all.split_at_checked(self.next)?;
        let found = KnownKeys::nearest(ahead.iter(), text, depth, tag).map(|(i, length)| (self.next + i, length));
        found.or_else(|| {
            KnownKeys::nearest(before.iter().rev(), text, depth, tag).map(|(i, length)| (self.next - 1 - i, length))
        })
    }

    #[inline(always)]
    fn nearest<'k>(
        keys: impl Iterator<Item = &'k KnownKey>,
        text: &[u8],
        depth: usize,
        tag: u64,
    ) -> Option<(usize, usize)> {
        for (i, key) in keys.take(REACH).enumerate() {
            if key.depth < depth {
                break;
            }
            if key.tag == tag && key.depth == depth && key.begins(text) {
                return Some((i, key.length));
            }
        }
        None
    }
}
