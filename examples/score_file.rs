//! Scores the flights of a CSV or NDJSON file with a trained model, without a log or a store: a line of JSON for each.
//!
//! `cargo run --package delaycast-examples --bin score-file -- var/models flights.csv >answers.ndjson`
//!
//! The first line of a CSV file names the fields of a request, as in `UUID,Carrier,Origin,Dest,FlightDate,DepDelay`:
//! docs/compatibility.md has them all. Values have no commas and no quotes. A line that is no request is answered with
//! its number and the reason. `delaycast predict` does the same for NDJSON on a pipe.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Write},
    path::Path,
};

use anyhow::Context;
use delaycast::{
    domain::Answer,
    model::{ModelDir, VersionedModel},
    request::{self, MESSAGE_BYTES_MAX, Request},
};
use engine::{
    clock,
    document::Json,
    ndjson::{Line, Lines},
};
use serde_json::{Map, Value, json};

/// Number of lines that are scored together: a forest is faster on many rows than on one.
const BATCH_LINES: usize = 1024;

/// The requests of a file.
struct Requests<R> {
    lines: Lines<R>,
    /// The fields that the first line of a CSV file names.
    header: Option<Vec<String>>,
}

impl<R: BufRead> Requests<R> {
    /// Starts to read a file, which is NDJSON if it begins with a brace.
    fn new(mut input: R) -> anyhow::Result<Self> {
        let is_json = input.fill_buf()?.trim_ascii_start().starts_with(b"{");
        let mut requests = Requests { lines: Lines::new(input, MESSAGE_BYTES_MAX), header: None };
        if !is_json && let Some((_, Line::Whole(header))) = requests.lines.next_line()? {
            let header = String::from_utf8(header).context("the first line is not UTF-8")?;
            requests.header = Some(header.split(',').map(|name| name.trim().to_owned()).collect());
        }
        Ok(requests)
    }

    /// Returns the number of the next line, and its request or the reason why it is none.
    fn next(&mut self) -> io::Result<Option<(usize, Result<Request, String>)>> {
        let Some((number, line)) = self.lines.next_line()? else { return Ok(None) };
        let message = match (line, &self.header) {
            (Line::TooLong(len), _) => Err(format!("the line has {len} bytes, more than {MESSAGE_BYTES_MAX}")),
            (Line::Whole(line), None) => Ok(line),
            (Line::Whole(line), Some(header)) => to_message(&line, header),
        };
        let decode = |message: Vec<u8>| request::decode(&message).map_err(|malformed| malformed.reason);
        Ok(Some((number, message.and_then(decode))))
    }
}

/// Makes the message of a line of CSV. An empty value is a field that is not known.
fn to_message(line: &[u8], header: &[String]) -> Result<Vec<u8>, String> {
    let text = std::str::from_utf8(line).map_err(|error| error.to_string())?;
    let values: Vec<&str> = text.split(',').map(str::trim).collect();
    if values.len() != header.len() {
        return Err(format!("the line has {} values, and the first one names {}", values.len(), header.len()));
    }
    let fields = header.iter().zip(values).filter(|(_, value)| !value.is_empty());
    let fields: Map<String, Value> = fields.map(|(name, value)| (name.clone(), value.into())).collect();
    Ok(Value::Object(fields).to_string().into_bytes())
}

/// Scores all lines of a file, and writes a line for each, in order. Returns the numbers of answers and of other lines.
fn score_file(model: &VersionedModel, path: &Path, output: &mut impl Write) -> anyhow::Result<(usize, usize)> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut requests = Requests::new(BufReader::new(file)).with_context(|| format!("in {}", path.display()))?;
    let (mut answered, mut rejected) = (0, 0);
    loop {
        let mut batch = Vec::new();
        while batch.len() < BATCH_LINES
            && let Some(line) = requests.next().with_context(|| format!("cannot read {}", path.display()))?
        {
            batch.push(line);
        }
        if batch.is_empty() {
            output.flush()?;
            return Ok((answered, rejected));
        }
        let valid: Vec<Request> = batch.iter().filter_map(|(_, request)| request.as_ref().ok().cloned()).collect();
        let mut scores = Vec::with_capacity(valid.len());
        model.model.score(&valid, &mut scores);
        let (mut scores, scored_at) = (scores.into_iter(), clock::now());
        for (line, request) in batch {
            match request {
                Ok(request) => {
                    let score = scores.next().context("the model has not scored every request")?;
                    let answer = Answer { request, score, model: model.version.clone(), scored_at };
                    serde_json::to_writer(&mut *output, &Json(&answer.to_document()))?;
                    answered += 1;
                }
                Err(reason) => {
                    serde_json::to_writer(&mut *output, &json!({ "line": line, "reason": reason }))?;
                    rejected += 1;
                }
            }
            output.write_all(b"\n")?;
        }
    }
}

#[allow(clippy::print_stderr)]
fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [models, flights] = arguments.as_slice() else {
        anyhow::bail!("usage: score-file MODELS FILE, as in: score-file var/models flights.csv");
    };
    let model = ModelDir::new(models).load_current()?;
    let (answered, rejected) = score_file(&model, flights.as_ref(), &mut BufWriter::new(io::stdout().lock()))?;
    eprintln!("{answered} answered, {rejected} rejected");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs, num::NonZeroUsize, sync::Arc};

    use chrono::{NaiveDate, TimeDelta};
    use delaycast::{
        airports::Airports,
        features::{Preset, Query, TrainingFlight},
        flight::Code,
        forest::ForestSettings,
    };
    use delaycast_train::{OnProgress, TrainingPlan, train_model};
    use engine::answer::ModelVersion;

    use super::*;

    /// A model of flights that arrive as late as they left.
    fn model() -> VersionedModel {
        let [carrier, origin, dest] = ["B6", "JFK", "LAX"].map(|code| code.parse::<Code>().unwrap());
        let flight = |n: u16| {
            let date = NaiveDate::default() + TimeDelta::days(i64::from(n / 10));
            let minutes = f32::from(n % 80) - 20.0;
            TrainingFlight::new(&Query::new(date, carrier, origin, dest), minutes, minutes)
        };
        let flights: Vec<TrainingFlight> = (0..400).map(flight).collect();
        let preset = Preset::Default;
        let settings = ForestSettings { trees: 3, min_samples_leaf: 1, ..ForestSettings::from_preset(preset, 1) };
        let plan = TrainingPlan { preset, settings: settings.into(), holdout_from: None, workers: NonZeroUsize::MIN };
        let on_progress: OnProgress = Arc::new(|_| ());
        train_model(&flights, Airports::default(), &plan, &on_progress).unwrap().versioned(ModelVersion::new("m1"))
    }

    /// Scores a file with this content. Returns the counts and the lines.
    fn scored(content: &str) -> ((usize, usize), Vec<Value>) {
        let (dir, mut output) = (tempfile::tempdir().unwrap(), Vec::new());
        let path = dir.path().join("flights");
        fs::write(&path, content).unwrap();
        let counts = score_file(&model(), &path, &mut output).unwrap();
        (counts, output.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }

    #[test]
    fn a_csv_file_is_scored_line_by_line() {
        let (counts, lines) = scored(
            "UUID,Carrier,Origin,Dest,FlightDate,DepDelay,CRSDepTime,CRSArrTime\n\
             late,B6,JFK,LAX,2013-02-10,55,1745,2030\n\
             early,B6,JFK,LAX,2013-02-10,-8,,\n\
             short,B6\n\
             same,B6,JFK,JFK,2013-02-10,0,,\n",
        );
        assert_eq!(counts, (2, 2));
        assert_eq!((&lines[0]["UUID"], &lines[0]["Class"]), (&"late".into(), &"30 minutes late or more".into()));
        assert_eq!((&lines[1]["UUID"], &lines[1]["Class"]), (&"early".into(), &"up to 15 minutes early".into()));
        assert_eq!(lines[2], json!({ "line": 4, "reason": "the line has 2 values, and the first one names 8" }));
        assert_eq!(lines[3], json!({ "line": 5, "reason": "Dest: must differ from Origin" }));
    }

    #[test]
    fn more_lines_of_json_than_a_batch_has_are_scored_in_order() {
        let line =
            |n| format!(r#"{{"UUID":"{n}","Carrier":"B6","Origin":"JFK","Dest":"LAX","FlightDate":"2013-02-10"}}"#);
        let (counts, lines) = scored(&(0..1500).map(|n| line(n) + "\n").collect::<String>());
        assert_eq!(counts, (1500, 0));
        let ids: Vec<&str> = lines.iter().filter_map(|line| line["UUID"].as_str()).collect();
        assert_eq!(ids, (0..1500).map(|n| n.to_string()).collect::<Vec<_>>());
        assert_eq!(scored("").0, (0, 0));
    }
}
