//! The nearest of several names, for "did you mean". Pure.

/// The nearest of several names, for "did you mean": a likely typing error, or equal apart from case and separators.
#[must_use]
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let flat = |s: &str| s.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    let target = flat(wrong);
    names
        .into_iter()
        .map(|name| {
            let candidate = flat(name);
            let near = if !target.is_empty() && (candidate.starts_with(&target) || target.starts_with(&candidate)) {
                0.05
            } else {
                0.0
            };
            (strsim::jaro_winkler(&candidate, &target) + near, name)
        })
        .filter(|(score, _)| *score > 0.82)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// `; did you mean `x`?` to append to a message, or nothing when no name is near.
#[must_use]
pub fn did_you_mean<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wrong, names).map(|n| format!("; did you mean `{n}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn nearest_finds_typing_errors_only() {
        assert_eq!(nearest("pagesize", ["conditions", "pageSize"]), Some("pageSize"));
        assert_eq!(nearest("getSystemMember", ["getSystemMembers", "getSystemInfo"]), Some("getSystemMembers"));
        assert_eq!(nearest("zzz", ["conditions", "pageSize"]), None);
    }
}
