//! Advice in the words of the command line: the command or the flag to type.

use crate::error::Advice;

/// What to type, where there is something to type.
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
        Advice::WriteConnection(None) => "`opnode connection example` prints one to fill in".to_owned(),
        Advice::WriteConnection(Some(connector)) => {
            format!("add one to the connections; `opnode connection example {connector}` prints one")
        }
        Advice::ShowFormat(Some(format)) => format!("`opnode schema {format}` shows the format"),
        Advice::ShowFormat(None) => "`opnode schema NAME` shows each format".to_owned(),
        Advice::CheckFile(_) => "`opnode check` shows what is wrong with it".to_owned(),
        Advice::SignIn(connection) => {
            format!("sign in with `opnode login {}`", connection.as_deref().unwrap_or("CONNECTION"))
        }
        Advice::WriteBatch => "`opnode init` writes one to begin with".to_owned(),
        Advice::KnownVariables => "--var gives values to the names under `vars`".to_owned(),
        Advice::NameColumns => "name all wanted columns with --columns".to_owned(),
        Advice::RestoreOrStartOver => {
            "put back the file as it was, or start over with --fresh, which keeps the old run aside: look at what the run has written before you write it again".to_owned()
        }
        Advice::AcceptChangesOrStartOver => {
            "--accept-changes goes on with what is there now; --fresh starts over and keeps the old run aside".to_owned()
        }
        Advice::OtherStateFolder => "choose another place with --state".to_owned(),
        Advice::FinishWithEarlierVersion => {
            "finish it with the opnode that began it, or start over with --fresh, which keeps it aside: that sends again what it has sent".to_owned()
        }
        Advice::ResumeWithNewerVersion => "go on with the newer opnode, or start over with --fresh".to_owned(),
        Advice::RetryFailed => "--retry-failed sends exactly these again".to_owned(),
        Advice::RunWithoutRetry => "run the batch without --retry-failed".to_owned(),
    })
}
