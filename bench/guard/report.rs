//! The comparison as text.

use std::fmt::Write;

use crate::{
    baseline::RENEW,
    compare::{Comparison, LIMIT, Outcome, Verdict, WHY_MAX},
};

/// Returns a line for each step.
pub(crate) fn table(comparison: &Comparison) -> String {
    let mut text = format!("{:<20}{:>12}{:>12}{:>10}\n", "instructions", "baseline", "now", "change");
    for row in &comparison.rows {
        let count = |count: Option<u64>| count.map_or_else(|| "–".to_owned(), |count| count.to_string());
        let change = match (row.baseline, row.measured) {
            (Some(baseline), Some(measured)) => {
                format!("{:+.2} %", (measured as f64 / baseline as f64 - 1.0) * 100.0)
            }
            _ => "–".to_owned(),
        };
        let verdict = match row.verdict {
            Verdict::Same => "",
            Verdict::More => "  more",
            Verdict::Less => "  less",
            Verdict::New => "  not in the baseline",
            Verdict::Gone => "  not counted",
        };
        let (baseline, now) = (count(row.baseline), count(row.measured));
        // Writing into a string never fails.
        let _ = writeln!(text, "{:<20}{baseline:>12}{now:>12}{change:>10}{verdict}", row.step);
    }
    text
}

/// Returns a line on the share of an answer's instructions that saying why takes, if it is known.
pub(crate) fn saying_why(share: Option<f64>) -> String {
    let Some(share) = share else { return String::new() };
    let (percent, percent_max) = (share * 100.0, WHY_MAX * 100.0);
    let verdict = if share > WHY_MAX { format!("  error: at most {percent_max} %") } else { String::new() };
    format!("saying why takes {percent:.1} % of the instructions of an answer in the embedded file{verdict}\n")
}

/// Returns a line for each circumstance that differs.
pub(crate) fn environment(comparison: &Comparison) -> String {
    let mut text = String::new();
    for difference in &comparison.differences {
        let _ = writeln!(text, "{}: {:?}, now {:?}", difference.name, difference.baseline, difference.here);
    }
    text
}

/// Returns the outcome, with what to do next.
pub(crate) fn verdict(comparison: &Comparison) -> String {
    let percent = LIMIT * 100.0;
    let steps = |verdict| comparison.steps_that_are(verdict).join(", ");
    let mut text = String::new();
    if comparison.outcome() == Outcome::NotComparable {
        let _ = writeln!(text, "not comparable, so nothing fails: the baseline was made in other circumstances");
        text += &environment(comparison);
        let _ = writeln!(text, "`bench/guard/run since COMMIT` counts a commit here, and compares with it");
        return text;
    }
    for (verdict, says) in [
        (Verdict::More, format!("over {percent} % more instructions")),
        (Verdict::New, "not in the baseline".to_owned()),
        (Verdict::Gone, "in the baseline, and not counted".to_owned()),
        (Verdict::Less, format!("good news: over {percent} % fewer instructions")),
    ] {
        if !comparison.steps_that_are(verdict).is_empty() {
            let _ = writeln!(text, "{says}: {}", steps(verdict));
        }
    }
    match comparison.outcome() {
        Outcome::Fails => {
            let _ = writeln!(text, "error: if this is meant, `{RENEW}` renews the baseline");
        }
        _ if !comparison.steps_that_are(Verdict::Less).is_empty() => {
            let _ = writeln!(text, "`{RENEW}` renews the baseline, so that it stays so");
        }
        _ => {
            let _ = writeln!(text, "all steps are within {percent} % of the baseline");
        }
    }
    text
}
