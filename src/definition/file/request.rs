//! Mirrors of what requests have in common: `fixed`, `body` and `rules`, as written.

use super::method::MethodFile;
use crate::authoring::values::{PointersFile, ScalarFile, SourceFile, even_null, mirrors};
use crate::authoring::{Json, Ordered};

/// The format of the body: a name, or a map with its settings
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum BodyFile {
    /// Its name
    Name(BodyNameFile),
    /// A format with settings
    Settings(BodySettingsFile),
}

/// A status such as 404, or a class such as `4xx`; or a list of them
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum StatusesFile {
    /// One status or class
    One(ScalarFile),
    /// Any of them
    Several(Vec<ScalarFile>),
}

mirrors! {
    /// Constants of each request. Texts may contain {property} placeholders of the connection; an entry whose property is absent is left out
    #[derive(Default)]
    struct FixedFile {
        /// Query parameters
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub query: Ordered<ScalarFile>,
        /// Headers
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub header: Ordered<ScalarFile>,
        /// Cookies
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub cookie: Ordered<ScalarFile>,
        /// An object into which options, paging values and items are merged. A text that is exactly one placeholder is replaced; other braces stay
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub body: Option<Json>,
    }

    /// The format of a body
    #[derive(Copy, Eq)]
    enum BodyNameFile {
        /// application/json
        Json,
        /// application/x-www-form-urlencoded, nested fields as `a[b]` and lists as `a[0]`
        Form,
        /// multipart/form-data; a field `{ fileName, contentType, data }` with base64 data is a file, a list of them several files; any other list or object is JSON text
        Multipart,
        /// The item itself: a text, or the bytes of `{ contentType, data }` with base64 data
        Raw,
        /// One JSON value per line
        Ndjson,
        /// Elements from fields: `@name` is an attribute, `#text` the text, a list repeats the element
        Xml,
    }

    /// The format of a body with settings: exactly one key
    #[derive(Default)]
    struct BodySettingsFile {
        /// A form with another notation of lists and nested fields
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub form: Option<FormStyleFile>,
        /// A text with placeholders
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub text: Option<String>,
        /// An XML document with placeholders: values are escaped, objects and lists become elements
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub xml: Option<String>,
    }

    /// The notation of a form
    #[derive(Default)]
    struct FormStyleFile {
        /// How a list is written; an empty one is left out, except as comma or json; default: indexes
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub lists: Option<FormListsFile>,
        /// How a nested field is written; default: brackets
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub nested: Option<FormNestedFile>,
    }

    /// How a form writes a list
    #[derive(Copy, Eq)]
    enum FormListsFile {
        /// `a[0]=1&a[1]=2`
        Indexes,
        /// `a[]=1&a[]=2`; for lists of values, because many systems join the fields of objects in a list wrongly
        Brackets,
        /// `a=1&a=2`
        Repeat,
        /// `a=1,2`
        Comma,
        /// JSON text
        Json,
    }

    /// How a form writes a nested field
    #[derive(Copy, Eq)]
    enum FormNestedFile {
        /// `a[b]=1`
        Brackets,
        /// `a.b=1`
        Dots,
        /// JSON text
        Json,
    }

    /// What a reply means. The first rule that fits decides, before the status does
    struct RuleFile {
        /// Conditions, which must all hold: at least one of `status`, `header`, `at` and `has`
        pub when: WhenFile,
        /// The meaning
        pub then: ThenFile,
        /// For retry and rate_limited: where the reply says how long to wait, in seconds or as a time
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub wait: Option<SourceFile>,
        /// What the user should do; not for ok and empty
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub advice: Option<String>,
    }

    /// Conditions on a reply
    #[derive(Default)]
    struct WhenFile {
        /// The status, a list, or a class: `2xx`, `4xx` or `5xx`; 304 is the only redirect. Default: any
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub status: Option<StatusesFile>,
        /// A header that is present, or has one of the values of `is`
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub header: Option<String>,
        /// JSON Pointers in the body: all are there and neither null, false nor empty, or have one of the values of `is`
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub at: Option<PointersFile>,
        /// JSON Pointers in the body: all are there, with any value
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub has: Option<PointersFile>,
        /// For `header` or `at`: a value, also null, or a list of values
        #[serde(default, deserialize_with = "even_null", skip_serializing_if = "Option::is_none")]
        pub is: Option<Json>,
        /// For `header` or `at`: a text that the value contains, upper or lower case
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub contains: Option<String>,
        /// Only for operations of this method
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub method: Option<MethodFile>,
    }

    /// The meaning of a reply
    #[derive(Copy, Eq)]
    enum ThenFile {
        /// Success
        Ok,
        /// Success without items
        Empty,
        /// Refused before processing: sent again, also a write
        Retry,
        /// Too many requests: sent again after a wait, also a write
        RateLimited,
        /// The credentials were not accepted: a token is renewed
        Unauthenticated,
        /// There is no such record
        NotFound,
        /// Refused: nothing was done
        Failed,
        /// It is not known whether a write was done
        Unknown,
    }
}
