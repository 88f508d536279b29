//! Overlay 1.0 and 1.1: changes to a description that are kept beside it. Pure.

use serde_json_path::JsonPath;

use super::value::Doc;

/// Applies an overlay. `Ok` has what did not change anything.
pub(crate) fn apply(doc: &mut Doc, overlay: &Doc) -> Result<Vec<String>, String> {
    let version = overlay.text_of("overlay").ok_or("it is no overlay: `overlay: 1.1.0` is not at its top")?;
    if !version.starts_with("1.") {
        return Err(format!("overlays of the version {version} are not read"));
    }
    if overlay.get("actions").map(Doc::list).unwrap_or_default().is_empty() {
        return Err("it has no actions".to_owned());
    }
    // Copies of copies would have no end.
    let most = 4 * size(doc) + 200_000;
    let mut idle = Vec::new();
    for (number, action) in overlay.get("actions").map(Doc::list).unwrap_or_default().iter().enumerate() {
        let does = ["update", "copy", "remove"].iter().any(|key| action.get(key).is_some());
        if !does || action.get("remove").is_some_and(|remove| !matches!(remove, Doc::Flag(_))) {
            return Err(format!("action {} has none of `update`, `copy` and `remove: true`", number + 1));
        }
        let target = action.text_of("target").ok_or_else(|| format!("action {} has no target", number + 1))?;
        let copied = action.text_of("copy").map(|path| copied(doc, path)).transpose()?;
        if size(doc) > most {
            return Err(format!("before action {}, it makes the document four times as large", number + 1));
        }
        let places = places(doc, target)?;
        if places.is_empty() {
            idle.push(format!("action {}: {target} leads nowhere", number + 1));
        }
        // From the end, so that places in lists stay.
        for place in places.iter().rev() {
            if action.is_true("remove") {
                remove(doc, place);
                continue;
            }
            if let (Some(source), Some(found)) = (&copied, at(doc, place)) {
                merge(found, source);
            }
            if let (Some(update), Some(found)) = (action.get("update"), at(doc, place)) {
                merge(found, update);
            }
        }
    }
    Ok(idle)
}

/// How many values a document has.
fn size(doc: &Doc) -> usize {
    match doc {
        Doc::Map(fields) => 1 + fields.values().map(size).sum::<usize>(),
        Doc::List(list) => 1 + list.iter().map(size).sum::<usize>(),
        Doc::Null | Doc::Flag(_) | Doc::Number(_) | Doc::Text(_) => 1,
    }
}

fn copied(doc: &Doc, path: &str) -> Result<Doc, String> {
    match places(doc, path)?.as_slice() {
        [one] => Ok(one.iter().try_fold(doc, |doc, token| step(doc, token)).cloned().unwrap_or_default()),
        found => Err(format!("`copy: {path}` leads to {} places, not to one", found.len())),
    }
}

/// The places to which a path leads, each as names and indexes.
fn places(doc: &Doc, path: &str) -> Result<Vec<Vec<String>>, String> {
    let parsed = JsonPath::parse(path).map_err(|why| format!("`{path}` is no JSONPath: {why}"))?;
    let value: serde_json::Value = serde_json::from_str(&doc.to_json()).map_err(|why| why.to_string())?;
    let found = parsed.query_located(&value);
    let names = |location: String| location.split('/').skip(1).map(crate::json_pointer::unescape).collect();
    Ok(found.locations().map(|location| names(location.to_json_pointer())).collect())
}

fn step<'d>(doc: &'d Doc, token: &str) -> Option<&'d Doc> {
    match doc {
        Doc::List(list) => list.get(token.parse::<usize>().ok()?),
        doc => doc.get(token),
    }
}

fn at<'d>(doc: &'d mut Doc, place: &[String]) -> Option<&'d mut Doc> {
    place.iter().try_fold(doc, |doc, token| match doc {
        Doc::List(list) => list.get_mut(token.parse::<usize>().ok()?),
        Doc::Map(fields) => fields.get_mut(token),
        Doc::Null | Doc::Flag(_) | Doc::Number(_) | Doc::Text(_) => None,
    })
}

fn remove(doc: &mut Doc, place: &[String]) {
    let Some((last, before)) = place.split_last() else { return };
    match at(doc, before) {
        Some(Doc::List(list)) => {
            if let Some(index) = last.parse::<usize>().ok().filter(|index| *index < list.len()) {
                list.remove(index);
            }
        }
        Some(Doc::Map(fields)) => drop(fields.shift_remove(last)),
        Some(Doc::Null | Doc::Flag(_) | Doc::Number(_) | Doc::Text(_)) | None => {}
    }
}

/// Maps are joined, a list gets the update or its elements at its end, anything else is replaced.
fn merge(target: &mut Doc, update: &Doc) {
    match (target, update) {
        (Doc::Map(target), Doc::Map(update)) => {
            for (key, value) in update {
                match target.get_mut(key) {
                    Some(own) => merge(own, value),
                    None => drop(target.insert(key.clone(), value.clone())),
                }
            }
        }
        (Doc::List(target), Doc::List(update)) => target.extend(update.iter().cloned()),
        (Doc::List(target), update) => target.push(update.clone()),
        (target, update) => *target = update.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::apply;
    use crate::import::value::Doc;

    #[test]
    fn actions_change_what_their_target_means() {
        let mut doc =
            Doc::read(r#"{"info":{"title":"A"},"paths":{"/a":{"get":{"tags":["x"]}},"/b":{"get":{}}},"old":[1,2,3]}"#)
                .unwrap();
        let overlay = Doc::read(
            "overlay: 1.1.0\nactions:\n- {target: $.info, update: {title: B}}\n- {target: '$.paths.*.get', update: {tags: [y]}}\n- {target: '$.old[?@>1]', remove: true}\n- {target: $.gone, remove: true}\n- {target: \"$.paths['/b']\", copy: \"$.paths['/a']\"}\n",
        );
        let idle = apply(&mut doc, &overlay.unwrap()).unwrap();
        assert_eq!(
            doc.to_json(),
            r#"{"info":{"title":"B"},"paths":{"/a":{"get":{"tags":["x","y"]}},"/b":{"get":{"tags":["y","x","y"]}}},"old":[1]}"#
        );
        assert_eq!(idle, ["action 4: $.gone leads nowhere"]);
        assert!(
            apply(&mut doc, &Doc::read("overlay: 1.0.0\nactions: [{target: 'x', remove: true}]").unwrap()).is_err()
        );
    }
}
