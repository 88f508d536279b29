//! The options and limits of the YAML reader, for the library and for the build script of built-in definitions.

/// Maximum number of nodes (keys and values) in one document.
pub const NODES_MAX: usize = 1_000_000;
/// Maximum number of parts after expanding aliases: values, and the start and end of each list and map.
pub const ALIASED_MAX: usize = 100_000;
/// Maximum nesting.
pub const DEPTH_MAX: usize = 48;

pub(super) fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        merge_keys: serde_saphyr::MergeKeyPolicy::Error,
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_depth: DEPTH_MAX,
            max_nodes: NODES_MAX,
            // A node gives at most two events, and the reported limit is that of the nodes.
            max_events: 3 * NODES_MAX,
            max_documents: 1,
            // The limit below bounds aliases, whatever the number of anchors.
            max_aliases: NODES_MAX,
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: ALIASED_MAX,
        },
    }
}
