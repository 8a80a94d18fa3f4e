//! Which model answers when, as one worker knows it.

use std::{cell::RefCell, collections::VecDeque, rc::Rc, sync::Arc};

use engine::{
    domain::Domain,
    model::{Role, Scorer},
};
use timely::scheduling::Activator;

use crate::score::Timestamp;

/// Shared by the operators of one worker.
pub(in crate::score) type SharedSchedule<D> = Rc<RefCell<Schedule<D>>>;

/// The models that are used together.
pub(in crate::score) struct ActiveModels<D: Domain> {
    /// It answers.
    pub(in crate::score) current: Arc<dyn Scorer<D>>,
    /// It is tried out beside.
    pub(in crate::score) shadow: Option<Arc<dyn Scorer<D>>>,
}

impl<D: Domain> Clone for ActiveModels<D> {
    fn clone(&self) -> Self {
        ActiveModels { current: Arc::clone(&self.current), shadow: self.shadow.clone() }
    }
}

/// Which models are used from which timestamp on, up to which that is known.
pub(in crate::score) struct Schedule<D: Domain> {
    /// In order; the first holds for whatever comes before the second.
    changes: VecDeque<(Timestamp, ActiveModels<D>)>,
    /// All changes before this are known.
    known_until: Timestamp,
    /// Who is to be woken when more is known, if somebody waits for that.
    reader: Option<Activator>,
    waited_for: bool,
}

impl<D: Domain> Schedule<D> {
    /// This model, until more is known.
    pub(in crate::score) fn new(first: Arc<dyn Scorer<D>>) -> Self {
        let first = (0, ActiveModels { current: first, shadow: None });
        Schedule { changes: VecDeque::from([first]), known_until: 0, reader: None, waited_for: false }
    }

    /// Who reads this.
    pub(in crate::score) fn read_by(&mut self, activator: Activator) {
        self.reader = Some(activator);
    }

    /// What is used at a timestamp; `None` if that is not known yet: then the reader is woken once it is.
    pub(in crate::score) fn at(&mut self, at: Timestamp) -> Option<&ActiveModels<D>> {
        if at >= self.known_until {
            self.waited_for = true;
            return None;
        }
        let later = self.changes.partition_point(|(from, _)| *from <= at);
        self.changes.get(later.saturating_sub(1)).map(|(_, models)| models)
    }

    /// Nobody will ask for anything before this timestamp any more.
    pub(in crate::score) fn forget_before(&mut self, at: Timestamp) {
        while self.changes.get(1).is_some_and(|(from, _)| *from <= at) {
            self.changes.pop_front();
        }
    }

    /// From a timestamp on another model is used for a role. Changes come in order.
    pub(super) fn change(&mut self, from: Timestamp, role: Role, model: Option<Arc<dyn Scorer<D>>>) {
        let Some((_, last)) = self.changes.back() else { return };
        let models = match (role, model) {
            (Role::Current, Some(model)) => ActiveModels { current: model, ..last.clone() },
            // There is always one that answers.
            (Role::Current, None) => return,
            (Role::Shadow, shadow) => ActiveModels { shadow, ..last.clone() },
        };
        self.changes.push_back((from, models));
    }

    /// All changes before this timestamp are known.
    pub(super) fn known_until(&mut self, at: Timestamp) {
        self.known_until = at;
        if std::mem::take(&mut self.waited_for)
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
