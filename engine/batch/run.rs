//! Answers the tasks of a day.

use std::{
    thread,
    time::{Duration, Instant},
};

use chrono::NaiveDate;

use super::task::{BatchAnswer, Place, Task};
use crate::{
    answer::Rejection,
    clock,
    delivery::{Refusal, Unavailable, Writer},
    domain::{Answer, Domain},
    model::Scorer,
    request::RequestId,
    runtime::Backoff,
    store::Store,
};

/// Upper bound on the tasks that are read and answered together.
const TASKS_PER_PAGE_MAX: usize = 1000;
/// Time for which a store that is down is retried.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Upper bound on the rejected tasks that the log names.
const NAMED_MAX: u64 = 20;

/// The tasks of a batch so far, by what became of them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Tasks that have a result.
    pub answered: u64,
    /// Tasks that are no requests, or whose results the store refuses.
    pub rejected: u64,
}

/// Answers the tasks of a day. `progress` is told the counts after each page.
///
/// # Errors
///
/// The store keeps no batches, or is down for longer than [`PATIENCE`].
pub fn run<D: Domain>(
    store: &dyn Store<D>,
    scorer: &dyn Scorer<D>,
    day: NaiveDate,
    mut progress: impl FnMut(Counts),
) -> Result<Counts, Unavailable> {
    let batches = patiently(|| store.batches())?;
    let mut writers =
        Writers { results: patiently(|| store.results())?, rejections: patiently(|| store.rejections())?, named: 0 };
    let (mut counts, mut from) = (Counts::default(), Place::default());
    loop {
        let tasks = patiently(|| batches.tasks(day, &from, TASKS_PER_PAGE_MAX))?;
        from = from.after(tasks.iter().map(|task| task.stamp.as_str()));
        let is_last = tasks.len() < TASKS_PER_PAGE_MAX;
        let rejected = writers.answer(scorer, &tasks)?;
        counts.rejected += rejected;
        counts.answered += tasks.len() as u64 - rejected;
        progress(counts);
        if is_last {
            return Ok(counts);
        }
    }
}

/// The writers of a batch.
struct Writers<D: Domain> {
    results: Box<dyn Writer<BatchAnswer<D>>>,
    rejections: Box<dyn Writer<Rejection>>,
    /// The number of rejected tasks that the log has named.
    named: u64,
}

impl<D: Domain> Writers<D> {
    /// Answers some tasks, and returns how many of them are rejected.
    fn answer(&mut self, scorer: &dyn Scorer<D>, tasks: &[Task]) -> Result<u64, Unavailable> {
        let (mut requests, mut stamps, mut rejections, mut rejected) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for task in tasks {
            // A map of JSON always has a text.
            let message = serde_json::to_vec(&task.message).unwrap_or_default();
            match D::decode(&message) {
                Ok(request) => {
                    requests.push(request);
                    stamps.push(task.stamp.clone());
                }
                Err(malformed) => {
                    rejected += 1;
                    self.name(&task.id, &malformed.reason);
                    let id = malformed.id.or_else(|| RequestId::new(task.id.clone()).ok());
                    let reason = malformed.reason;
                    rejections.extend(id.map(|id| Rejection { id, reason, rejected_at: clock::now() }));
                }
            }
        }
        let mut scores = Vec::with_capacity(requests.len());
        scorer.score(&requests, &mut scores);
        let scored_at = clock::now();
        let answer = |((request, score), stamp)| {
            let model = scorer.version().clone();
            BatchAnswer { answer: Answer { request, score, model, scored_at }, stamp }
        };
        let answers: Vec<BatchAnswer<D>> = requests.into_iter().zip(scores).zip(stamps).map(answer).collect();
        for Refusal { row, reason } in patiently(|| self.results.write(&answers))? {
            rejected += 1;
            let id = answers.get(row).map_or("", |answer| answer.answer.id().as_str()).to_owned();
            self.name(&id, &format!("the store refuses the result: {reason}"));
        }
        for Refusal { row, reason } in patiently(|| self.rejections.write(&rejections))? {
            let id = rejections.get(row).map_or("", |rejection| rejection.id.as_str());
            tracing::error!("the rejection of task {id} is refused by the store: {reason}");
        }
        Ok(rejected)
    }

    fn name(&mut self, id: &str, reason: &str) {
        self.named += 1;
        if self.named <= NAMED_MAX {
            tracing::warn!("task {id:?} has no result: {reason}");
        } else if self.named == NAMED_MAX + 1 {
            tracing::warn!("more tasks have no result; they are counted, and no longer named");
        }
    }
}

/// Calls until it succeeds, for [`PATIENCE`] at most, and once if only an operator can help.
fn patiently<T>(mut call: impl FnMut() -> Result<T, Unavailable>) -> Result<T, Unavailable> {
    let (deadline, mut backoff) = (Instant::now() + PATIENCE, Backoff::new());
    loop {
        match call() {
            Err(error) if !error.needs_operator && Instant::now() < deadline => {
                tracing::warn!("{error}; trying again");
                thread::sleep(backoff.next_pause(false));
            }
            result => return result,
        }
    }
}
