//! From messages to answers: the operators that decode messages and score requests. A message that cannot be decoded
//! becomes a dead record.

use std::collections::VecDeque;

use engine::{
    answer::Rejection,
    clock,
    domain::{Answer, Domain},
    live::EventTime,
    log::{DeadLetter, DeadLetterReason, Message},
    output::{OutputOutcome, OutputRow},
    request::{MalformedKind, RequestId},
};
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        StreamVec,
        channels::pact::Pipeline,
        operators::{Capability, Operator},
    },
};

use super::{
    clock::Timestamp,
    generation::Shared,
    land::RefusedRow,
    named::ok_err,
    source::Record,
    swap::{ActiveModels, SharedSchedule},
};

/// A record that gets no answer (rule 6).
#[derive(Clone)]
pub(super) struct DeadRecord {
    message: Message,
    id: Option<RequestId>,
    reason: String,
    kind: DeadLetterReason,
}

impl DeadRecord {
    /// Returns the record of an answer that the store refuses permanently.
    pub(super) fn refused<D: Domain>(returned: RefusedRow<Answer<D>, Record>) -> Self {
        DeadRecord {
            message: returned.context.message,
            id: Some(returned.row.id().clone()),
            reason: format!("the store refuses the answer: {}", returned.reason),
            kind: DeadLetterReason::RefusedByStore,
        }
    }

    /// Returns the rejection, if the request's ID is known.
    pub(super) fn rejection(self) -> Option<(Rejection, ())> {
        self.id.map(|id| (Rejection { id, reason: self.reason, rejected_at: clock::now() }, ()))
    }

    /// Returns the message of the rejection, if the request's ID is known.
    pub(super) fn message<D: Domain>(self) -> Option<(OutputRow<D>, Option<u64>)> {
        let (position, topic_id) = (self.message.position, self.message.topic_id);
        let (rejection, ()) = self.rejection()?;
        Some((OutputRow { outcome: OutputOutcome::Rejected(rejection), position, topic_id }, None))
    }

    /// Returns the dead letter, and the reason that it is counted under.
    pub(super) fn into_dead_letter(self) -> (DeadLetter, DeadLetterReason) {
        let DeadRecord { message, id, reason, kind } = self;
        (DeadLetter::new(message, id, reason, kind.clone()), kind)
    }
}

/// Splits records into requests and malformed records. Each request is sent on with its record.
// The error is as large as the value, and both are moved once.
#[allow(clippy::type_complexity, clippy::result_large_err)]
pub(super) fn decode<'scope, D: Domain>(
    records: StreamVec<'scope, Timestamp, Record>,
) -> (StreamVec<'scope, Timestamp, (D::Request, Record)>, StreamVec<'scope, Timestamp, DeadRecord>) {
    ok_err(records, "Decode", |record| {
        let message = &record.message;
        // A truncated payload is longer than any request may be, so the rest is refused for its length.
        match D::decode(message.payload.bytes()) {
            Ok(request) => Ok((request, record)),
            Err(malformed) => {
                let (len, kept) = (message.payload.len(), message.payload.bytes().len());
                let too_long =
                    (len > kept).then(|| format!("the message has {len} bytes, more than {}", D::MESSAGE_BYTES_MAX));
                let kind = if too_long.is_some() { MalformedKind::TooLong } else { malformed.kind };
                let reason = too_long.unwrap_or(malformed.reason);
                Err(DeadRecord { message: record.message, id: malformed.id, reason, kind: kind.into() })
            }
        }
    })
}

/// Requests of one timestamp whose model is not known yet.
type Waiting<D> = (Capability<Timestamp>, Vec<(<D as Domain>::Request, Record)>);

/// Scores requests in the batches in which they arrive, with the model that is active at their timestamp. It waits only
/// while that model is not known yet, and keeps the order.
pub(super) fn score<'scope, D: Domain>(
    requests: StreamVec<'scope, Timestamp, (D::Request, Record)>,
    schedule: SharedSchedule<D>,
    shared: &Shared<D>,
) -> StreamVec<'scope, Timestamp, (Answer<D>, Record)> {
    let scope = requests.scope();
    let mut batch = Batch { shared: shared.clone(), requests: Vec::new(), records: Vec::new(), scores: Vec::new() };
    // Bounded by the records in flight.
    let mut waiting: VecDeque<Waiting<D>> = VecDeque::new();
    requests.unary_frontier::<CapacityContainerBuilder<Vec<(Answer<D>, Record)>>, _, _, _>(
        Pipeline,
        "Score",
        |_, info| {
            schedule.borrow_mut().set_reader(scope.activator_for(info.address));
            move |(input, frontier), output| {
                let mut schedule = schedule.borrow_mut();
                while let Some((capability, requests)) = waiting.front_mut()
                    && let Some(models) = schedule.models_at(*capability.time())
                {
                    output.session(capability).give_iterator(batch.score(models, requests.drain(..)));
                    waiting.pop_front();
                }
                input.for_each_stamp(|capability, containers| {
                    let Some(&at) = capability.least() else { return };
                    let requests = containers.flat_map(|container| container.drain(..));
                    if waiting.is_empty()
                        && let Some(models) = schedule.models_at(at)
                    {
                        output.session(&capability).give_iterator(batch.score(models, requests));
                    } else if let Some(capability) = capability.retain_least(0) {
                        waiting.push_back((capability, requests.collect()));
                    }
                });
                let next_input = frontier.frontier().first().copied().unwrap_or(Timestamp::MAX);
                let oldest_waiting = waiting.iter().map(|(capability, _)| *capability.time()).min();
                schedule.drop_before(oldest_waiting.map_or(next_input, |oldest| oldest.min(next_input)));
            }
        },
    )
}

/// Requests that one model scores together.
struct Batch<D: Domain> {
    shared: Shared<D>,
    requests: Vec<D::Request>,
    records: Vec<Record>,
    scores: Vec<D::Score>,
}

impl<D: Domain> Batch<D> {
    fn score(
        &mut self,
        models: &ActiveModels<D>,
        requests: impl Iterator<Item = (D::Request, Record)>,
    ) -> impl Iterator<Item = (Answer<D>, Record)> {
        let observer = self.shared.observer.as_deref();
        for (mut request, record) in requests {
            if let Some(observer) = observer {
                observer.observe(&mut request, (record.read_us / 1000) as EventTime);
            }
            self.requests.push(request);
            self.records.push(record);
        }
        let scorer = &models.current;
        scorer.score(&self.requests, &mut self.scores);
        self.shared.counters.scored.add(self.scores.len());
        let (requests, scores) = (self.requests.len(), self.scores.len());
        if scores != requests {
            // The offset of a request without an answer must not be committed.
            let broken = format!("model {} gave {scores} scores for {requests} requests", scorer.version());
            self.shared.in_flight.borrow_mut().broken = Some(broken);
        }
        if let (Some(shadow), Some(shadow_queue)) = (&models.shadow, &self.shared.shadow_queue) {
            shadow_queue.offer(shadow, scorer.version(), &self.requests, &self.scores);
        }
        let (model, scored_at) = (scorer.version().clone(), clock::now());
        let scored = self.requests.drain(..).zip(self.scores.drain(..)).zip(self.records.drain(..));
        scored
            .map(move |((request, score), record)| (Answer { request, score, model: model.clone(), scored_at }, record))
    }
}
