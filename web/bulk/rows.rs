//! Reads a file of questions: CSV with a header, or NDJSON. A wrong row is told by its line, and stops no other.

use serde_json::{Map, Value};

use crate::{body::Pairs, field_error::FieldError, flight_form::FlightForm, texts::message};

/// Upper bound on the rows of a file.
pub(crate) const ROWS_MAX: usize = 10_000;
/// The name of the file in an error.
const FILE: &str = "file";

/// The formats of a file, which are those of its answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    Ndjson,
}

impl Format {
    /// Returns the format of a content type; `None` if it tells none.
    pub(super) fn of_content_type(content_type: &str) -> Option<Self> {
        match content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "text/csv" | "application/csv" => Some(Format::Csv),
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines" => {
                Some(Format::Ndjson)
            }
            _ => None,
        }
    }

    /// Returns the format of a text: that of its first character. No name of a column begins with a brace.
    pub(super) fn of_text(text: &str) -> Self {
        if text.trim_start().starts_with('{') { Format::Ndjson } else { Format::Csv }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8",
            Format::Ndjson => "application/x-ndjson",
        }
    }

    pub(super) fn extension(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Ndjson => "ndjson",
        }
    }
}

/// The questions of a file.
#[derive(Debug)]
pub(crate) struct Rows {
    /// The names of the columns; empty in NDJSON.
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Row>,
}

/// A row of a file.
#[derive(Debug)]
pub(crate) struct Row {
    /// The number of its first line, from 1 on.
    pub(super) line: u64,
    /// Its values as they were sent, in the order of the header; empty in NDJSON.
    pub(super) values: Vec<String>,
    /// The question, or the reason why it is none.
    pub(super) form: Result<FlightForm, FieldError>,
}

/// Reads a file. Fails if it is none of questions as a whole.
pub(crate) fn read(text: &str, format: Format) -> Result<Rows, FieldError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let read = match format {
        Format::Csv => read_csv(text)?,
        Format::Ndjson => read_ndjson(text)?,
    };
    if read.rows.is_empty() {
        return Err(FieldError::new(FILE, message!("file-empty")));
    }
    Ok(read)
}

fn too_long() -> FieldError {
    FieldError::new(FILE, message!("file-too-long", most = ROWS_MAX.to_string()))
}

fn read_csv(text: &str) -> Result<Rows, FieldError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let malformed = |error: csv::Error| FieldError::new(FILE, message!("file-not-csv", error = error.to_string()));
    let header: Vec<String> = reader.headers().map_err(malformed)?.iter().map(str::to_owned).collect();
    let known: Vec<Option<&'static str>> = header.iter().map(|name| FlightForm::field_named(name)).collect();
    if known.iter().all(Option::is_none) {
        let names = FlightForm::names().collect::<Vec<_>>().join(", ");
        return Err(FieldError::new(FILE, message!("file-no-column", names = names)));
    }
    if let Some((index, _)) = known.iter().enumerate().find(|(n, name)| name.is_some() && known[..*n].contains(name)) {
        return Err(FieldError::new(FILE, message!("file-column-twice", name = header[index].clone())));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(malformed)?;
        if rows.len() == ROWS_MAX {
            return Err(too_long());
        }
        let values: Vec<String> = record.iter().map(str::to_owned).collect();
        let form = if values.len() == header.len() {
            let pairs =
                known.iter().zip(&values).filter_map(|(name, value)| Some(((*name)?.to_owned(), Ok(value.clone()))));
            Ok(FlightForm::from_pairs(pairs.collect()).0)
        } else {
            Err(FieldError::new("row", format!("has {} values, and the header has {}", values.len(), header.len())))
        };
        rows.push(Row { line: record.position().map_or(0, |at| line_of(text, at)), values, form });
    }
    Ok(Rows { header, rows })
}

/// Returns the number of the line in which a record begins. After a line that ends with a carriage return and a line
/// feed the reader's position is between the two.
fn line_of(text: &str, at: &csv::Position) -> u64 {
    let is_between = usize::try_from(at.byte()).is_ok_and(|byte| text.as_bytes().get(byte) == Some(&b'\n'));
    at.line() + u64::from(is_between)
}

fn read_ndjson(text: &str) -> Result<Rows, FieldError> {
    let mut rows = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        if rows.len() == ROWS_MAX {
            return Err(too_long());
        }
        let form = serde_json::from_str::<Map<String, Value>>(line)
            .map_err(|error| FieldError::new("row", format!("is not a JSON object: {error}")))
            .and_then(form_of);
        rows.push(Row { line: number, values: Vec::new(), form });
    }
    Ok(Rows { header: Vec::new(), rows })
}

fn form_of(object: Map<String, Value>) -> Result<FlightForm, FieldError> {
    let mut pairs = Pairs::new();
    for (name, value) in object {
        let Some(known) = FlightForm::field_named(&name) else { continue };
        let text = match value {
            Value::Null => String::new(),
            Value::String(text) => text,
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::Array(_) | Value::Object(_) => {
                return Err(FieldError::new(known, "must be a text, a number, true, false or null"));
            }
        };
        pairs.push((known.to_owned(), Ok(text)));
    }
    Ok(FlightForm::from_pairs(pairs).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(text: &str) -> Vec<Result<String, String>> {
        let rows = read(text, Format::of_text(text)).unwrap().rows;
        let form = |form: FlightForm| {
            let texts: Vec<String> = form.texts().map(|(field, text)| format!("{}={text}", field.name())).collect();
            format!(
                "{} {}",
                form.phrase,
                texts.into_iter().filter(|text| !text.ends_with('=')).collect::<Vec<_>>().join(" ")
            )
        };
        rows.into_iter()
            .map(|row| row.form.map(form).map_err(|error| format!("{}: {}", row.line, error.reason)))
            .collect()
    }

    #[test]
    fn csv_has_a_header_whose_unknown_columns_are_kept() {
        let text = "\u{feff}carrier , Note,Origin,DEST,FlightDate\r\nAA,\"a, \"\"b\"\"\r\nc\",ATL, SFO ,2016-12-25\r\nB6,,JFK\n\n";
        let rows = read(text, Format::Csv).unwrap();
        assert_eq!(rows.header, ["carrier", "Note", "Origin", "DEST", "FlightDate"]);
        assert_eq!(rows.rows[0].values, ["AA", "a, \"b\"\r\nc", "ATL", "SFO", "2016-12-25"]);
        assert_eq!((rows.rows[0].line, rows.rows[1].line, rows.rows.len()), (2, 4, 2));
        assert_eq!(
            forms(text),
            [
                Ok(" Carrier=AA FlightDate=2016-12-25 Origin=ATL Dest=SFO".to_owned()),
                Err("4: has 3 values, and the header has 5".to_owned())
            ]
        );
    }

    #[test]
    fn ndjson_has_an_object_a_line() {
        let text = "{\"Flight\": \"B6 915 tomorrow\", \"DepDelay\": 5, \"Note\": [1]}\n\nnot json\n{\"Origin\": {}}\n";
        let read = forms(text);
        assert_eq!(read[0], Ok("B6 915 tomorrow DepDelay=5".to_owned()));
        assert!(read[1].as_ref().unwrap_err().starts_with("3: is not a JSON object"), "{read:?}");
        assert_eq!(read[2], Err("4: must be a text, a number, true, false or null".to_owned()));
    }

    #[test]
    fn a_file_that_is_none_of_questions_is_refused_as_a_whole() {
        let refused = |text: &str| read(text, Format::of_text(text)).unwrap_err().reason.to_string();
        assert!(refused("").contains("no column"), "{}", refused(""));
        assert!(refused("a,b\n1,2\n").contains("Carrier"), "{}", refused("a,b\n1,2\n"));
        assert_eq!(refused("Origin,origin\nATL,SFO\n"), "has the column origin twice");
        assert_eq!(refused("Carrier\n"), "has no questions");
        let many = format!("Flight\n{}", "AA 1\n".repeat(ROWS_MAX + 1));
        assert!(refused(&many).contains("split it"));
        assert!(read(many.trim_end_matches("AA 1\n"), Format::Csv).is_err(), "a header alone");
    }
}
