//! Answers requests on a pipe, without a log or a store.

use std::io::{self, BufReader, Read, Write};

use engine::{
    clock,
    document::to_text,
    model::Scorer,
    ndjson::{Line, Lines},
    request::RequestId,
};
use serde_json::json;

use crate::{
    domain::{Answer, Flights},
    request::{self, MESSAGE_BYTES_MAX, Request},
};

/// Upper bound on the requests that are scored together.
const BATCH_MAX: usize = 1024;

/// The numbers of answered and rejected lines.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Requests answered.
    pub answered: usize,
    /// Lines that are not a request.
    pub rejected: usize,
}

/// A failure to read or to write.
#[derive(Debug, thiserror::Error)]
pub enum PredictError {
    /// The requests cannot be read.
    #[error("cannot read the requests")]
    Read(#[source] io::Error),
    /// The answers cannot be written.
    #[error("cannot write the answers")]
    Write(#[source] io::Error),
}

/// A line that is not a request.
struct Rejected {
    id: Option<RequestId>,
    reason: String,
}

/// Reads one request per line and writes one line for each, in order: the answer's document, or
/// `{"status":"REJECTED","line":3,"id":"…","reason":"…"}`, where `id` is null if unknown. Answers are written as soon
/// as no more input is buffered.
pub fn predict(scorer: &dyn Scorer<Flights>, input: impl Read, mut output: impl Write) -> Result<Counts, PredictError> {
    let mut lines = Lines::new(BufReader::new(input), MESSAGE_BYTES_MAX);
    let mut counts = Counts::default();
    let mut batch: Vec<(usize, Result<Request, Rejected>)> = Vec::new();
    while let Some((number, line)) = lines.next_line().map_err(PredictError::Read)? {
        let request = match line {
            Line::Whole(bytes) => {
                request::decode(&bytes).map_err(|malformed| Rejected { id: malformed.id, reason: malformed.reason })
            }
            Line::TooLong(len) => {
                let reason = format!("the line has {len} bytes, more than {MESSAGE_BYTES_MAX}");
                Err(Rejected { id: None, reason })
            }
        };
        batch.push((number, request));
        if batch.len() == BATCH_MAX || !lines.has_line() {
            answer(scorer, &mut batch, &mut output, &mut counts).map_err(PredictError::Write)?;
        }
    }
    answer(scorer, &mut batch, &mut output, &mut counts).map_err(PredictError::Write)?;
    Ok(counts)
}

fn answer(
    scorer: &dyn Scorer<Flights>,
    batch: &mut Vec<(usize, Result<Request, Rejected>)>,
    output: &mut impl Write,
    counts: &mut Counts,
) -> io::Result<()> {
    let requests: Vec<Request> = batch.iter().filter_map(|(_, request)| request.as_ref().ok().cloned()).collect();
    let mut scores = Vec::with_capacity(requests.len());
    scorer.score(&requests, &mut scores);
    let scored_at = clock::now();
    let mut answers = requests.into_iter().zip(scores);
    for (number, request) in batch.drain(..) {
        match request {
            Ok(_) => {
                let Some((request, score)) = answers.next() else { continue };
                counts.answered += 1;
                let answer = Answer { request, score, model: scorer.version().clone(), scored_at };
                output.write_all(to_text(&answer.to_document()).as_bytes())?;
            }
            Err(Rejected { id, reason }) => {
                counts.rejected += 1;
                let id = id.as_ref().map(RequestId::as_str);
                let line = json!({ "status": "REJECTED", "line": number, "id": id, "reason": reason });
                serde_json::to_writer(&mut *output, &line)?;
            }
        }
        output.write_all(b"\n")?;
    }
    output.flush()
}
