//! `flat_map` and `ok_err` with a name of their own: timely calls all of them the same, and its log and the page of the
//! dataflow show names.

use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        StreamVec,
        channels::pact::Pipeline,
        operators::{
            Operator,
            generic::{OutputBuilder, builder_rc::OperatorBuilder},
        },
    },
    progress::operate::FrontierInterest,
};

use super::clock::Timestamp;

/// Returns the items that `logic` makes of each record.
pub(super) fn flat_map<'scope, A: 'static, B: 'static, I: IntoIterator<Item = B>>(
    records: StreamVec<'scope, Timestamp, A>,
    name: &str,
    mut logic: impl FnMut(A) -> I + 'static,
) -> StreamVec<'scope, Timestamp, B> {
    records.unary::<CapacityContainerBuilder<Vec<B>>, _, _, _>(Pipeline, name, move |_, _| {
        move |input, output| {
            input.for_each_stamp(|capability, containers| {
                let records = containers.flat_map(|container| container.drain(..));
                output.session(&capability).give_iterator(records.flat_map(&mut logic));
            });
        }
    })
}

/// Returns the values of `logic`, and its errors.
pub(super) fn ok_err<'scope, A: 'static, B: 'static, E: 'static>(
    records: StreamVec<'scope, Timestamp, A>,
    name: &str,
    mut logic: impl FnMut(A) -> Result<B, E> + 'static,
) -> (StreamVec<'scope, Timestamp, B>, StreamVec<'scope, Timestamp, E>) {
    let mut builder = OperatorBuilder::new(name.to_owned(), records.scope());
    let mut input = builder.new_input(records, Pipeline);
    builder.set_notify_for(0, FrontierInterest::Never);
    let (values, value_stream) = builder.new_output();
    let (errors, error_stream) = builder.new_output();
    let mut values = OutputBuilder::<_, CapacityContainerBuilder<Vec<B>>>::from(values);
    let mut errors = OutputBuilder::<_, CapacityContainerBuilder<Vec<E>>>::from(errors);
    builder.build(move |_| {
        move |_| {
            let (mut values, mut errors) = (values.activate(), errors.activate());
            input.for_each_stamp(|capability, containers| {
                let (mut values, mut errors) = (values.session(&capability), errors.session(&capability));
                for record in containers.flat_map(|container| container.drain(..)) {
                    match logic(record) {
                        Ok(value) => values.give(value),
                        Err(error) => errors.give(error),
                    }
                }
            });
        }
    });
    (value_stream, error_stream)
}
