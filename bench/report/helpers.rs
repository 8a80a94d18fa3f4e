//! Helpers of the templates, which render numbers as text.

use handlebars::{Handlebars, handlebars_helper};

use crate::{
    numbers::{fixed, ratio, short, significant},
    results::Spread,
};

handlebars_helper!(Significant: |number: f64, digits: u64| significant(number, digits as usize));
handlebars_helper!(Fixed: |number: f64, decimals: u64| fixed(number, decimals as usize));
handlebars_helper!(Count: |number: f64| fixed(number, 0));
handlebars_helper!(Percent: |ratio: f64, decimals: u64| format!("{} %", fixed(ratio * 100.0, decimals as usize)));
handlebars_helper!(Excess: |ratio: f64| format!("{:+.2} %", (ratio - 1.0) * 100.0));
handlebars_helper!(Range: |spread: Spread, digits: u64| range(&spread, digits as usize));
handlebars_helper!(EachUs: |per_s: f64| significant(1e6 / per_s, 2));
handlebars_helper!(Short: |number: f64| short(number));
handlebars_helper!(Ratio: |number: f64| ratio(number));
handlebars_helper!(Minus: |number: f64, less: f64| number - less);
handlebars_helper!(Megabytes: |bytes: f64| significant(bytes / 1e6, 2));
handlebars_helper!(Beside: |cell: Json| beside(cell));
handlebars_helper!(Ours: |cell: Json| format!("**{}**", quantity(cell)));
handlebars_helper!(Text: |*parts| text(&parts));
handlebars_helper!(Words: |words: Json| words_of(words));

pub(super) fn register(templates: &mut Handlebars<'_>) {
    templates.register_helper("sig", Box::new(Significant));
    templates.register_helper("fixed", Box::new(Fixed));
    templates.register_helper("count", Box::new(Count));
    templates.register_helper("percent", Box::new(Percent));
    templates.register_helper("excess", Box::new(Excess));
    templates.register_helper("range", Box::new(Range));
    templates.register_helper("each_us", Box::new(EachUs));
    templates.register_helper("short", Box::new(Short));
    templates.register_helper("ratio", Box::new(Ratio));
    templates.register_helper("minus", Box::new(Minus));
    templates.register_helper("megabytes", Box::new(Megabytes));
    templates.register_helper("beside", Box::new(Beside));
    templates.register_helper("ours", Box::new(Ours));
    templates.register_helper("text", Box::new(Text));
    templates.register_helper("words", Box::new(Words));
}

/// The least and the most, as in "1.2–1.4".
fn range(spread: &Spread, digits: usize) -> String {
    format!("{}–{}", significant(spread.least, digits), significant(spread.most, digits))
}

/// The quantity of a library's cell of the forests' tables: CPU seconds, or rows per CPU second.
fn quantity(cell: &serde_json::Value) -> String {
    let median = |name: &str| cell.get(name)?.get("median")?.as_f64();
    let seconds = median("cpu_s").map(|seconds| format!("{} s", significant(seconds, 3)));
    // No such cell is in a result, whose types were checked.
    seconds.or_else(|| median("rows_per_cpu_s").map(short)).unwrap_or_else(|| "?".to_owned())
}

/// The cell of a library beside delaycast's, with the ratio; a dash if it was not measured.
fn beside(cell: &serde_json::Value) -> String {
    if cell.is_null() {
        return "–".to_owned();
    }
    let number = |name: &str| cell.get("ratio").and_then(|ratio| ratio.get(name)?.as_f64()).unwrap_or(f64::NAN);
    let [median, least, most] = ["median", "least", "most"].map(|name| ratio(number(name)));
    format!("{}: **{median}** ({least}–{most})", quantity(cell))
}

/// Strings and numbers, one after the other.
fn text(parts: &[&serde_json::Value]) -> String {
    parts.iter().map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned)).collect()
}

/// A list of words, with commas.
fn words_of(words: &serde_json::Value) -> String {
    let words = words.as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
    words.collect::<Vec<_>>().join(", ")
}
