//! Every paging style in the same set of situations, with and without concurrent pages.

use opnode::{CallOptions, ErrorKind, StopReason};
use serde_json::json;

use crate::styles::{STYLES, Situation, Style, complete, each, pages, stuck, walk};

#[test]
fn all_pages_in_order() {
    for sizes in [&[3, 3, 1][..], &[3, 3, 3], &[2], &[]] {
        let situation = Situation { pages: pages(sizes), ..Situation::default() };
        each(&situation, |_| true, |_, found| complete(found, sizes.iter().sum()));
    }
}

#[test]
fn an_empty_page_is_skipped_if_the_server_names_the_next() {
    let situation = Situation { pages: pages(&[3, 0, 3, 1]), ..Situation::default() };
    each(&situation, Style::names_next, |_, found| complete(found, 7));
}

#[test]
fn many_empty_pages_end_with_an_error() {
    let situation = Situation { pages: pages(&[3, 0, 0, 0, 0, 0, 2]), ..Situation::default() };
    each(&situation, |s| s.names_next() && !s.counts_pages(), |_, found| stuck(found));
}

#[test]
fn a_known_number_of_pages_bounds_the_walk() {
    let situation = Situation { pages: pages(&[3, 0, 0, 0, 0, 0, 2]), ..Situation::default() };
    each(&situation, Style::counts_pages, |_, found| complete(found, 5));
}

#[test]
fn a_repeated_cursor_is_an_error_at_the_first_repeat() {
    let situation = Situation { pages: pages(&[3, 3, 3]), wrong_next: Some((2, 2)), ..Situation::default() };
    each(&situation, Style::free_next, |_, found| {
        stuck(found);
        assert_eq!(found.ids, [1, 2, 3, 4, 5, 6], "what came before is kept");
    });
}

#[test]
fn a_cycle_is_an_error() {
    let situation = Situation { pages: pages(&[3, 3, 3]), wrong_next: Some((2, 1)), ..Situation::default() };
    each(
        &situation,
        |s| s.free_next() && !s.by_url() && s.name != "number_next",
        |_, found| {
            // The first page was requested without a cursor, so its cursor is new once; its content reveals the cycle.
            assert_eq!(found.failure.map(|f| f.0), Some(ErrorKind::NoProgress), "{found:?}");
        },
    );
    each(&situation, |s| s.by_url() || s.name == "number_next", |_, found| stuck(found));
}

#[test]
fn a_server_that_ignores_the_cursor_is_an_error() {
    let situation = Situation { pages: pages(&[3, 3]), deaf: true, total: Some(json!(100)), ..Situation::default() };
    each(
        &situation,
        |_| true,
        |_, found| {
            stuck(found);
            assert_eq!(found.ids, [1, 2, 3]);
        },
    );
}

#[test]
fn a_cursor_on_the_last_page_leads_to_the_end() {
    let situation = Situation { pages: pages(&[3, 3, 1]), wrong_next: Some((3, 4)), ..Situation::default() };
    each(&situation, Style::free_next, |_, found| complete(found, 7));
}

#[test]
fn a_short_page_in_the_middle_is_not_the_end() {
    let situation = Situation { pages: pages(&[3, 1, 3, 2]), ..Situation::default() };
    each(&situation, |s| !s.by_offset(), |_, found| complete(found, 9));
}

/// After a full page an offset advances by the page size. If the server then returns fewer rows, rows are lost, and the
/// total shows it.
#[test]
fn a_short_page_after_a_full_one_advances_the_offset_by_the_size() {
    let situation = Situation { pages: pages(&[3, 1, 3, 2]), ..Situation::default() };
    each(
        &situation,
        |s| s.name == "offset_total",
        |_, found| {
            assert!(found.ids.windows(2).all(|w| w[0] < w[1]), "{found:?}");
            assert!(!found.receipt.complete && !found.receipt.notes.is_empty(), "{found:?}");
        },
    );
}

#[test]
fn a_server_may_lower_the_page_size() {
    let situation = Situation { pages: pages(&[2, 2, 2, 1]), ..Situation::default() };
    each(&situation, |_| true, |_, found| complete(found, 7));
}

#[test]
fn a_wrong_total_loses_nothing() {
    for total in [json!(3), json!(-1), json!("many"), json!(null), json!("7"), json!(7.0)] {
        let situation = Situation { pages: pages(&[3, 3, 1]), total: Some(total), ..Situation::default() };
        each(&situation, |s| s.name.ends_with("total"), |_, found| complete(found, 7));
    }
}

#[test]
fn a_walk_that_ends_below_the_total_is_not_complete() {
    let situation = Situation { pages: pages(&[3, 3, 1]), total: Some(json!(100)), ..Situation::default() };
    each(
        &situation,
        |s| s.name.ends_with("total"),
        |_, found| {
            assert_eq!((found.ids.len(), found.failure), (7, None));
            assert!(!found.receipt.complete, "{found:?}");
            assert_eq!(found.receipt.notes, ["the server announced 100 items but delivered 7"]);
        },
    );
}

#[test]
fn a_next_link_to_another_origin_is_not_followed() {
    for prefix in [
        "https://evil.example.com/things",
        "https://acme.example.com:8443/things",
        "//evil.example.com/things",
        "https://user:pw@acme.example.com/things",
        "file:///etc/passwd",
    ] {
        let situation = Situation { pages: pages(&[3, 3]), prefix: Some(prefix), ..Situation::default() };
        each(&situation, Style::by_url, |_, found| {
            assert_eq!(found.failure, Some((ErrorKind::Origin, Some(2))), "{prefix}: {found:?}");
            assert_eq!(found.ids, [1, 2, 3], "what came before is kept");
            assert!(found.log.iter().all(|url| url.starts_with("https://acme.example.com/")), "{found:?}");
        });
    }
}

#[test]
fn a_relative_next_link_is_resolved() {
    // The last is the own host with another scheme: the own origin is used.
    for prefix in [
        "/things",
        "things",
        "",
        "//acme.example.com/things",
        "https://ACME.example.com:443/things",
        "http://acme.example.com/things",
    ] {
        let situation = Situation { pages: pages(&[3, 3, 1]), prefix: Some(prefix), ..Situation::default() };
        each(&situation, Style::by_url, |_, found| complete(found, 7));
    }
}

#[test]
fn an_error_on_a_page_keeps_the_pages_before_it() {
    let situation =
        Situation { pages: pages(&[3, 3, 1]), failing: Some((2, vec![500, 500, 500])), ..Situation::default() };
    each(
        &situation,
        |_| true,
        |_, found| {
            assert_eq!(found.failure, Some((ErrorKind::Unavailable, Some(2))));
            assert_eq!(found.ids, [1, 2, 3]);
            assert_eq!(found.receipt.stop, Some(StopReason::Failed));
        },
    );
}

#[test]
fn a_429_on_a_page_is_retried_after_its_wait() {
    let situation = Situation { pages: pages(&[3, 3, 1]), failing: Some((2, vec![429])), ..Situation::default() };
    each(
        &situation,
        |_| true,
        |_, found| {
            complete(found, 7);
            assert_eq!(found.receipt.retries, 1);
        },
    );
}

#[test]
fn an_item_limit_stops_early_with_a_stop_reason() {
    let situation = Situation { pages: pages(&[3, 3, 3, 3]), ..Situation::default() };
    for style in &STYLES {
        for (limit, ids) in [(0, 0), (2, 2), (3, 3), (5, 5), (12, 12), (50, 12)] {
            let found = walk(style, &situation, 8, &CallOptions { items_max: Some(limit), ..CallOptions::default() });
            assert_eq!(found.ids, (1..=ids).collect::<Vec<u64>>(), "{} {limit}: {found:?}", style.name);
            assert_eq!(
                found.receipt.complete,
                limit > 12 || (limit == 12 && found.receipt.stop != Some(StopReason::ItemLimit)),
                "{} {limit}: {found:?}",
                style.name
            );
        }
    }
}
