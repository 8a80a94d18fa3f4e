//! From requests to answers.

use std::sync::Arc;

use chrono::Utc;
use delaycast::{answer::Answer, log::Message, model::Scorer, request::Request};
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{StreamVec, channels::pact::Pipeline, operators::Operator},
};

use super::{Timestamp, ledger::SharedLedger};

/// Scores requests in the batches that they come in; it never waits to fill one.
pub(super) fn score<'scope>(
    requests: StreamVec<'scope, Timestamp, (Request, Message)>,
    scorer: Arc<dyn Scorer>,
    ledger: SharedLedger,
) -> StreamVec<'scope, Timestamp, (Answer, Message)> {
    let mut batch: Vec<Request> = Vec::new();
    let mut messages: Vec<Message> = Vec::new();
    let mut scores = Vec::new();
    requests.unary::<CapacityContainerBuilder<Vec<(Answer, Message)>>, _, _, _>(Pipeline, "Score", |_, _| {
        move |input, output| {
            input.for_each_stamp(|capability, containers| {
                for (request, message) in containers.flat_map(|container| container.drain(..)) {
                    batch.push(request);
                    messages.push(message);
                }
                scorer.score(&batch, &mut scores);
                if scores.len() != batch.len() {
                    // A request without an answer must not be taken for done.
                    let (asked, scored) = (batch.len(), scores.len());
                    let broken = format!("model {} gave {scored} scores for {asked} requests", scorer.version());
                    ledger.borrow_mut().broken = Some(broken);
                }
                let scored_at = Utc::now();
                let answers = batch.drain(..).zip(scores.drain(..)).zip(messages.drain(..));
                output.session(&capability).give_iterator(answers.map(|((request, score), message)| {
                    (Answer { request, score, model: scorer.version().clone(), scored_at }, message)
                }));
            });
        }
    })
}
