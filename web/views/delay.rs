//! The forecast of an arrival delay, and the chance of a cancellation, in words.

use serde_json::{Map, Value};

use super::words::capitalized;
use crate::texts::{Texts, say};

/// Least probability of a cancellation that is told.
const CANCELLATION_MIN: f64 = 0.01;

/// Formats the field `ArrDelay` of an answer's document; `None` if there is none, or it is not as expected.
pub(super) fn delay_in_words(document: &Map<String, Value>, texts: Texts) -> Option<String> {
    let forecast = document.get("ArrDelay")?.as_object()?;
    let number = |name: &str| forecast.get(name)?.as_f64().filter(|number| number.is_finite());
    let [p10, p50, p90] = [number("P10")?, number("P50")?, number("P90")?];
    let [late15, late60] = [number("Late15")?, number("Late60")?];
    if !(p10 <= p50 && p50 <= p90 && [late15, late60].iter().all(|p| (0.0..=1.0).contains(p))) {
        return None;
    }
    let (expect, range) = (capitalized(&expected(p50, texts)), range(p10, p90, texts));
    let [quarter, hour] = [late15, late60].map(|share| texts.percent(share * 100.0));
    Some(say!(texts, "forecast", expect = expect, range = range, quarter = quarter, hour = hour))
}

/// Formats the forecast in a few words, as in `expect 10 minutes late (44 % for 15 or more)`.
pub(super) fn delay_in_short(document: &Map<String, Value>, texts: Texts) -> Option<String> {
    let forecast = document.get("ArrDelay")?.as_object()?;
    let (median, late15) = (forecast.get("P50")?.as_f64()?, forecast.get("Late15")?.as_f64()?);
    let quarter = texts.percent(late15 * 100.0);
    Some(say!(texts, "forecast-short", expect = expected(median, texts), quarter = quarter))
}

/// Formats the field `Cancelled` of an answer's document; `None` if there is none, or no chance worth a sentence.
pub(super) fn cancellation_in_words(document: &Map<String, Value>, texts: Texts) -> Option<String> {
    let probability = document.get("Cancelled")?.as_f64()?;
    let is_told = (CANCELLATION_MIN..=1.0).contains(&probability);
    is_told.then(|| say!(texts, "cancellation", share = texts.percent(probability * 100.0)))
}

/// The delay that is expected, as the beginning of a sentence.
fn expected(delay: f64, texts: Texts) -> String {
    match delay {
        0.0 => say!(texts, "expect-none"),
        ..0.0 => say!(texts, "expect-early", minutes = -delay),
        _ => say!(texts, "expect-late", minutes = delay),
    }
}

/// The times between which flights arrive. A range on one side of the schedule says early or late once.
fn range(from: f64, to: f64, texts: Texts) -> String {
    // A no-break space keeps the number and its unit on one line.
    let minutes = |delay: f64| texts.minutes(delay.abs()).replace(' ', "\u{a0}");
    let plain = from.abs();
    match (from, to) {
        (0.0, _) => say!(texts, "range-from-schedule", to = minutes(to)),
        (_, 0.0) => say!(texts, "range-to-schedule", from = minutes(from)),
        (_, ..0.0) => say!(texts, "range-early", from = plain, to = minutes(to)),
        (..0.0, _) => say!(texts, "range-early-late", from = minutes(from), to = minutes(to)),
        _ => say!(texts, "range-late", from = plain, to = minutes(to)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::texts::Language;

    fn words(p10: i32, p50: i32, p90: i32) -> Option<String> {
        words_in(Language::English, [p10, p50, p90])
    }

    fn words_in(language: Language, [p10, p50, p90]: [i32; 3]) -> Option<String> {
        let forecast = json!({ "P10": p10, "P50": p50, "P90": p90, "Late15": 0.31, "Late60": 0.002 });
        let document = json!({ "ArrDelay": forecast });
        delay_in_words(document.as_object()?, Texts::of(language)).map(|words| words.replace('\u{a0}', " "))
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
    fn the_number_of_minutes_chooses_the_verb_in_spanish() {
        let rest = " El 31 % llega con 15 minutos de retraso o más; el <1 %, con una hora o más.";
        for (percentiles, expected) in [
            (
                [-8, 3, 22],
                "Se prevén 3 minutos de retraso: ocho de cada diez vuelos así llegan entre 8 minutos antes y 22 minutos después de lo previsto.",
            ),
            (
                [0, 1, 5],
                "Se prevé 1 minuto de retraso: ocho de cada diez vuelos así llegan entre la hora prevista y 5 minutos después.",
            ),
            (
                [-20, -9, -1],
                "Se prevén 9 minutos de adelanto: ocho de cada diez vuelos así llegan entre 20 y 1 minuto antes de lo previsto.",
            ),
        ] {
            assert_eq!(words_in(Language::Spanish, percentiles), Some(format!("{expected}{rest}")));
        }
    }

    #[test]
    fn a_cancellation_is_told_from_one_percent_on() {
        let words = |document: Value| cancellation_in_words(document.as_object()?, Texts::of(Language::English));
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
            assert_eq!(delay_in_words(document.as_object().unwrap(), Texts::of(Language::English)), None);
        }
    }
}
