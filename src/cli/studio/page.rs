//! The files of the page. They are part of the program, and nothing else is loaded.

const JS: &str = "text/javascript; charset=utf-8";

macro_rules! files {
    ($($name:literal $kind:expr,)*) => {
        /// Type and text of a file.
        pub(super) fn file(path: &str) -> Option<(&'static str, &'static str)> {
            match path.strip_prefix('/')? {
                "" => Some(("text/html; charset=utf-8", include_str!("page/index.html"))),
                $($name => Some(($kind, include_str!(concat!("page/", $name)))),)*
                _ => None,
            }
        }
    };
}

files! {
    "studio.css" "text/css; charset=utf-8",
    "icon.svg" "image/svg+xml",
    "studio.js" JS,
    "dom.js" JS,
    "api.js" JS,
    "pick.js" JS,
    "form.js" JS,
    "fields.js" JS,
    "request.js" JS,
    "result.js" JS,
    "table.js" JS,
    "chart.js" JS,
}
