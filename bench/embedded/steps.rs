//! The steps of scoring alone, on one thread.

use std::{hint::black_box, time::Instant};

use chrono::Utc;
use delaycast::{
    domain::{Answer, Flights},
    model::{Model, VersionedModel},
    request::{Request, decode, encode},
};
use engine::{delivery::Writer, document::to_text, model::Scorer, store};

use super::EmbeddedFile;

/// Rows per write, as many as two busy workers have.
pub(super) const BATCH: usize = 2000;

/// Requests per second of each step.
pub(super) struct Steps {
    pub(super) decoded_per_s: f64,
    pub(super) scored_per_s: f64,
    pub(super) encoded_per_s: f64,
    pub(super) written_per_s: f64,
    /// The mean length of an answer's JSON.
    pub(super) answer_bytes: usize,
}

/// Answers requests without a dataflow.
pub(crate) fn answers(model: &VersionedModel, asked: &[Request]) -> Vec<Answer> {
    let mut scores = Vec::with_capacity(asked.len());
    model.score(asked, &mut scores);
    let answer = |(request, score): (&Request, _)| Answer {
        request: request.clone(),
        score,
        model: model.version.clone(),
        scored_at: Utc::now(),
    };
    asked.iter().zip(scores).map(answer).collect()
}

/// Puts answers into JSON; returns the bytes of all.
pub(super) fn encode_all(answers: &[Answer]) -> usize {
    answers.iter().map(|answer| to_text(&answer.to_document()).len()).sum()
}

/// Writes answers in batches.
pub(super) fn write_all(writer: &mut dyn Writer<Answer>, answers: &[Answer]) -> anyhow::Result<()> {
    for batch in answers.chunks(BATCH) {
        writer.write(batch)?;
    }
    Ok(())
}

/// Scores requests in batches, and drops the scores.
pub(crate) fn score_all(model: &Model, asked: &[Request], batch: usize) {
    let mut scores = Vec::with_capacity(batch);
    for batch in asked.chunks(batch) {
        scores.clear();
        model.score(batch, &mut scores);
        black_box(&scores);
    }
}

/// Measures each step. The last one is the store's own throughput.
pub(super) fn measure(asked: &[Request], model: &VersionedModel) -> anyhow::Result<Steps> {
    let per_s = |started: Instant| asked.len() as f64 / started.elapsed().as_secs_f64();
    let messages: Vec<String> = asked.iter().map(encode).collect();
    let started = Instant::now();
    let decoded = messages.iter().filter(|message| decode(message.as_bytes()).is_ok()).count();
    let decoded_per_s = per_s(started);
    anyhow::ensure!(decoded == asked.len(), "only {decoded} messages can be decoded");

    let started = Instant::now();
    score_all(&model.model, asked, BATCH);
    let scored_per_s = per_s(started);

    let answers = answers(model, asked);
    let started = Instant::now();
    let bytes = encode_all(&answers);
    let encoded_per_s = per_s(started);

    let file = EmbeddedFile::new("")?;
    let mut writer = store::open::<Flights>(&file.url)?.answers()?;
    let started = Instant::now();
    write_all(&mut *writer, &answers)?;
    let written_per_s = per_s(started);
    Ok(Steps { decoded_per_s, scored_per_s, encoded_per_s, written_per_s, answer_bytes: bytes / answers.len().max(1) })
}
