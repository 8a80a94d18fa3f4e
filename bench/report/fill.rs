//! Prose in lines of equal width, whatever the rendered numbers.

/// The widest line, in characters.
const COLUMNS: usize = 120;

/// Fills each paragraph. Headings, tables and comments stay as they are.
pub(super) fn fill(text: &str) -> String {
    let (mut filled, mut columns) = (String::with_capacity(text.len()), 0);
    for line in text.lines() {
        let is_prose = !line.is_empty() && !["#", "|", "<!--"].iter().any(|mark| line.starts_with(mark));
        if !is_prose {
            if columns > 0 {
                filled.push('\n');
            }
            filled += line;
            filled.push('\n');
            columns = 0;
            continue;
        }
        for word in line.split_whitespace() {
            let width = word.chars().count();
            if columns > 0 && columns + 1 + width > COLUMNS {
                filled.push('\n');
                columns = 0;
            } else if columns > 0 {
                filled.push(' ');
                columns += 1;
            }
            filled += word;
            columns += width;
        }
    }
    if columns > 0 {
        filled.push('\n');
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn paragraphs_are_filled_and_tables_are_not() {
        let word = "x".repeat(50);
        let text = format!("# A\n\n{word}\n{word}\n{word}\n| {word} | {word} | {word} |\n\na\nb\n");
        let filled = format!("# A\n\n{word} {word}\n{word}\n| {word} | {word} | {word} |\n\na b\n");
        assert_eq!(fill(&text), filled);
    }
}
