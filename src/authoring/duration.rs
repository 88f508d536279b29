//! Durations as people write them: `90s`, `5m`, `1h30m`, `2d`.

use std::time::Duration;

/// Parses a duration.
///
/// # Errors
/// Why it is none.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{}` is not a duration, such as 90s, 5m, 1h30m or 2d", text.escape_debug());
    let span: jiff::Span = text.trim().parse().map_err(|_| wrong())?;
    // A month has no fixed length.
    if span.get_months() != 0 || span.get_years() != 0 {
        return Err(wrong());
    }
    let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    Duration::try_from(length).map_err(|_| format!("`{text}` is below zero"))
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_as_written() {
        for (text, seconds) in [("0s", 0), ("90s", 90), ("5m", 300), ("1h30m", 5400), ("2d", 172_800), ("PT6H", 21_600)]
        {
            assert_eq!(duration(text).map(|d| d.as_secs()), Ok(seconds), "{text}");
        }
        for text in ["", "5", "soon", "-1h", "1mo", "1y", "5 apples"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
