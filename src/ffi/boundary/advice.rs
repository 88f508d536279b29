//! Advice for C hosts: the function to call.

use crate::error::Advice;

/// The function to call, if there is one.
pub(super) fn words(advice: &Advice) -> Option<String> {
    Some(match advice {
        Advice::ListConnectors => "opnode_describe_connectors lists them".to_owned(),
        Advice::ListOperations(_) => "opnode_describe_templates with \"operations\": true lists them".to_owned(),
        Advice::ListTemplates => "opnode_describe_templates lists them".to_owned(),
        Advice::DescribeOperation(id) => {
            format!("opnode_describe_template shows the options, items and fields of {id}")
        }
        _ => return None,
    })
}
