//! The schedule of a worker: the active models by timestamp.

use std::{cell::RefCell, collections::VecDeque, rc::Rc, sync::Arc};

use engine::{
    domain::Domain,
    model::{Role, Scorer},
};
use timely::scheduling::Activator;

use crate::score::clock::Timestamp;

/// Shared by the operators of one worker.
pub(in crate::score) type SharedSchedule<D> = Rc<RefCell<Schedule<D>>>;

/// The models that are active at a timestamp.
pub(in crate::score) struct ActiveModels<D: Domain> {
    /// The model that answers.
    pub(in crate::score) current: Arc<dyn Scorer<D>>,
    /// The model that is compared with it.
    pub(in crate::score) shadow: Option<Arc<dyn Scorer<D>>>,
}

impl<D: Domain> Clone for ActiveModels<D> {
    fn clone(&self) -> Self {
        ActiveModels { current: Arc::clone(&self.current), shadow: self.shadow.clone() }
    }
}

/// The changes of the active models, and the timestamp up to which they are known.
pub(in crate::score) struct Schedule<D: Domain> {
    /// In order of time; the first is valid for all timestamps before the second.
    changes: VecDeque<(Timestamp, ActiveModels<D>)>,
    /// All changes before this timestamp are known.
    known_until: Timestamp,
    /// Activates the operator that reads the schedule.
    reader: Option<Activator>,
    reader_waits: bool,
}

impl<D: Domain> Schedule<D> {
    /// Returns a schedule that has one model and is known for no timestamp.
    pub(in crate::score) fn new(first: Arc<dyn Scorer<D>>) -> Self {
        let first = (0, ActiveModels { current: first, shadow: None });
        Schedule { changes: VecDeque::from([first]), known_until: 0, reader: None, reader_waits: false }
    }

    /// Sets the operator that is activated when more of the schedule is known.
    pub(in crate::score) fn set_reader(&mut self, activator: Activator) {
        self.reader = Some(activator);
    }

    /// Returns the models that are active at a timestamp; `None` if they are not known yet: the reader is then
    /// activated when more is known.
    pub(in crate::score) fn models_at(&mut self, at: Timestamp) -> Option<&ActiveModels<D>> {
        if at >= self.known_until {
            self.reader_waits = true;
            return None;
        }
        self.known_at(at)
    }

    /// Returns the models that are active at a timestamp, as far as changes are known.
    pub(in crate::score) fn known_at(&self, at: Timestamp) -> Option<&ActiveModels<D>> {
        let later = self.changes.partition_point(|(from, _)| *from <= at);
        self.changes.get(later.saturating_sub(1)).map(|(_, models)| models)
    }

    /// Drops the models that are not active at or after a timestamp.
    pub(in crate::score) fn drop_before(&mut self, at: Timestamp) {
        while self.changes.get(1).is_some_and(|(from, _)| *from <= at) {
            self.changes.pop_front();
        }
    }

    /// Adds a change of the model for a role, from a timestamp on. Changes are added in order of time.
    pub(super) fn add_change(&mut self, from: Timestamp, role: Role, model: Option<Arc<dyn Scorer<D>>>) {
        let Some((_, last)) = self.changes.back() else { return };
        let models = match (role, model) {
            (Role::Current, Some(model)) => ActiveModels { current: model, ..last.clone() },
            // There is always a current model.
            (Role::Current, None) => return,
            (Role::Shadow, shadow) => ActiveModels { shadow, ..last.clone() },
        };
        self.changes.push_back((from, models));
    }

    /// Sets the timestamp before which all changes are known.
    pub(super) fn set_known_until(&mut self, at: Timestamp) {
        self.known_until = at;
        if std::mem::take(&mut self.reader_waits)
            && let Some(reader) = &self.reader
        {
            reader.activate();
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }
}
