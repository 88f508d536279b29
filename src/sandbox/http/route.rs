//! Paths of definitions as patterns over decoded segments. Literal text precedes parameters. Pure.

use crate::authoring::{Text, TextPart};

/// A parameter in the shape of a path.
pub(in crate::sandbox) const PARAMETER: &str = "{}";

/// A path with parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::sandbox) struct Pattern(Vec<Vec<TextPart>>);

impl Pattern {
    /// The pattern of a definition's path.
    pub(in crate::sandbox) fn new(path: &Text) -> Pattern {
        let mut segments: Vec<Vec<TextPart>> = vec![Vec::new()];
        for part in path.parts() {
            match part {
                TextPart::Name(_) => push(&mut segments, part.clone()),
                TextPart::Literal(text) => {
                    for (i, piece) in text.split('/').enumerate() {
                        if i > 0 {
                            segments.push(Vec::new());
                        }
                        if !piece.is_empty() {
                            let decoded = percent_encoding::percent_decode_str(piece).decode_utf8_lossy().into_owned();
                            push(&mut segments, TextPart::Literal(decoded));
                        }
                    }
                }
            }
        }
        // Slashes at the ends make no segments.
        Pattern(segments.into_iter().filter(|s| !s.is_empty()).collect())
    }

    /// The pattern appended to the path of an address.
    pub(in crate::sandbox) fn below(self, base: &url::Url) -> Pattern {
        let before = base.path().split('/').filter(|s| !s.is_empty());
        let before = before
            .map(|s| vec![TextPart::Literal(percent_encoding::percent_decode_str(s).decode_utf8_lossy().into_owned())]);
        Pattern(before.chain(self.0).collect())
    }

    /// A host as the first segment of a path.
    pub(in crate::sandbox) fn host(name: &str) -> Pattern {
        Pattern(vec![vec![TextPart::Literal(name.to_owned())]])
    }

    /// The pattern appended to another one.
    pub(in crate::sandbox) fn under(self, base: &Pattern) -> Pattern {
        Pattern(base.0.iter().cloned().chain(self.0).collect())
    }

    /// The number of segments of this pattern, if a path begins with it.
    pub(in crate::sandbox) fn begins(&self, segments: &[String]) -> Option<usize> {
        self.matches(segments.get(..self.0.len())?).map(|_| self.0.len())
    }

    /// The names of the parameters, in order.
    pub(in crate::sandbox) fn names(&self) -> Vec<String> {
        let name = |part: &TextPart| match part {
            TextPart::Name(name) => Some(name.clone()),
            TextPart::Literal(_) => None,
        };
        self.0.iter().flatten().filter_map(name).collect()
    }

    /// The values of the parameters, in order; `None` if the path does not match.
    pub(in crate::sandbox) fn matches(&self, segments: &[String]) -> Option<Vec<(String, String)>> {
        if segments.len() != self.0.len() {
            return None;
        }
        let mut values = Vec::new();
        for (parts, segment) in self.0.iter().zip(segments) {
            segment_values(parts, segment, &mut values)?;
        }
        Some(values)
    }

    /// The same if a parameter may have several segments, which are joined by slashes.
    pub(in crate::sandbox) fn matches_more(&self, segments: &[String], wide: &str) -> Option<Vec<(String, String)>> {
        let at = self.0.iter().position(|parts| matches!(parts.as_slice(), [TextPart::Name(name)] if name == wide))?;
        let end = at + 1 + segments.len().checked_sub(self.0.len())?;
        let joined = segments.get(at..end)?.join("/");
        let whole = segments.iter().take(at).cloned().chain([joined]).chain(segments.iter().skip(end).cloned());
        self.matches(&whole.collect::<Vec<_>>())
    }

    /// Sort key for patterns that match the same path: at the first difference, literal text precedes text with a
    /// parameter, which precedes a parameter alone.
    pub(in crate::sandbox) fn rank(&self) -> Vec<u8> {
        self.0
            .iter()
            .map(|parts| match parts.as_slice() {
                [TextPart::Literal(_)] => 0,
                [TextPart::Name(_)] => 2,
                _ => 1,
            })
            .collect()
    }

    /// The path with `{}` for each parameter: patterns of one shape match the same paths.
    pub(in crate::sandbox) fn shape(&self) -> String {
        let mut shape = String::new();
        for parts in &self.0 {
            shape.push('/');
            parts.iter().for_each(|part| match part {
                TextPart::Literal(text) => shape.push_str(text),
                TextPart::Name(_) => shape.push_str(PARAMETER),
            });
        }
        shape
    }

    /// The literal segments, joined: `service_boards_notes` for `/service/boards/{id}/notes`.
    pub(in crate::sandbox) fn name(&self) -> String {
        let literal = |parts: &Vec<TextPart>| match parts.as_slice() {
            [TextPart::Literal(text)] => Some(text.clone()),
            _ => None,
        };
        self.0.iter().filter_map(literal).collect::<Vec<_>>().join("_")
    }

    /// The name of the last segment, if that is a parameter.
    pub(in crate::sandbox) fn last_name(&self) -> Option<&str> {
        match self.0.last()?.as_slice() {
            [TextPart::Name(name)] => Some(name),
            _ => None,
        }
    }
}

fn push(segments: &mut [Vec<TextPart>], part: TextPart) {
    if let Some(last) = segments.last_mut() {
        last.push(part);
    }
}

/// The values of the placeholders in a text that the template produced.
pub(in crate::sandbox) fn values(template: &Text, text: &str) -> Option<Vec<(String, String)>> {
    let mut values = Vec::new();
    segment_values(template.parts(), text, &mut values)?;
    Some(values)
}

/// Matches one segment; a parameter ends where the next literal text begins.
fn segment_values(parts: &[TextPart], segment: &str, values: &mut Vec<(String, String)>) -> Option<()> {
    let mut rest = segment;
    let mut parts = parts.iter().peekable();
    while let Some(part) = parts.next() {
        match part {
            TextPart::Literal(text) => rest = rest.strip_prefix(text.as_str())?,
            TextPart::Name(name) => {
                let end = match parts.peek() {
                    Some(TextPart::Literal(next)) => rest.find(next.as_str())?,
                    Some(TextPart::Name(_)) | None => rest.len(),
                };
                let (value, tail) = rest.split_at_checked(end)?;
                if value.is_empty() {
                    return None;
                }
                values.push((name.clone(), value.to_owned()));
                rest = tail;
            }
        }
    }
    rest.is_empty().then_some(())
}

#[cfg(test)]
mod tests {
    use super::Pattern;
    use crate::authoring::Text;

    fn pattern(path: &str) -> Pattern {
        Pattern::new(&Text::parse(path).unwrap())
    }

    fn matched(path: &str, segments: &[&str]) -> Option<Vec<String>> {
        let segments: Vec<String> = segments.iter().map(|s| (*s).to_owned()).collect();
        Some(pattern(path).matches(&segments)?.into_iter().map(|(name, value)| format!("{name}={value}")).collect())
    }

    #[test]
    fn parameters_take_one_segment_or_a_part_of_it() {
        assert_eq!(matched("/a/{id}/b", &["a", "x/y", "b"]).unwrap(), ["id=x/y"]);
        assert_eq!(matched("/types{id}/copy/", &["types12", "copy"]).unwrap(), ["id=12"]);
        assert_eq!(matched("/a/{x}-{y}", &["a", "1-2-3"]).unwrap(), ["x=1", "y=2-3"]);
        assert_eq!(matched("/a/{id}", &["a", ""]), None);
        assert_eq!(matched("/a/{id}", &["a"]), None);
        assert_eq!(matched("/a", &["A"]), None);
        assert_eq!(matched("", &[]).unwrap(), [""; 0]);
    }

    #[test]
    fn literal_text_precedes_parameters() {
        let mut paths = ["/a/{id}", "/a/{id}/x", "/a/count", "/{any}/count", "/a/v{id}"];
        paths.sort_by_key(|p| pattern(p).rank());
        assert_eq!(paths, ["/a/count", "/a/v{id}", "/a/{id}", "/a/{id}/x", "/{any}/count"]);
    }

    #[test]
    fn names_of_parameters_do_not_matter() {
        assert_eq!(pattern("/a/{id}").shape(), pattern("/a/{memberId}/").shape());
        assert_ne!(pattern("/a/{id}").shape(), pattern("/a/id").shape());
        assert_eq!(pattern("/a/{id}/b").name(), "a_b");
    }
}
