//! The page `/ops`.

use chrono::{DateTime, Utc};
use serde::Serialize;
use server::{NamedCount, OperationsStatus, Sample};

use super::{
    charts::short,
    time_charts::{self, Line},
    words::{capitalized, grouped},
};
use crate::render::View;

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
    window: String,
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
    name: &'static str,
    value: String,
}

/// A chart of the last hour.
#[derive(Debug, Serialize)]
struct Chart {
    title: &'static str,
    /// SVG; `None` if nothing is known.
    drawing: Option<String>,
    unknown: &'static str,
    legend: Vec<LegendEntry>,
}

#[derive(Debug, Serialize)]
struct LegendEntry {
    class: &'static str,
    name: &'static str,
}

#[derive(Debug, Serialize)]
struct Table {
    title: &'static str,
    of: &'static str,
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
    pub(crate) fn new(now: &OperationsStatus, samples: &[Sample]) -> Self {
        let known = |number: Option<u64>| number.map_or_else(|| "unknown".to_owned(), grouped);
        let figure = |name, value| Figure { name, value };
        let (answers, dead) = (&now.answers, &now.dead_letters);
        let table = |title, of, counts: &[NamedCount], total| Table { title, of, rows: rows(counts, total) };
        OperationsView {
            refresh: Refresh { after_s: REFRESH_S, url: "/ops" },
            window: window(now.window_s),
            notes: notes(now),
            figures: vec![
                figure("Answers", grouped(answers.total)),
                figure("Answers per second, over 10 s", format!("{:.1}", answers.per_second_10_s)),
                figure("Answers per second, over 60 s", format!("{:.1}", answers.per_second_60_s)),
                figure("In flight", known(now.in_flight)),
                figure("Lag in the log", known(now.lag)),
                figure("Dead letters", grouped(dead.total)),
            ],
            charts: charts(samples),
            tables: vec![
                table("By class", "Class", &named(answers.by("class"), capitalized), answers.total),
                table("By model", "Version", answers.by("model"), answers.total),
                table("By airline", "Airline", answers.by("airline"), answers.total),
                table("By airport of departure", "Airport", answers.by("origin"), answers.total),
                table("By hour", "Hour, UTC", &named(answers.by("hour"), hour_in_words), answers.total),
                table("Dead letters by reason", "Reason", &dead.by_reason, dead.total),
                table("Dead letters by hour", "Hour, UTC", &named(&dead.by_hour, hour_in_words), dead.total),
            ],
        }
    }
}

/// The charts of rate, latency and lag; none before the first sample.
fn charts(samples: &[Sample]) -> Vec<Chart> {
    const OF_SCORERS: &str = "Unknown here: this page knows no scorer.";
    if samples.is_empty() {
        return Vec::new();
    }
    let chart = |title, unknown, lines: &[Line], show| Chart {
        title,
        drawing: time_charts::chart(samples, lines, title, show),
        unknown,
        legend: match lines {
            [_] => Vec::new(),
            _ => lines.iter().map(|line| LegendEntry { class: line.class, name: line.name }).collect(),
        },
    };
    let rate = Line { class: "line-a", name: "answers", value: |sample| Some(sample.per_second) };
    let median = Line { class: "line-a", name: "median", value: |sample| sample.p50_ms };
    let p99 = Line { class: "line-b", name: "99th percentile", value: |sample| sample.p99_ms };
    let lag = Line { class: "line-a", name: "not committed", value: |sample| sample.lag.map(|lag| lag as f64) };
    let in_flight =
        Line { class: "line-b", name: "in flight", value: |sample| sample.in_flight.map(|count| count as f64) };
    vec![
        chart("Answers per second", OF_SCORERS, &[rate], short),
        chart("Latency, milliseconds", "No answer in the last hour.", &[median, p99], short),
        chart("Messages behind", OF_SCORERS, &[lag, in_flight], short),
    ]
}

/// The counts under names for readers.
fn named(counts: &[NamedCount], in_words: fn(&str) -> String) -> Vec<NamedCount> {
    counts.iter().map(|NamedCount { name, count }| NamedCount { name: in_words(name), count: *count }).collect()
}

/// `11:00 on 24 November` for `2026-11-24T11:00:00Z`.
fn hour_in_words(name: &str) -> String {
    name.parse::<DateTime<Utc>>().map_or_else(|_| name.to_owned(), |hour| hour.format("%H:%M on %-d %B").to_string())
}

fn window(seconds: u64) -> String {
    match seconds {
        3600 => "hour".to_owned(),
        seconds if seconds % 3600 == 0 => format!("{} hours", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{} minutes", seconds / 60),
        seconds => format!("{seconds} seconds"),
    }
}

fn notes(now: &OperationsStatus) -> Vec<String> {
    let mut notes: Vec<String> =
        now.waiting.iter().map(|wait| format!("Waiting for {} for {} s.", wait.what, wait.for_s)).collect();
    match now.behind_s {
        None => notes.push("The counts are not complete yet: they are being rebuilt from the store.".to_owned()),
        Some(behind_s) if behind_s >= BEHIND_S => notes.push(format!("The counts are {behind_s} s behind.")),
        Some(_) => {}
    }
    notes
}

fn rows(counts: &[NamedCount], total: u64) -> Vec<Row> {
    let row = |name: String, count: u64| {
        let share = if total == 0 { 0.0 } else { 100.0 * count as f64 / total as f64 };
        Row { name, count: grouped(count), share: format!("{share:.0}\u{a0}%") }
    };
    let shown = if counts.len() > ROWS_MAX { ROWS_MAX - 1 } else { counts.len() };
    let mut rows: Vec<Row> =
        counts[..shown].iter().map(|NamedCount { name, count }| row(name.clone(), *count)).collect();
    let rest = &counts[shown..];
    if !rest.is_empty() {
        rows.push(row(format!("{} more", rest.len()), rest.iter().map(|count| count.count).sum()));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_told_in_words_and_another_name_as_it_is() {
        assert_eq!(hour_in_words("2026-11-24T11:00:00Z"), "11:00 on 24 November");
        assert_eq!(hour_in_words("other"), "other");
    }

    #[test]
    fn names_beyond_the_bound_of_a_table_are_summed_up() {
        let counts: Vec<NamedCount> = (1..=13).map(|n| NamedCount { name: n.to_string(), count: 1000 * n }).collect();
        let rows = rows(&counts, 91_000);
        assert_eq!((rows.len(), rows[0].count.as_str(), rows[10].name.as_str()), (ROWS_MAX, "1,000", "11"));
        assert_eq!(
            (rows[11].name.as_str(), rows[11].count.as_str(), rows[11].share.as_str()),
            ("2 more", "25,000", "27\u{a0}%")
        );
    }
}
