//! The sinks: they write rows to a store, and hold the capability of a batch until the store has acknowledged it.

use std::{collections::HashMap, fmt, iter, slice};

use engine::{delivery::Delivery, domain::Domain};
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        StreamVec,
        channels::pact::Pipeline,
        operators::{Capability, Operator},
    },
};

use super::{clock::Timestamp, connections::DeferredActivator, generation::Shared, named::flat_map};

/// A row that its store refuses permanently.
#[derive(Clone)]
pub(super) struct RefusedRow<T, C> {
    pub(super) row: T,
    pub(super) context: C,
    pub(super) reason: String,
}

/// The contexts of rows that have landed.
pub(super) type Landed<'a, C> = iter::Flatten<slice::Iter<'a, Option<C>>>;

/// Writes rows, keeps the context of each in memory, and returns the refused rows (rules 3 and 6).
///
/// A batch's capability is dropped when `delivery` has settled the batch. `count` gets the contexts of the rows that
/// have landed.
pub(super) fn land<'scope, D, T, C>(
    rows: StreamVec<'scope, Timestamp, (T, C)>,
    name: &str,
    (mut delivery, activator): (Delivery<T>, DeferredActivator),
    shared: &Shared<D>,
    count: fn(&Shared<D>, Landed<'_, C>),
) -> StreamVec<'scope, Timestamp, RefusedRow<T, C>>
where
    D: Domain,
    T: Clone + Send + 'static,
    C: Clone + 'static,
{
    let scope = rows.scope();
    let shared = shared.clone();
    rows.unary::<CapacityContainerBuilder<Vec<RefusedRow<T, C>>>, _, _, _>(Pipeline, name, move |_, info| {
        activator.bind(scope.worker().sync_activator_for(info.address.to_vec()));
        let mut obligations: HashMap<u64, (Capability<Timestamp>, Vec<Option<C>>)> = HashMap::new();
        let mut next_token = 0;
        move |input, output| {
            let mut broken = None;
            input.for_each_stamp(|capability, containers| {
                let (rows, contexts) = containers
                    .flat_map(|container| container.drain(..))
                    .map(|(row, context)| (row, Some(context)))
                    .unzip();
                if let Some(capability) = capability.retain_least(0) {
                    obligations.insert(next_token, (capability, contexts));
                    broken = delivery.submit(next_token, rows).err().or(broken.take());
                    next_token += 1;
                }
            });
            loop {
                match delivery.poll() {
                    Ok(None) => break,
                    Ok(Some(settled)) => {
                        let Some((capability, mut contexts)) = obligations.remove(&settled.token) else { continue };
                        let mut session = output.session(&capability);
                        for refused in settled.refused {
                            if let Some(context) = contexts.get_mut(refused.index).and_then(Option::take) {
                                session.give(RefusedRow { row: refused.row, context, reason: refused.reason });
                            }
                        }
                        count(&shared, contexts.iter().flatten());
                    }
                    Err(gone) => {
                        broken = Some(gone);
                        break;
                    }
                }
            }
            if let Some(gone) = broken {
                shared.in_flight.borrow_mut().broken = Some(gone.to_string());
            }
        }
    })
}

/// Logs the rows that the dead-letter log or the store of rejections refuses, and drops them.
pub(super) fn log_lost<'scope, T, C>(
    refused: StreamVec<'scope, Timestamp, RefusedRow<T, C>>,
) -> StreamVec<'scope, Timestamp, ()>
where
    T: fmt::Debug + 'static,
    C: 'static,
{
    flat_map(refused, "LogLost", |RefusedRow { row, reason, .. }| {
        tracing::error!("refused for good, and so lost: {reason}: {row:?}");
        None::<()>
    })
}
