//! From requests to answers.

use std::sync::Arc;

use chrono::Utc;
use delaycast::{answer::Answer, model::Scorer, request::Request};
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{StreamVec, channels::pact::Pipeline, operators::Operator},
};

use super::{Shared, Timestamp, source::Record};

/// Scores requests in the batches that they come in; it never waits to fill one.
pub(super) fn score<'scope>(
    requests: StreamVec<'scope, Timestamp, (Request, Record)>,
    scorer: Arc<dyn Scorer>,
    shared: &Shared,
) -> StreamVec<'scope, Timestamp, (Answer, Record)> {
    let Shared { ledger, counters, .. } = shared.clone();
    let mut batch: Vec<Request> = Vec::new();
    let mut records: Vec<Record> = Vec::new();
    let mut scores = Vec::new();
    requests.unary::<CapacityContainerBuilder<Vec<(Answer, Record)>>, _, _, _>(Pipeline, "Score", |_, _| {
        move |input, output| {
            input.for_each_stamp(|capability, containers| {
                for (request, record) in containers.flat_map(|container| container.drain(..)) {
                    batch.push(request);
                    records.push(record);
                }
                scorer.score(&batch, &mut scores);
                counters.scored.add(scores.len());
                if scores.len() != batch.len() {
                    // A request without an answer must not be taken for done.
                    let (asked, scored) = (batch.len(), scores.len());
                    let broken = format!("model {} gave {scored} scores for {asked} requests", scorer.version());
                    ledger.borrow_mut().broken = Some(broken);
                }
                let scored_at = Utc::now();
                let answers = batch.drain(..).zip(scores.drain(..)).zip(records.drain(..));
                output.session(&capability).give_iterator(answers.map(|((request, score), record)| {
                    (Answer { request, score, model: scorer.version().clone(), scored_at }, record)
                }));
            });
        }
    })
}
