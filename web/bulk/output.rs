//! Writes the answers to the questions of a file, one row each, in its format.

use serde_json::{Map, Value, json};

use super::rows::{Format, Row};
use crate::field_error::FieldError;

/// The columns that a file of answers has behind those of the questions.
const COLUMNS: [&str; 13] = [
    "Status",
    "UUID",
    "Prediction",
    "Class",
    "Mean",
    "P10",
    "P50",
    "P90",
    "Late15",
    "Late30",
    "Late60",
    "Cancelled",
    "Reason",
];

/// The outcome of a row.
#[derive(Debug, PartialEq)]
pub(super) enum RowOutcome {
    /// It is answered by this document.
    Answered(String, Map<String, Value>),
    /// The scorer has rejected it.
    Rejected(String, String),
    /// It is in the log, and no answer has landed in time.
    Waits(String),
    /// It was not asked, for these reasons.
    Wrong(Vec<FieldError>),
}

impl RowOutcome {
    fn status(&self) -> &'static str {
        match self {
            RowOutcome::Answered(..) => "OK",
            RowOutcome::Rejected(..) => "REJECTED",
            RowOutcome::Waits(_) => "WAIT",
            RowOutcome::Wrong(_) => "ERROR",
        }
    }
}

/// Returns the first line of a file of answers; NDJSON has none.
pub(super) fn header(format: Format, columns: &[String]) -> Option<String> {
    match format {
        Format::Csv => Some(record(columns.iter().map(String::as_str).chain(COLUMNS))),
        Format::Ndjson => None,
    }
}

/// Returns the line of a row, with its end.
pub(super) fn line(format: Format, columns: usize, row: &Row, outcome: &RowOutcome) -> String {
    match format {
        Format::Csv => csv_line(columns, row, outcome),
        Format::Ndjson => format!("{}\n", ndjson(row, outcome)),
    }
}

fn ndjson(row: &Row, outcome: &RowOutcome) -> Value {
    let mut line = json!({ "line": row.line, "status": outcome.status() });
    match outcome {
        RowOutcome::Answered(id, document) => {
            line["id"] = json!(id);
            line["prediction"] = json!(document);
        }
        RowOutcome::Rejected(id, reason) => {
            line["id"] = json!(id);
            line["reason"] = json!(reason);
        }
        RowOutcome::Waits(id) => line["id"] = json!(id),
        RowOutcome::Wrong(errors) => line["errors"] = json!(errors),
    }
    line
}

fn csv_line(columns: usize, row: &Row, outcome: &RowOutcome) -> String {
    let mut values: Vec<String> = row.values.iter().take(columns).cloned().collect();
    values.resize(columns, String::new());
    let mut set = [const { String::new() }; COLUMNS.len()];
    let mut put = |name: &str, value: String| {
        if let Some(column) = COLUMNS.iter().position(|column| *column == name) {
            set[column] = value;
        }
    };
    put("Status", outcome.status().to_owned());
    match outcome {
        RowOutcome::Answered(id, document) => {
            put("UUID", id.clone());
            let forecast = document.get("ArrDelay");
            for name in COLUMNS {
                let value = document.get(name).or_else(|| forecast?.get(name));
                match value {
                    Some(Value::String(text)) => put(name, text.clone()),
                    Some(Value::Number(number)) => put(name, number.to_string()),
                    _ => {}
                }
            }
        }
        RowOutcome::Rejected(id, reason) => {
            put("UUID", id.clone());
            put("Reason", reason.clone());
        }
        RowOutcome::Waits(id) => put("UUID", id.clone()),
        RowOutcome::Wrong(errors) => {
            let reasons: Vec<String> =
                errors.iter().map(|error| format!("{}: {}", error.field, error.reason)).collect();
            put("Reason", reasons.join("; "));
        }
    }
    record(values.iter().map(String::as_str).chain(set.iter().map(String::as_str)))
}

/// Returns a record of CSV, with its end.
fn record<'a>(values: impl Iterator<Item = &'a str>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing into memory succeeds, and a record of texts is text.
    let _ = writer.write_record(values);
    writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::flight_form::FlightForm;

    fn row(values: Vec<String>) -> Row {
        Row { line: 7, values, form: Ok(FlightForm::default()) }
    }

    fn answered() -> RowOutcome {
        let Value::Object(document) = json!({
            "UUID": "u-1", "Prediction": 2.0, "Class": "on time", "ArrDelay": { "Mean": 6, "P50": 5 }, "Cancelled": 0.02,
            "Reason": null,
        }) else {
            panic!("an object")
        };
        RowOutcome::Answered("u-1".into(), document)
    }

    #[test]
    fn an_answer_is_behind_the_columns_of_its_question() {
        let header = header(Format::Csv, &["Origin".to_owned(), "a b".to_owned()]).unwrap();
        assert!(header.starts_with("Origin,a b,Status,UUID,Prediction,"), "{header}");
        let answered = line(Format::Csv, 2, &row(vec!["ATL".into(), "x, \"y\"".into()]), &answered());
        assert_eq!(answered, "ATL,\"x, \"\"y\"\"\",OK,u-1,2.0,on time,6,,5,,,,,0.02,\n");
        let wrong = RowOutcome::Wrong(vec![FieldError::new("Origin", "is missing"), FieldError::new("Dest", "is")]);
        let short = line(Format::Csv, 2, &row(vec!["ATL".into()]), &wrong);
        assert_eq!(short, "ATL,,ERROR,,,,,,,,,,,,Origin: is missing; Dest: is\n");
    }

    #[test]
    fn a_line_of_ndjson_says_which_line_it_answers() {
        let lines = [
            answered(),
            RowOutcome::Waits("w".into()),
            RowOutcome::Rejected("r".into(), "why".into()),
            RowOutcome::Wrong(vec![FieldError::new("Origin", "is missing")]),
        ];
        let lines: Vec<Value> =
            lines.iter().map(|it| serde_json::from_str(&line(Format::Ndjson, 0, &row(vec![]), it)).unwrap()).collect();
        assert!(lines.iter().all(|line| line["line"] == 7));
        assert_eq!(lines[0]["prediction"]["ArrDelay"]["P50"], 5);
        assert_eq!(lines[1], json!({ "line": 7, "status": "WAIT", "id": "w" }));
        assert_eq!(lines[2], json!({ "line": 7, "status": "REJECTED", "id": "r", "reason": "why" }));
        let error = json!([{ "field": "Origin", "reason": "is missing" }]);
        assert_eq!(lines[3], json!({ "line": 7, "status": "ERROR", "errors": error }));
    }

    proptest! {
        #[test]
        fn a_record_is_read_as_it_was_written(values in proptest::collection::vec("\\PC{0,9}|[\",\r\n]{1,4}", 2..6)) {
            let text = record(values.iter().map(String::as_str));
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
            let read: Vec<Vec<String>> =
                reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
            prop_assert_eq!(read, vec![values]);
        }
    }
}
