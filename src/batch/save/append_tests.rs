//! Tests of additions.
