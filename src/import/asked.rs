//! What is asked, and answers that nothing fits. Pure.

use super::api::{Api, ApiOperation};
use super::found::{PagingFound, PagingWord};
use super::operation::{OperationDraft, raw_id};
use super::report::{Grade, ImportQuestion};
use super::settings::ImportSettings;
use super::value::Doc;

/// The questions, each for all operations of which it is asked.
pub(super) fn questions(drafts: &[OperationDraft]) -> Vec<ImportQuestion> {
    let mut found: Vec<ImportQuestion> = Vec::new();
    for draft in drafts {
        for (key, text) in &draft.questions {
            match found.iter_mut().find(|question| question.key == *key && question.text == *text) {
                Some(question) => question.operations.push(draft.id.clone()),
                None => found.push(ImportQuestion {
                    key: (*key).to_owned(),
                    text: text.clone(),
                    answer: answer(key).to_owned(),
                    operations: vec![draft.id.clone()],
                }),
            }
        }
    }
    found.sort_by_key(|question| std::cmp::Reverse(question.operations.len()));
    found
}

fn answer(key: &str) -> &'static str {
    match key {
        "page-start" => "--page-start 0 or --page-start 1",
        "paging" => "--paging YAML, or `paging` in overrides.yaml",
        "items" => "`response: { result: list, items: POINTER }` in overrides.yaml",
        "patch" => "--patch names or --patch pointers",
        _ => "overrides.yaml",
    }
}

/// Answers that nothing fits.
pub(super) fn idle_answers(api: &Api<'_>, settings: &ImportSettings, drafts: &[OperationDraft]) -> Vec<String> {
    let mut idle = Vec::new();
    let is_said = |draft: &OperationDraft| {
        draft.paging.as_ref().is_some_and(
            |found| matches!(&found.style, PagingWord::Style(style) if Some(style) == settings.paging.as_ref()),
        )
    };
    if settings.paging.is_some() && !drafts.iter().any(is_said) {
        idle.push("--paging fits no list: none takes all of its parameters".to_owned());
    }
    for only in &settings.only {
        let one = ImportSettings { only: vec![only.clone()], ..ImportSettings::default() };
        if !api.operations.iter().any(|operation| is_wanted(operation, &one)) {
            idle.push(format!(
                "--only {only} fits no operation: it is a tag, an OperationId or the beginning of a path"
            ));
        }
    }
    idle
}

/// The introduction speaks of pages, and no operation shows how: none of its lists is known to be whole.
pub(super) fn ask_if_none_is_paged(drafts: &mut [OperationDraft]) {
    let style = |draft: &OperationDraft| draft.paging.as_ref().map(|found| found.style.clone());
    if drafts.iter().any(|draft| matches!(style(draft), Some(PagingWord::Style(_)))) {
        return;
    }
    for draft in drafts.iter_mut().filter(|draft| style(draft) == Some(PagingWord::None)) {
        let text = "the introduction of the document speaks of pages, but no parameter asks for one".to_owned();
        draft.questions.push(("paging", text));
        draft.paging = Some(PagingFound::new(PagingWord::Unknown, Grade::Ask, ""));
    }
}

/// Whether an operation is asked for: by a tag, its id, or the beginning of its path.
pub(super) fn is_wanted(operation: &ApiOperation<'_>, settings: &ImportSettings) -> bool {
    let tags = operation.spot.doc.get("tags").map(Doc::list).unwrap_or_default();
    let raw = raw_id(operation);
    settings.only.is_empty()
        || settings.only.iter().any(|wanted| {
            raw.as_ref() == Some(wanted)
                || (wanted.starts_with('/') && operation.path.starts_with(wanted.as_str()))
                || tags.iter().any(|tag| tag.text().is_some_and(|tag| tag.eq_ignore_ascii_case(wanted)))
        })
}
