//! A remote system's error. Plain data.

use serde::Serialize;

/// One field error of the remote system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProviderDetail {
    /// The provider's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The provider's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The field's name at the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// The remote system's own error (credentials masked, length capped).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Provider {
    /// Its error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Its message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Its id of the request, for a support case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Errors by field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<ProviderDetail>,
    /// The start of a body that is not in the provider's error format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
}

impl Provider {
    pub(super) fn is_empty(&self) -> bool {
        *self == Provider::default()
    }
}
