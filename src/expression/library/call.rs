//! How filters, tests and functions are declared and called.

use std::borrow::Cow;
use std::rc::Rc;

use super::super::access::path_of;
use super::super::number;
use super::super::value::{ExprValue, List, Map, mistyped};
use super::super::work::{EvaluationWork, short, wrong};
use super::super::write::plain;
use crate::error::{Result, did_you_mean};

/// What a name is in an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::expression) enum ToolKind {
    Filter,
    Test,
    Function,
}

impl ToolKind {
    pub(in crate::expression) fn noun(self) -> &'static str {
        match self {
            ToolKind::Filter => "filter",
            ToolKind::Test => "test",
            ToolKind::Function => "function",
        }
    }
}

/// A filter, test or function.
#[derive(Debug)]
pub(in crate::expression) struct Tool {
    pub(in crate::expression) name: &'static str,
    /// Its arguments by name. `?` marks an optional one; `*` takes all further values, `**` all further names.
    pub(in crate::expression) params: &'static [&'static str],
    pub(in crate::expression) run: fn(&ToolCall<'_>) -> Result<ExprValue>,
}

/// The arguments of a call: by their position in `params`, and those without one.
#[derive(Clone, Debug)]
pub(in crate::expression) struct Arguments<T> {
    pub(in crate::expression) slots: Vec<Option<T>>,
    pub(in crate::expression) rest: Vec<T>,
    pub(in crate::expression) named: Vec<(String, T)>,
}

impl<T> Arguments<T> {
    /// All of them.
    pub(in crate::expression) fn all(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().flatten().chain(&self.rest).chain(self.named.iter().map(|(_, value)| value))
    }

    /// The same with other values.
    pub(in crate::expression) fn try_map<U>(&self, make: impl Fn(&T) -> Result<U>) -> Result<Arguments<U>> {
        let slots = self.slots.iter().map(|slot| slot.as_ref().map(&make).transpose()).collect::<Result<_>>()?;
        let rest = self.rest.iter().map(&make).collect::<Result<_>>()?;
        let named = self.named.iter().map(|(name, value)| Ok((name.clone(), make(value)?)));
        Ok(Arguments { slots, rest, named: named.collect::<Result<_>>()? })
    }
}

impl Tool {
    /// Gives each argument its place; the error is a message.
    pub(in crate::expression) fn bind<T>(
        &self,
        values: Vec<T>,
        names: Vec<(String, T)>,
    ) -> Result<Arguments<T>, String> {
        let known: Vec<&str> = self.params.iter().filter(|p| !p.starts_with('*')).copied().collect();
        let mut bound = Arguments { slots: known.iter().map(|_| None).collect(), rest: Vec::new(), named: Vec::new() };
        for (index, value) in values.into_iter().enumerate() {
            match bound.slots.get_mut(index) {
                Some(slot) => *slot = Some(value),
                None if self.params.contains(&"*") => bound.rest.push(value),
                None => return Err(format!("`{}` takes {}", self.name, self.signature())),
            }
        }
        for (name, value) in names {
            let at = known.iter().position(|known| known.trim_end_matches('?') == name);
            match at.and_then(|at| bound.slots.get_mut(at)) {
                Some(Some(_)) => return Err(format!("`{}` has its argument `{name}` twice", self.name)),
                Some(slot) => *slot = Some(value),
                None if self.params.contains(&"**") => bound.named.push((name, value)),
                None => {
                    let hint = did_you_mean(&name, known.iter().map(|known| known.trim_end_matches('?')));
                    let takes = self.signature();
                    return Err(format!("`{}` has no argument `{name}`{hint}; it takes {takes}", self.name));
                }
            }
        }
        let missing = known.iter().zip(&bound.slots).find(|(name, slot)| slot.is_none() && !name.ends_with('?'));
        match missing {
            Some((name, _)) => {
                Err(format!("`{}` needs its argument `{name}`; it takes {}", self.name, self.signature()))
            }
            None => Ok(bound),
        }
    }

    fn signature(&self) -> String {
        let words = self.params.iter().map(|name| match *name {
            "*" => "more values",
            "**" => "more names",
            name => name,
        });
        let words: Vec<&str> = words.collect();
        if words.is_empty() { "no arguments".to_owned() } else { words.join(", ") }
    }
}

/// All tools of one kind, by name.
pub(in crate::expression) type Tools = &'static [Tool];

/// A call: the value before the `|` or `is`, and the arguments.
pub(in crate::expression) struct ToolCall<'c> {
    pub(in crate::expression) name: &'static str,
    pub(in crate::expression) value: &'c ExprValue,
    /// The expression that gave the value.
    pub(in crate::expression) label: &'c str,
    pub(in crate::expression) args: &'c Arguments<ExprValue>,
    pub(in crate::expression) work: &'c Rc<EvaluationWork>,
    /// For filters that apply others to each element.
    pub(in crate::expression) filters: Tools,
    pub(in crate::expression) tests: Tools,
}

impl<'c> ToolCall<'c> {
    fn what(&self) -> String {
        format!("`{}`", self.name)
    }

    pub(super) fn mistyped(&self, needs: &str) -> crate::error::Error {
        mistyped(&self.what(), needs, self.label, self.value)
    }

    /// The value as text.
    pub(super) fn text(&self) -> Result<Cow<'c, str>> {
        match self.value {
            ExprValue::Text(text) => {
                let text = text.as_str();
                self.work.text(text.len())?;
                Ok(text)
            }
            _ => Err(self.mistyped("text")),
        }
    }

    /// A number, boolean or time is also taken as text.
    pub(super) fn as_text(&self) -> Result<Cow<'c, str>> {
        let text = plain(self.value, &self.what(), self.label)?;
        self.work.text(text.len())?;
        Ok(text)
    }

    pub(super) fn number(&self) -> Result<&'c str> {
        match self.value {
            ExprValue::Number(part) => Ok(part.as_str()),
            _ => Err(self.mistyped("a number")),
        }
    }

    pub(super) fn list(&self) -> Result<&'c List> {
        match self.value {
            ExprValue::List(list) => Ok(list),
            _ => Err(self.mistyped("a list")),
        }
    }

    pub(super) fn map(&self) -> Result<&'c Map> {
        match self.value {
            ExprValue::Map(map) => Ok(map),
            _ => Err(self.mistyped("an object")),
        }
    }

    /// An argument by its position.
    pub(super) fn arg(&self, at: usize) -> Option<&'c ExprValue> {
        self.args.slots.get(at)?.as_ref()
    }

    /// An argument that is there, because calls without it do not parse.
    pub(super) fn needed(&self, at: usize) -> &'c ExprValue {
        self.arg(at).unwrap_or(&ExprValue::Absent)
    }

    /// An error for an argument of the wrong type.
    fn wrong_arg<T>(&self, value: &ExprValue, needs: &str) -> Result<T> {
        Err(mistyped(&self.what(), needs, "its argument", value))
    }

    pub(super) fn text_arg(&self, at: usize) -> Result<Option<Cow<'c, str>>> {
        match self.arg(at) {
            None => Ok(None),
            Some(ExprValue::Text(text)) => Ok(Some(text.as_str())),
            Some(other) => self.wrong_arg(other, "text"),
        }
    }

    /// The same with a value if it is not given.
    pub(super) fn text_or(&self, at: usize, default: &'static str) -> Result<Cow<'c, str>> {
        Ok(self.text_arg(at)?.unwrap_or(Cow::Borrowed(default)))
    }

    pub(super) fn number_arg(&self, at: usize) -> Result<&'c str> {
        match self.needed(at) {
            ExprValue::Number(part) => Ok(part.as_str()),
            other => self.wrong_arg(other, "a number"),
        }
    }

    pub(super) fn whole_or(&self, at: usize, default: i64) -> Result<i64> {
        match self.arg(at) {
            None => Ok(default),
            Some(ExprValue::Number(part)) => match number::small(part.as_str()) {
                Some(number) => Ok(number),
                None => self.wrong_arg(&ExprValue::Number(part.clone()), "a whole number"),
            },
            Some(other) => self.wrong_arg(other, "a whole number"),
        }
    }

    /// A number of characters or elements.
    pub(super) fn count_or(&self, at: usize, default: usize) -> Result<usize> {
        let count = self.whole_or(at, i64::try_from(default).unwrap_or(i64::MAX))?;
        usize::try_from(count).map_err(|_| wrong(format!("{} needs a number from 0, not {count}", self.what())))
    }

    pub(super) fn flag(&self, at: usize) -> Result<bool> {
        match self.arg(at) {
            None => Ok(false),
            Some(ExprValue::Bool(flag)) => Ok(*flag),
            Some(other) => self.wrong_arg(other, "true or false"),
        }
    }

    pub(super) fn list_arg(&self, at: usize) -> Result<&'c List> {
        match self.needed(at) {
            ExprValue::List(list) => Ok(list),
            other => self.wrong_arg(other, "a list"),
        }
    }

    pub(super) fn map_arg(&self, at: usize) -> Result<&'c Map> {
        match self.needed(at) {
            ExprValue::Map(map) => Ok(map),
            other => self.wrong_arg(other, "an object"),
        }
    }

    /// The path in an argument, such as `a.b`.
    pub(super) fn path_arg(&self, at: usize) -> Result<Option<Vec<String>>> {
        Ok(match self.arg(at) {
            None => None,
            Some(ExprValue::Number(part)) => Some(vec![part.as_str().to_owned()]),
            Some(_) => self.text_arg(at)?.map(|text| path_of(&text)),
        })
    }

    /// The name of an element in messages.
    pub(super) fn element_label(&self) -> Rc<str> {
        Rc::from(format!("an element of {}", short(self.label)))
    }

    /// A text as the result.
    pub(super) fn made(&self, text: &str) -> Result<ExprValue> {
        self.work.produce(text.len())?;
        Ok(ExprValue::text(text))
    }
}

/// The tool with a name; the error is a message.
pub(in crate::expression) fn find(
    kind: ToolKind,
    tools: Tools,
    name: &str,
) -> Result<&'static Tool, (String, Option<String>)> {
    tools.iter().find(|tool| tool.name == name).ok_or_else(|| {
        let hint = did_you_mean(name, tools.iter().map(|tool| tool.name));
        let names: Vec<&str> = tools.iter().map(|tool| tool.name).collect();
        let advice = hint.is_empty().then(|| format!("{}s are {}", kind.noun(), names.join(", ")));
        (format!("there is no {} `{name}`{hint}", kind.noun()), advice)
    })
}
