//! Reads Rust source: tokens, code without tests, trees of imports.

/// A path: the names between its `::`.
pub(crate) type Segments = Vec<String>;

/// Splits code into identifiers, `::` and other characters, without comments, literals and lifetimes.
pub(crate) fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let starts = |at: usize, what: &str| what.chars().enumerate().all(|(n, c)| chars.get(at + n) == Some(&c));
    let (mut tokens, mut at) = (Vec::new(), 0);
    while let Some(&c) = chars.get(at) {
        if starts(at, "//") {
            while chars.get(at).is_some_and(|c| *c != '\n') {
                at += 1;
            }
        } else if c == '"' {
            at = end_of_string(&chars, at, None);
        } else if c == '\'' {
            // A lifetime has no second quote.
            at = match (chars.get(at + 1), chars.get(at + 2)) {
                (Some('\\'), _) => 1 + (at + 3..).find(|end| chars.get(*end).is_none_or(|c| *c == '\'')).unwrap(),
                (_, Some('\'')) => at + 3,
                _ => at + 1,
            };
        } else if is_word(c) {
            let end = (at..).find(|end| !chars.get(*end).is_some_and(|c| is_word(*c))).unwrap();
            let word: String = chars[at..end].iter().collect();
            let hashes = (end..).take_while(|at| chars.get(*at) == Some(&'#')).count();
            if word.ends_with('r') && word.len() <= 2 && chars.get(end + hashes) == Some(&'"') {
                at = end_of_string(&chars, end + hashes, Some(hashes));
            } else {
                tokens.push(word);
                at = end;
            }
        } else if starts(at, "::") {
            tokens.push("::".to_owned());
            at += 2;
        } else {
            if !c.is_whitespace() {
                tokens.push(c.to_string());
            }
            at += 1;
        }
    }
    tokens
}

/// Returns the position after a string that begins at a quote; a raw one ends with a quote and this many hashes.
fn end_of_string(chars: &[char], quote: usize, raw: Option<usize>) -> usize {
    let mut at = quote + 1;
    while let Some(&c) = chars.get(at) {
        let hashes = raw.unwrap_or(0);
        if c == '"' && (1..=hashes).all(|n| chars.get(at + n) == Some(&'#')) {
            return at + 1 + hashes;
        }
        at += if c == '\\' && raw.is_none() { 2 } else { 1 };
    }
    at
}

/// Drops the items that stand below an attribute of tests. Returns the other tokens, and the names of the modules in
/// files among the dropped items.
pub(crate) fn without_tests(tokens: Vec<String>) -> (Vec<String>, Vec<String>) {
    let (mut kept, mut test_modules, mut at) = (Vec::new(), Vec::new(), 0);
    let closing = |from: usize, open: &str, close: &str| {
        let mut depth = 0;
        (from..tokens.len())
            .find(|at| {
                depth += i32::from(tokens[*at] == open) - i32::from(tokens[*at] == close);
                depth == 0
            })
            .unwrap_or(tokens.len() - 1)
    };
    while at < tokens.len() {
        if tokens[at] == "#" && tokens.get(at + 1).is_some_and(|token| token == "[") {
            let end = closing(at + 1, "[", "]");
            let attribute = &tokens[at + 2..end];
            let is_cfg = attribute.first().is_some_and(|word| word == "cfg") && !attribute.contains(&"not".to_owned());
            if attribute.contains(&"test".to_owned()) && (is_cfg || attribute.len() == 1) {
                let item = (end + 1..tokens.len()).find(|at| ["{", ";"].contains(&tokens[*at].as_str()));
                let item = item.unwrap_or(tokens.len() - 1);
                if tokens[item] == ";" && tokens[item - 2] == "mod" {
                    test_modules.push(tokens[item - 1].clone());
                }
                at = 1 + if tokens[item] == "{" { closing(item, "{", "}") } else { item };
                continue;
            }
        }
        kept.push(tokens[at].clone());
        at += 1;
    }
    (kept, test_modules)
}

/// Returns the paths of a tree of imports, and the names that they get.
pub(crate) fn leaves(tree: &[String]) -> Vec<(Segments, String)> {
    let Some(open) = tree.iter().position(|token| token == "{") else {
        let (path, alias) = match tree {
            [path @ .., by, alias] if by == "as" => (path, Some(alias)),
            path => (path, None),
        };
        let mut path: Segments = path.iter().filter(|token| *token != "::").cloned().collect();
        if path.len() > 1 {
            path.pop_if(|last| last == "self");
        }
        let alias = alias.or(path.last()).cloned();
        return alias.map(|alias| (path, alias)).into_iter().collect();
    };
    let prefix = &tree[..open];
    let inner = &tree[open + 1..tree.len() - 1];
    let mut depth = 0;
    let parts = inner.split(|token| {
        depth += i32::from(token == "{") - i32::from(token == "}");
        depth == 0 && token == ","
    });
    parts.filter(|part| !part.is_empty()).flat_map(|part| leaves(&[prefix, part].concat())).collect()
}
