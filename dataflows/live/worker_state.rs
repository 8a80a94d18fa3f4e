//! The state of one worker, and how far it is.

use std::cell::{Cell, RefCell};

use engine::live::{EventTime, Live};
use timely::scheduling::Activator;

use crate::score::{Observer, StateProgress};

/// Shared by the dataflow that makes the state and the operators that ask it.
pub(super) struct WorkerState<L: Live> {
    state: RefCell<L::State>,
    progress: Cell<StateProgress>,
    /// Activated when the state has changed.
    readers: RefCell<Vec<Activator>>,
}

impl<L: Live> Default for WorkerState<L> {
    fn default() -> Self {
        WorkerState { state: RefCell::default(), progress: Cell::default(), readers: RefCell::default() }
    }
}

impl<L: Live> WorkerState<L> {
    /// Sets all events of a subject.
    pub(super) fn set(&self, subject: L::Subject, events: Vec<L::Event>) {
        let mut progress = self.progress.get();
        progress.changes += 1;
        progress.latest = events.iter().map(L::known_at).fold(progress.latest, EventTime::max);
        self.progress.set(progress);
        L::set(&mut self.state.borrow_mut(), subject, events);
    }

    /// Says that all events are in the state that the log had when it was opened.
    pub(super) fn set_rebuilt(&self) {
        self.progress.set(StateProgress { is_rebuilt: true, ..self.progress.get() });
    }

    pub(super) fn activate_readers(&self) {
        self.readers.borrow().iter().for_each(Activator::activate);
    }
}

impl<L: Live> Observer<L> for WorkerState<L> {
    fn observe(&self, request: &mut L::Request, read_at: EventTime) {
        L::observe(&self.state.borrow(), request, read_at);
    }

    fn progress(&self) -> StateProgress {
        self.progress.get()
    }

    fn activate_on_change(&self, activator: Activator) {
        self.readers.borrow_mut().push(activator);
    }
}
