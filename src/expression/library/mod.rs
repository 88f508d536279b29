//! The filters, tests and functions of expressions: one table each, with their arguments.

pub(super) mod call;

mod codes;
mod format;
mod keyed;
mod kinds;
mod lists;
mod maps;
mod moments;
mod numbers;
mod streams;
mod text;

use call::Tool;

/// One tool for each line: name, arguments, function.
macro_rules! tools {
    ($($name:literal [$($param:literal)*] $run:path,)*) => {
        &[$(Tool { name: $name, params: &[$($param),*], run: $run }),*]
    };
}

pub(super) static FILTERS: &[Tool] = tools! {
    "abs" [] numbers::abs,
    "attr" ["name"] maps::attr,
    "avg" ["attribute?"] streams::avg,
    "base64decode" [] codes::base64decode,
    "base64encode" [] codes::base64encode,
    "batch" ["count" "fill?"] lists::batch,
    "bool" [] numbers::bool,
    "capitalize" [] text::capitalize,
    "count" [] lists::length,
    "d" ["value" "empty?"] maps::default,
    "date" ["format?" "zone?"] moments::date,
    "days" [] moments::days,
    "default" ["value" "empty?"] maps::default,
    "dictsort" ["by?" "reverse?"] maps::dictsort,
    "duration" [] moments::duration,
    "escape" [] text::escape,
    "first" [] lists::first,
    "flatten" ["levels?"] lists::flatten,
    "float" ["default?"] numbers::number,
    "format" ["*" "**"] format::format,
    "format_time" ["format" "zone?"] moments::format_time,
    "from_json" [] codes::from_json,
    "groupby" ["attribute" "default?"] lists::groupby,
    "hmac_sha256" ["key"] codes::hmac_sha256,
    "hours" [] moments::hours,
    "int" ["default?"] numbers::int,
    "items" [] maps::items,
    "join" ["d?" "attribute?"] streams::join,
    "keys" [] maps::keys,
    "last" [] lists::last,
    "length" [] lists::length,
    "lines" [] text::lines,
    "list" [] lists::list,
    "lower" [] text::lower,
    "map" ["filter?" "*" "**"] streams::map,
    "max" ["attribute?"] streams::max,
    "md5" [] codes::md5,
    "merge" ["other"] maps::merge,
    "min" ["attribute?"] streams::min,
    "minutes" [] moments::minutes,
    "number" ["default?"] numbers::number,
    "pad_left" ["width" "fill?"] text::pad_left,
    "pad_right" ["width" "fill?"] text::pad_right,
    "pick" ["*"] maps::pick,
    "regex_find" ["pattern" "group?"] text::regex_find,
    "regex_find_all" ["pattern" "group?"] text::regex_find_all,
    "regex_replace" ["pattern" "to"] text::regex_replace,
    "reject" ["test?" "*" "**"] streams::reject,
    "rejectattr" ["attribute" "test?" "*" "**"] streams::rejectattr,
    "replace" ["from" "to" "count?"] text::replace,
    "reverse" [] lists::reverse,
    "round" ["places?" "method?"] numbers::round,
    "seconds" [] moments::seconds,
    "select" ["test?" "*" "**"] streams::select,
    "selectattr" ["attribute" "test?" "*" "**"] streams::selectattr,
    "sha256" [] codes::sha256,
    "sort" ["attribute?" "reverse?" "case_sensitive?"] lists::sort,
    "split" ["separator?" "most?"] text::split,
    "start_of" ["unit" "zone?"] moments::start_of,
    "string" [] text::string,
    "sum" ["attribute?" "start?"] streams::sum,
    "time" ["format?" "zone?"] moments::time,
    "title" [] text::title,
    "to_zone" ["zone"] moments::to_zone,
    "tojson" ["indent?"] codes::tojson,
    "trim" ["chars?"] text::trim,
    "truncate" ["length" "end?"] text::truncate,
    "unique" ["attribute?"] lists::unique,
    "unix" [] moments::unix,
    "upper" [] text::upper,
    "urldecode" [] codes::urldecode,
    "urlencode" [] codes::urlencode,
    "values" [] maps::values,
    "without" ["*"] maps::without,
    "zip" ["other" "*"] lists::zip,
};

pub(super) static TESTS: &[Tool] = tools! {
    "boolean" [] kinds::boolean,
    "date" [] kinds::date,
    "defined" [] kinds::defined,
    "divisibleby" ["number"] numbers::divisibleby,
    "empty" [] kinds::empty,
    "endingwith" ["text"] text::endingwith,
    "eq" ["value"] kinds::eq,
    "equalto" ["value"] kinds::eq,
    "even" [] numbers::even,
    "false" [] kinds::is_false,
    "float" [] kinds::float,
    "ge" ["value"] kinds::ge,
    "greaterthan" ["value"] kinds::gt,
    "gt" ["value"] kinds::gt,
    "in" ["list"] kinds::within,
    "integer" [] kinds::integer,
    "iterable" [] kinds::iterable,
    "le" ["value"] kinds::le,
    "lessthan" ["value"] kinds::lt,
    "lower" [] text::is_lower,
    "lt" ["value"] kinds::lt,
    "mapping" [] kinds::mapping,
    "matches" ["pattern"] text::matches,
    "ne" ["value"] kinds::ne,
    "none" [] kinds::none,
    "null" [] kinds::none,
    "number" [] kinds::number,
    "odd" [] numbers::odd,
    "sequence" [] kinds::sequence,
    "startingwith" ["text"] text::startingwith,
    "string" [] kinds::string,
    "time" [] kinds::time,
    "true" [] kinds::is_true,
    "undefined" [] kinds::undefined,
    "upper" [] text::is_upper,
    "==" ["value"] kinds::eq,
    "!=" ["value"] kinds::ne,
    "<" ["value"] kinds::lt,
    "<=" ["value"] kinds::le,
    ">" ["value"] kinds::gt,
    ">=" ["value"] kinds::ge,
};

pub(super) static FUNCTIONS: &[Tool] = tools! {
    "dict" ["object?" "**"] maps::dict,
    "duration" ["text"] moments::duration_of,
    "from_unix" ["seconds"] moments::from_unix,
    "lookup" ["rows" "attribute" "key"] keyed::lookup,
    "lookup_all" ["rows" "attribute" "key"] keyed::lookup_all,
    "range" ["from" "to?" "step?"] streams::range,
};
