//! The sink of the output topic: answers and rejections become messages beside the store, or instead of it.
//!
//! It holds the capability of a batch as the other sinks do, so an offset is committed when both the store and the
//! topic have acknowledged (rules 3 and 4).

use engine::{
    domain::{Answer, Domain},
    output::{OutputOutcome, OutputRow},
};
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        StreamVec,
        channels::pact::Pipeline,
        operators::{
            Concat,
            generic::{OutputBuilder, builder_rc::OperatorBuilder},
        },
    },
    progress::operate::FrontierInterest,
};

use super::{
    clock::Timestamp,
    connections::OutputIo,
    count_latency,
    generation::Shared,
    infer::DeadRecord,
    land::{Landed, land, log_lost},
    named::flat_map,
    source::Record,
};

/// An answer with the record of its request.
type Scored<D> = (Answer<D>, Record);
/// A message, and the time at which its request was read, in microseconds; `None` for a rejection.
type Outgoing<D> = (OutputRow<D>, Option<u64>);

fn message<D: Domain>(answer: Answer<D>, record: &Record) -> Outgoing<D> {
    let (position, topic_id) = (record.message.position, record.message.topic_id);
    (OutputRow { outcome: OutputOutcome::Answered(Box::new(answer)), position, topic_id }, Some(record.read_us))
}

/// Passes all answers on, and returns a message of each.
pub(super) fn beside<'scope, D: Domain>(
    answers: StreamVec<'scope, Timestamp, Scored<D>>,
) -> (StreamVec<'scope, Timestamp, Scored<D>>, StreamVec<'scope, Timestamp, Outgoing<D>>) {
    let mut builder = OperatorBuilder::new("Messages".to_owned(), answers.scope());
    let mut input = builder.new_input(answers, Pipeline);
    builder.set_notify_for(0, FrontierInterest::Never);
    let (all, all_stream) = builder.new_output();
    let (messages, message_stream) = builder.new_output();
    let mut all = OutputBuilder::<_, CapacityContainerBuilder<Vec<Scored<D>>>>::from(all);
    let mut messages = OutputBuilder::<_, CapacityContainerBuilder<Vec<Outgoing<D>>>>::from(messages);
    builder.build(move |_| {
        move |_| {
            let (mut all, mut messages) = (all.activate(), messages.activate());
            input.for_each_stamp(|capability, containers| {
                for answers in containers {
                    let copies = answers.iter().map(|(answer, record)| message(answer.clone(), record));
                    messages.session(&capability).give_iterator(copies);
                    all.session(&capability).give_container(answers);
                }
            });
        }
    });
    (all_stream, message_stream)
}

/// Returns a message of each answer, where no store keeps them.
pub(super) fn instead<D: Domain>(
    answers: StreamVec<'_, Timestamp, Scored<D>>,
) -> StreamVec<'_, Timestamp, Outgoing<D>> {
    flat_map(answers, "Messages", |(answer, record)| [message(answer, &record)])
}

/// Writes messages of answers and of rejections. The stream has nothing in it: its frontier passes a timestamp when its
/// messages are durable. `counts_answers` is true if nothing else counts the answers.
pub(super) fn land_messages<'scope, D: Domain>(
    answers: StreamVec<'scope, Timestamp, Outgoing<D>>,
    dead: StreamVec<'scope, Timestamp, DeadRecord>,
    output: OutputIo<D>,
    shared: &Shared<D>,
    counts_answers: bool,
) -> StreamVec<'scope, Timestamp, ()> {
    let rejections = flat_map(dead, "RejectionMessages", DeadRecord::message);
    let count = if counts_answers { count_as_answers } else { count_messages };
    log_lost(land(answers.concat(rejections), "LandMessages", output, shared, count))
}

fn count_messages<D: Domain>(shared: &Shared<D>, messages: Landed<'_, Option<u64>>) {
    shared.counters.messages.add(messages.count());
}

fn count_as_answers<D: Domain>(shared: &Shared<D>, messages: Landed<'_, Option<u64>>) {
    let mut rejections = 0;
    let answers = messages.filter_map(|read_us| {
        rejections += usize::from(read_us.is_none());
        *read_us
    });
    let landed = count_latency(shared, answers);
    shared.counters.answers.add(landed);
    shared.counters.messages.add(landed + rejections);
}
