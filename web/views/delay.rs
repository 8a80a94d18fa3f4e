//! The forecast of an arrival delay, and the chance of a cancellation, in words.

use serde_json::{Map, Value};

use super::words::{minutes_in_words, percent};

/// Least probability of a cancellation that is told.
const CANCELLATION_MIN: f64 = 0.01;

/// Formats the field `ArrDelay` of an answer's document; `None` if there is none, or it is not as expected.
pub(super) fn delay_in_words(document: &Map<String, Value>) -> Option<String> {
    let forecast = document.get("ArrDelay")?.as_object()?;
    let number = |name: &str| forecast.get(name)?.as_f64().filter(|number| number.is_finite());
    let [p10, p50, p90] = [number("P10")?, number("P50")?, number("P90")?];
    let [late15, late60] = [number("Late15")?, number("Late60")?];
    if !(p10 <= p50 && p50 <= p90 && [late15, late60].iter().all(|p| (0.0..=1.0).contains(p))) {
        return None;
    }
    Some(format!(
        "Expect {}: eight of ten such flights arrive between {}. {} are 15\u{a0}minutes late or more, {} an hour or more.",
        minutes(p50),
        range(p10, p90),
        percent(late15 * 100.0),
        percent(late60 * 100.0),
    ))
}

/// Formats the forecast in a few words, as in `expect 10 minutes late (44 % for 15 or more)`.
pub(super) fn delay_in_short(document: &Map<String, Value>) -> Option<String> {
    let forecast = document.get("ArrDelay")?.as_object()?;
    let (median, late15) = (forecast.get("P50")?.as_f64()?, forecast.get("Late15")?.as_f64()?);
    Some(format!("expect {} ({} for 15 or more)", minutes(median), percent(late15 * 100.0)))
}

/// Formats the field `Cancelled` of an answer's document; `None` if there is none, or no chance worth a sentence.
pub(super) fn cancellation_in_words(document: &Map<String, Value>) -> Option<String> {
    let probability = document.get("Cancelled")?.as_f64()?;
    let is_told = (CANCELLATION_MIN..=1.0).contains(&probability);
    is_told.then(|| format!("{} of such flights are cancelled.", percent(probability * 100.0)))
}

/// A delay with its direction.
fn minutes(delay: f64) -> String {
    match delay {
        0.0 => "no delay".to_owned(),
        _ => format!("{} {}", unbroken(delay.abs()), direction(delay)),
    }
}

fn range(from: f64, to: f64) -> String {
    match (from, to) {
        (0.0, _) => format!("the scheduled time and {}", minutes(to)),
        (_, 0.0) => format!("{} and the scheduled time", minutes(from)),
        _ if direction(from) == direction(to) => format!("{} and {}", from.abs(), minutes(to)),
        _ => format!("{} and {}", minutes(from), minutes(to)),
    }
}

fn direction(delay: f64) -> &'static str {
    if delay < 0.0 { "early" } else { "late" }
}

/// A no-break space keeps the number and its unit on one line.
fn unbroken(minutes: f64) -> String {
    minutes_in_words(minutes).replace(' ', "\u{a0}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(p10: i32, p50: i32, p90: i32) -> Option<String> {
        let forecast = json!({ "P10": p10, "P50": p50, "P90": p90, "Late15": 0.31, "Late60": 0.002 });
        let document = json!({ "ArrDelay": forecast });
        delay_in_words(document.as_object()?).map(|words| words.replace('\u{a0}', " "))
    }

    #[test]
    fn a_range_says_early_and_late_once_where_it_can() {
        for (percentiles, expected) in [
            (
                (-8, 3, 22),
                "Expect 3 minutes late: eight of ten such flights arrive between 8 minutes early and 22 minutes late.",
            ),
            ((-20, -9, -1), "Expect 9 minutes early: eight of ten such flights arrive between 20 and 1 minute early."),
            ((10, 40, 95), "Expect 40 minutes late: eight of ten such flights arrive between 10 and 95 minutes late."),
            (
                (-12, 0, 0),
                "Expect no delay: eight of ten such flights arrive between 12 minutes early and the scheduled time.",
            ),
            (
                (0, 1, 5),
                "Expect 1 minute late: eight of ten such flights arrive between the scheduled time and 5 minutes late.",
            ),
        ] {
            let (p10, p50, p90) = percentiles;
            let rest = " 31 % are 15 minutes late or more, <1 % an hour or more.";
            assert_eq!(words(p10, p50, p90), Some(format!("{expected}{rest}")));
        }
    }

    #[test]
    fn a_cancellation_is_told_from_one_percent_on() {
        let words = |document: Value| cancellation_in_words(document.as_object()?);
        assert_eq!(words(json!({ "Cancelled": 0.0215 })), Some("2\u{a0}% of such flights are cancelled.".to_owned()));
        for other in
            [json!({}), json!({ "Cancelled": 0.004 }), json!({ "Cancelled": 2.0 }), json!({ "Cancelled": "x" })]
        {
            assert_eq!(words(other), None);
        }
    }

    #[test]
    fn a_forecast_that_is_not_as_expected_is_not_shown() {
        assert_eq!(words(5, 3, 22), None);
        for document in [json!({}), json!({ "ArrDelay": 5 }), json!({ "ArrDelay": { "P10": 1, "P50": "x", "P90": 3 } })]
        {
            assert_eq!(delay_in_words(document.as_object().unwrap()), None);
        }
    }
}
