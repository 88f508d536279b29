//! Asks on a terminal what a document leaves open. Enter leaves a question open.

use crate::cli::app::App;
use crate::cli::args::{ImportAnswers, PatchForm};
use crate::cli::call::ask;
use crate::cli::screen::terminal_text::{count, one_line};
use crate::error::Result;
use crate::import::{ImportQuestion, Imported};

/// Questions that have one short answer, with what may be answered.
const SHORT: [(&str, &str); 3] = [
    ("page-start", "0 or 1"),
    ("patch", "names or pointers"),
    ("paging", "a style as in a definition, such as { link: {} }"),
];

/// Asks each such question once: the answer is for all lists that it fits. Returns whether something was answered.
pub(super) fn ask_on_terminal(
    app: &App,
    imported: &Imported,
    answers: &mut ImportAnswers,
    is_valid: &dyn Fn(&ImportAnswers) -> Result<()>,
) -> Result<bool> {
    if !ask::is_possible(app.screen) {
        return Ok(false);
    }
    let mut is_answered = false;
    for (key, choices) in SHORT {
        let Some(question) = imported.questions.iter().find(|question| question.key == key) else { continue };
        loop {
            let answer = ask::line(&prompt(question, choices))?;
            let answer = answer.trim();
            if answer.is_empty() {
                break;
            }
            let mut next = answers.clone();
            let is_word = match key {
                "page-start" => {
                    next.page_start = answer.parse().ok().filter(|start| *start <= 1);
                    next.page_start.is_some()
                }
                "patch" => {
                    next.patch = match answer {
                        "names" => Some(PatchForm::Names),
                        "pointers" => Some(PatchForm::Pointers),
                        _ => None,
                    };
                    next.patch.is_some()
                }
                _ => {
                    next.paging = Some(answer.to_owned());
                    true
                }
            };
            let fault = if is_word {
                is_valid(&next).err().map(|error| error.message.clone())
            } else {
                Some(choices.to_owned())
            };
            match fault {
                Some(fault) => app.screen.line(&format!("  {fault}")),
                None => {
                    *answers = next;
                    is_answered = true;
                    break;
                }
            }
        }
    }
    Ok(is_answered)
}

fn prompt(question: &ImportQuestion, choices: &str) -> String {
    let operations = count(question.operations.len() as u64, "operation");
    format!("{} ({operations})\n  {choices}; Enter leaves it open: ", one_line(&question.text))
}
