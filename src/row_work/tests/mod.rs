//! Tests of the operations on rows.
