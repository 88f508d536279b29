//! What an import found: what was left out, what is likely, what must be asked. Pure.

/// How certain something is that a description does not say outright.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Grade {
    /// Written without a word.
    Sure,
    /// Written with a comment that says why.
    Likely,
    /// Not written: a question.
    Ask,
}

/// Something that is not in the files, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// Verb and path.
    pub(crate) what: String,
    pub(crate) why: String,
}

impl LeftOut {
    pub(crate) fn new(what: &str, why: impl Into<String>) -> LeftOut {
        LeftOut { what: what.to_owned(), why: why.into() }
    }
}

/// What only a person or the system itself can tell, for all operations of which it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImportQuestion {
    /// Names it in flags and in the lock file, such as `paging` or `sign-in`.
    pub(crate) key: String,
    pub(crate) text: String,
    /// What answers it.
    pub(crate) answer: String,
    /// OperationIds.
    pub(crate) operations: Vec<String>,
}
