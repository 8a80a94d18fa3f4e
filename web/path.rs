//! Matches paths against patterns, some of whose segments are parameters.

/// Returns the segments of a path, still percent-encoded, in the places of a pattern's parameters; `None` if it is
/// another path. `takes` says whether a segment of the pattern is a parameter that can be this segment of the path,
/// which is not empty.
pub(crate) fn parameters(pattern: &str, path: &str, takes: impl Fn(&str, &str) -> bool) -> Option<Vec<String>> {
    let (mut expected, mut found, mut parameters) = (pattern.split('/'), path.split('/'), Vec::new());
    loop {
        match (expected.next(), found.next()) {
            (None, None) => return Some(parameters),
            (Some(expected), Some(segment)) if !segment.is_empty() && takes(expected, segment) => {
                parameters.push(segment.to_owned());
            }
            (Some(expected), Some(segment)) if expected == segment => {}
            _ => return None,
        }
    }
}
