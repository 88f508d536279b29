//! Advice for the command line: the command or flag to use.

use crate::error::{Advice, Error};

/// The error with the words of the command line in all advice.
pub(crate) fn worded(error: &Error) -> Error {
    error.clone().with(|details| {
        let own = details.advice.iter_mut();
        for advice in own.chain(details.faults.iter_mut().filter_map(|fault| fault.advice.as_mut())) {
            *advice = advice.worded(&words).into();
        }
    })
}

/// The command or flag, if the command line has one.
pub(crate) fn words(advice: &Advice) -> Option<String> {
    Some(match advice {
        Advice::Text(_) | Advice::All(_) => return None,
        Advice::ListConnectors => "`opnode connectors` lists them".to_owned(),
        Advice::ListOperations(Some(connector)) => format!("`opnode operations --connector {connector}` lists them"),
        Advice::ListOperations(None) => "`opnode operations --search TEXT` finds operations".to_owned(),
        Advice::ListTemplates => "`opnode templates --search TEXT` finds templates".to_owned(),
        Advice::DescribeOperation(id) => format!("`opnode describe {id}` shows its options, items and fields"),
        Advice::ListConnections => "`opnode connection list` shows them".to_owned(),
        Advice::NameConnection(names) => format!("name one with --connection: {}", names.join(", ")),
        Advice::WriteConnection(None) => "`opnode connection example CONNECTOR` prints one to fill in".to_owned(),
        Advice::WriteConnection(Some(connector)) => {
            format!("add one to the connections file; `opnode connection example {connector}` prints one")
        }
        Advice::ShowFormat(Some(format)) => format!("`opnode schema {format}` shows the format"),
        Advice::ShowFormat(None) => "`opnode schema NAME` shows each format".to_owned(),
        Advice::CheckFile(_) => "`opnode check` shows its faults".to_owned(),
        Advice::SignIn(connection) => {
            format!("sign in with `opnode login {}`", connection.as_deref().unwrap_or("CONNECTION"))
        }
        Advice::WriteBatch => "`opnode init` writes one to start from".to_owned(),
        Advice::KnownVariables => "--var sets only names listed under `vars`".to_owned(),
        Advice::GiveInput(name) => format!("give it with --input {name}=VALUE; `opnode run FILE --help` shows the inputs"),
        Advice::NameColumns => "name all columns with --columns".to_owned(),
        Advice::RestoreOrStartOver => {
            "restore the file, or start over with --fresh, which archives the old run: first check what the run has written".to_owned()
        }
        Advice::AcceptChangesOrStartOver => {
            "--accept-changes resumes with the changed files; --fresh starts over and archives the old run".to_owned()
        }
        Advice::OtherStateFolder => "choose another folder with --state".to_owned(),
        Advice::FinishWithEarlierVersion => {
            "finish it with the opnode version that started it, or start over with --fresh, which archives it and sends its items again".to_owned()
        }
        Advice::ResumeWithNewerVersion => "resume with the newer opnode, or start over with --fresh".to_owned(),
        Advice::CheckUnknown => {
            "check the records in the remote system first; `opnode items list` shows the items, `opnode items settle` or `resend` handles them. A new run sends all items again".to_owned()
        }
        Advice::RetryFailed => "run it again to send only these items again; `opnode items list` shows them".to_owned(),
        Advice::ListItems => "`opnode items list` shows the items that need a decision".to_owned(),
        Advice::RunWithoutRetry => "run the batch without --retry-failed".to_owned(),
    })
}
