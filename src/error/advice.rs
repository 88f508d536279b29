//! What to do next, as a value: each face puts it into its own words. Pure data.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};

/// What to do about a failure.
///
/// Most advice has the same text for everybody ([`Advice::Text`]). The rest names something that each face offers
/// differently: the command line has a command or a flag for it, the C interface a function or a key.
/// [`Display`](fmt::Display) gives neutral words.
///
/// ```
/// use opnode::error::Advice;
///
/// let advice = Advice::DescribeOperation("getTickets".into()).and("set `conditions`");
/// let own = |advice: &Advice| match advice {
///     Advice::DescribeOperation(id) => Some(format!("open the page of {id}")),
///     _ => None,
/// };
/// assert_eq!(advice.worded(&own), "open the page of getTickets\nset `conditions`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advice {
    /// The same text for every reader.
    Text(Cow<'static, str>),
    /// Several things, in order.
    All(Vec<Advice>),
    /// List the connectors.
    ListConnectors,
    /// List the operations, of one connector or all.
    ListOperations(Option<String>),
    /// List the templates.
    ListTemplates,
    /// See an operation's options, items and fields.
    DescribeOperation(String),
    /// List the connections.
    ListConnections,
    /// Name one of these connections, each as `name (connector)`.
    NameConnection(Vec<String>),
    /// Add a connection; with the connector if it is known.
    WriteConnection(Option<String>),
    /// See the format of a definition file, by its name.
    ShowFormat(Option<&'static str>),
    /// Check a definition file.
    CheckFile(String),
    /// Sign in to a connection, by its name.
    SignIn(Option<String>),
    /// Write a first batch file.
    WriteBatch,
    /// Set only variables that the batch has.
    KnownVariables,
    /// Give a value to an input of the batch, by its name.
    GiveInput(String),
    /// Name all columns.
    NameColumns,
    /// Restore a file of a run, or start over and archive the run.
    RestoreOrStartOver,
    /// Accept the changes, or start over and archive the run.
    AcceptChangesOrStartOver,
    /// Use another folder for the state of runs.
    OtherStateFolder,
    /// Finish a run with the opnode version that started it, or start over.
    FinishWithEarlierVersion,
    /// Resume with the newer opnode version that started the run, or start over.
    ResumeWithNewerVersion,
    /// Send the failed items again: run the batch again.
    RetryFailed,
    /// Find out what became of items whose outcome is unknown.
    CheckUnknown,
    /// List the items that failed or are in doubt.
    ListItems,
    /// Run without retrying failed items.
    RunWithoutRetry,
}

impl Advice {
    /// This advice and more.
    #[must_use]
    pub fn and(self, more: impl Into<Advice>) -> Advice {
        match (self, more.into()) {
            (Advice::All(mut all), more) => {
                all.push(more);
                Advice::All(all)
            }
            (one, more) => Advice::All(vec![one, more]),
        }
    }

    /// Its text; `own` gives a face's own words, or `None` for the neutral ones.
    #[must_use]
    pub fn worded(&self, own: &dyn Fn(&Advice) -> Option<String>) -> String {
        match self {
            Advice::All(all) => all.iter().map(|advice| advice.worded(own)).collect::<Vec<_>>().join("\n"),
            one => own(one).unwrap_or_else(|| one.to_string()),
        }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Advice::Text(text) => text,
            Advice::All(_) => return f.write_str(&self.worded(&|_| None)),
            Advice::ListConnectors => "see the list of connectors",
            Advice::ListOperations(Some(connector)) => {
                return write!(f, "see the list of operations of {connector}");
            }
            Advice::ListOperations(None) => "see the list of operations",
            Advice::ListTemplates => "see the list of templates",
            Advice::DescribeOperation(id) => {
                return write!(f, "see the description of {id}: its options, items and fields");
            }
            Advice::ListConnections => "see the connections file",
            Advice::NameConnection(names) => return write!(f, "name one of the connections: {}", names.join(", ")),
            Advice::WriteConnection(Some(connector)) => return write!(f, "add a connection to {connector}"),
            Advice::WriteConnection(None) => "write a connections file",
            Advice::ShowFormat(Some(format)) => return write!(f, "see the format in {format}.schema.json"),
            Advice::ShowFormat(None) => "see the formats in the JSON Schemas",
            Advice::CheckFile(file) => return write!(f, "correct {file}"),
            Advice::SignIn(Some(connection)) => return write!(f, "sign in to {connection}"),
            Advice::SignIn(None) => "sign in",
            Advice::WriteBatch => "write the batch file first",
            Advice::KnownVariables => "set only names listed under `vars`",
            Advice::GiveInput(name) => return write!(f, "give a value for {name}"),
            Advice::NameColumns => "name all columns",
            Advice::RestoreOrStartOver => {
                "restore the file, or start over, which archives the old run: first check what the run has written"
            }
            Advice::AcceptChangesOrStartOver => "accept the changes, or start over, which archives the old run",
            Advice::OtherStateFolder => "choose another folder for the state",
            Advice::FinishWithEarlierVersion => {
                "finish it with the opnode version that started it, or start over, which archives it and sends its items again"
            }
            Advice::ResumeWithNewerVersion => "resume with the newer opnode, or start over",
            Advice::CheckUnknown => {
                "check the records in the remote system first, then settle the items or send them again; a new run sends all items again"
            }
            Advice::RetryFailed => "run it again: only the failed items are sent again",
            Advice::ListItems => "list the items that failed or are in doubt, and settle each",
            Advice::RunWithoutRetry => "run the batch without retrying",
        };
        f.write_str(text)
    }
}

impl From<&'static str> for Advice {
    fn from(text: &'static str) -> Advice {
        Advice::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Advice {
    fn from(text: String) -> Advice {
        Advice::Text(Cow::Owned(text))
    }
}

impl Serialize for Advice {
    /// As text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
