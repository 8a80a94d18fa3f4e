//! The page `/ops`.

use chrono::{DateTime, Utc};
use delaycast::flight::DelayClass;
use serde::Serialize;
use server::{DeadLetterCounts, NamedCount, OperationsStatus, Sample};

use super::{
    time_charts::{self, Line},
    words::{capitalized, class_name},
};
use crate::{
    render::View,
    texts::{Texts, say},
};

/// Upper bound on the rows of a table; further names are summed up in the last one.
const ROWS_MAX: usize = 12;
/// A lag of the counts from which on the page shows it.
const BEHIND_S: u64 = 10;
/// Interval between refreshes without JavaScript.
const REFRESH_S: u32 = 5;

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct OperationsView {
    refresh: Refresh,
    intro: String,
    notes: Vec<String>,
    figures: Vec<Figure>,
    charts: Vec<Chart>,
    tables: Vec<Table>,
}

#[derive(Debug, Serialize)]
struct Refresh {
    after_s: u32,
    url: &'static str,
}

#[derive(Debug, Serialize)]
struct Figure {
    name: String,
    value: String,
}

/// A chart of the last hour.
#[derive(Debug, Serialize)]
struct Chart {
    title: String,
    /// SVG; `None` if nothing is known.
    drawing: Option<String>,
    unknown: String,
    legend: Vec<LegendEntry>,
}

#[derive(Debug, Serialize)]
struct LegendEntry {
    class: &'static str,
    name: String,
}

#[derive(Debug, Serialize)]
struct Table {
    title: String,
    of: String,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    count: String,
    share: String,
}

impl View for OperationsView {
    const PAGE: &'static str = "operations";
}

impl OperationsView {
    pub(crate) fn new(now: &OperationsStatus, samples: &[Sample], texts: Texts) -> Self {
        let number = |number: Option<u64>| number.map_or_else(|| say!(texts, "ops-unknown"), |it| texts.number(it));
        let figure = |name, value| Figure { name, value };
        let rate = |seconds: u32, rate| figure(say!(texts, "ops-rate", seconds = seconds), texts.decimal(rate, 1));
        let (answers, dead, of_events) = (&now.answers, &now.dead_letters, now.dead_letters_of_events.as_ref());
        let table = |title, of, counts: &[NamedCount], total| Table { title, of, rows: rows(counts, total, texts) };
        let hours = |counts: &[NamedCount]| named(counts, |name| hour_in_words(name, texts));
        let event_tables = |dead: &DeadLetterCounts| {
            let (by_reason, by_hour) = (say!(texts, "ops-events-by-reason"), say!(texts, "ops-events-by-hour"));
            [
                table(by_reason, say!(texts, "ops-reason"), &dead.by_reason, dead.total),
                table(by_hour, say!(texts, "ops-hour"), &hours(&dead.by_hour), dead.total),
            ]
        };
        OperationsView {
            refresh: Refresh { after_s: REFRESH_S, url: "/ops" },
            intro: intro(now.window_s, texts),
            notes: notes(now, texts),
            figures: [
                Some(figure(say!(texts, "ops-answers"), texts.number(answers.total))),
                Some(rate(10, answers.per_second_10_s)),
                Some(rate(60, answers.per_second_60_s)),
                Some(figure(say!(texts, "ops-in-flight"), number(now.in_flight))),
                Some(figure(say!(texts, "ops-lag"), number(now.lag))),
                Some(figure(say!(texts, "ops-dead-letters"), texts.number(dead.total))),
                of_events.map(|dead| figure(say!(texts, "ops-dead-events"), texts.number(dead.total))),
            ]
            .into_iter()
            .flatten()
            .collect(),
            charts: charts(samples, texts),
            tables: [
                table(
                    say!(texts, "ops-by-class"),
                    say!(texts, "ops-class"),
                    &named(answers.by("class"), |name| class_in_words(name, texts)),
                    answers.total,
                ),
                table(say!(texts, "ops-by-model"), say!(texts, "ops-version"), answers.by("model"), answers.total),
                table(
                    say!(texts, "ops-by-airline"),
                    say!(texts, "title-airline"),
                    answers.by("airline"),
                    answers.total,
                ),
                table(say!(texts, "ops-by-airport"), say!(texts, "ops-airport"), answers.by("origin"), answers.total),
                table(say!(texts, "ops-by-hour"), say!(texts, "ops-hour"), &hours(answers.by("hour")), answers.total),
                table(say!(texts, "ops-letters-by-reason"), say!(texts, "ops-reason"), &dead.by_reason, dead.total),
                table(say!(texts, "ops-letters-by-hour"), say!(texts, "ops-hour"), &hours(&dead.by_hour), dead.total),
            ]
            .into_iter()
            .chain(of_events.into_iter().flat_map(event_tables))
            .collect(),
        }
    }
}

/// The charts of rate, latency and lag; none before the first sample.
fn charts(samples: &[Sample], texts: Texts) -> Vec<Chart> {
    if samples.is_empty() {
        return Vec::new();
    }
    let chart = |title: String, unknown, lines: &[Line]| Chart {
        drawing: time_charts::chart(samples, lines, &title, texts),
        title,
        unknown,
        legend: match lines {
            [_] => Vec::new(),
            _ => lines.iter().map(|line| LegendEntry { class: line.class, name: line.name.clone() }).collect(),
        },
    };
    let line = |class, name, value| Line { class, name, value };
    let rate = line("line-a", say!(texts, "ops-line-answers"), |sample| Some(sample.per_second));
    let median = line("line-a", say!(texts, "ops-line-median"), |sample| sample.p50_ms);
    let p99 = line("line-b", say!(texts, "ops-line-p99"), |sample| sample.p99_ms);
    let lag = line("line-a", say!(texts, "ops-line-lag"), |sample| sample.lag.map(|lag| lag as f64));
    let in_flight =
        line("line-b", say!(texts, "ops-line-in-flight"), |sample| sample.in_flight.map(|count| count as f64));
    vec![
        chart(say!(texts, "ops-chart-rate"), say!(texts, "ops-no-scorer"), &[rate]),
        chart(say!(texts, "ops-chart-latency"), say!(texts, "ops-no-answer"), &[median, p99]),
        chart(say!(texts, "ops-chart-lag"), say!(texts, "ops-no-scorer"), &[lag, in_flight]),
    ]
}

/// The counts under names for readers.
fn named(counts: &[NamedCount], in_words: impl Fn(&str) -> String) -> Vec<NamedCount> {
    counts.iter().map(|NamedCount { name, count }| NamedCount { name: in_words(name), count: *count }).collect()
}

fn class_in_words(label: &str, texts: Texts) -> String {
    let class = DelayClass::ALL.into_iter().find(|class| class.label() == label);
    capitalized(&class.map_or_else(|| label.to_owned(), |class| class_name(class, texts)))
}

/// `11:00 on 24 November` for `2026-11-24T11:00:00Z`.
fn hour_in_words(name: &str, texts: Texts) -> String {
    let Ok(hour) = name.parse::<DateTime<Utc>>() else { return name.to_owned() };
    let (time, day) = (hour.format("%H:%M").to_string(), texts.day_of_year(hour.date_naive()));
    say!(texts, "ops-hour-of-day", time = time.as_str(), day = day.as_str())
}

fn intro(seconds: u64, texts: Texts) -> String {
    let window = match seconds {
        seconds if seconds % 3600 == 0 => say!(texts, "ops-hours", number = seconds / 3600),
        seconds if seconds % 60 == 0 => say!(texts, "ops-minutes", number = seconds / 60),
        seconds => say!(texts, "ops-seconds", number = seconds),
    };
    say!(texts, "ops-intro", seconds = seconds, window = window.as_str())
}

fn notes(now: &OperationsStatus, texts: Texts) -> Vec<String> {
    let waits = now.waiting.iter();
    let mut notes: Vec<String> =
        waits.map(|wait| say!(texts, "ops-waiting", what = wait.what.as_str(), seconds = wait.for_s)).collect();
    match now.behind_s {
        None => notes.push(say!(texts, "ops-rebuilt")),
        Some(behind_s) if behind_s >= BEHIND_S => notes.push(say!(texts, "ops-behind", seconds = behind_s)),
        Some(_) => {}
    }
    notes
}

fn rows(counts: &[NamedCount], total: u64, texts: Texts) -> Vec<Row> {
    let row = |name: String, count: u64| {
        let share = if total == 0 { 0.0 } else { 100.0 * count as f64 / total as f64 };
        Row { name, count: texts.number(count), share: format!("{share:.0}\u{a0}%") }
    };
    let shown = if counts.len() > ROWS_MAX { ROWS_MAX - 1 } else { counts.len() };
    let mut rows: Vec<Row> =
        counts[..shown].iter().map(|NamedCount { name, count }| row(name.clone(), *count)).collect();
    let rest = &counts[shown..];
    if !rest.is_empty() {
        rows.push(row(say!(texts, "ops-more", count = rest.len()), rest.iter().map(|count| count.count).sum()));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Language;

    fn texts() -> Texts {
        Texts::of(Language::English)
    }

    #[test]
    fn an_hour_is_told_in_words_and_another_name_as_it_is() {
        assert_eq!(hour_in_words("2026-11-24T11:00:00Z", texts()), "11:00 on 24\u{a0}November");
        assert_eq!(hour_in_words("other", texts()), "other");
    }

    #[test]
    fn names_beyond_the_bound_of_a_table_are_summed_up() {
        let counts: Vec<NamedCount> = (1..=13).map(|n| NamedCount { name: n.to_string(), count: 1000 * n }).collect();
        let rows = rows(&counts, 91_000, texts());
        assert_eq!((rows.len(), rows[0].count.as_str(), rows[10].name.as_str()), (ROWS_MAX, "1,000", "11"));
        assert_eq!(
            (rows[11].name.as_str(), rows[11].count.as_str(), rows[11].share.as_str()),
            ("2 more", "25,000", "27\u{a0}%")
        );
    }
}
