//! The models that replace those of a running scorer.

use std::{marker::PhantomData, sync::Arc};

use super::{
    layout::Role,
    scorer::{ModelFile, Predict, Scorer, Versioned},
};
use crate::{
    answer::ModelVersion,
    domain::Domain,
    runtime::{Condvar, Mutex, MutexGuard},
};

/// A version with the bytes of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The version.
    pub version: ModelVersion,
    /// The model file.
    pub bytes: Arc<[u8]>,
}

/// The model that a scorer should use for a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredModel {
    /// The role.
    pub role: Role,
    /// The model; `None` removes the shadow. The current model can only be replaced.
    pub candidate: Option<Candidate>,
}

/// Makes a scorer of a model file's bytes.
pub trait Loader<D: Domain>: Send + Sync {
    /// Decodes and checks the bytes; returns the reason if they cannot be used. Blocks.
    fn load(&self, version: &ModelVersion, bytes: &[u8]) -> Result<Arc<dyn Scorer<D>>, String>;
}

/// Loads models of one type that need no more than their file.
#[derive(Debug)]
pub struct FileLoader<M>(PhantomData<fn() -> M>);

impl<M> Default for FileLoader<M> {
    fn default() -> Self {
        FileLoader(PhantomData)
    }
}

impl<D: Domain, M: ModelFile + Predict<D>> Loader<D> for FileLoader<M> {
    fn load(&self, version: &ModelVersion, bytes: &[u8]) -> Result<Arc<dyn Scorer<D>>, String> {
        let model = M::decode(bytes).map_err(|error| error.to_string())?;
        Ok(Arc::new(Versioned { version: version.clone(), model }))
    }
}

/// A channel of capacity 1 in which a newer value replaces the one before. Clones share it.
#[derive(Debug)]
pub struct Latest<T>(Arc<(Mutex<Slot<T>>, Condvar)>);

#[derive(Debug)]
struct Slot<T> {
    value: Option<T>,
    closed: bool,
}

impl<T> Latest<T> {
    fn slot(&self) -> MutexGuard<'_, Slot<T>> {
        self.0.0.lock()
    }

    /// Puts a value, which replaces one that was not taken.
    pub fn put(&self, value: T) {
        self.slot().value = Some(value);
        self.0.1.notify_one();
    }

    /// Takes the value, if there is one.
    pub fn take(&self) -> Option<T> {
        self.slot().value.take()
    }

    /// Waits for a value and takes it; `None` when the channel is closed. Blocks.
    pub fn wait(&self) -> Option<T> {
        let mut slot = self.slot();
        while slot.value.is_none() && !slot.closed {
            slot = self.0.1.wait(slot);
        }
        if slot.closed { None } else { slot.value.take() }
    }

    /// Closes the channel, and ends all waits.
    pub fn close(&self) {
        self.slot().closed = true;
        self.0.1.notify_all();
    }
}

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Latest(Arc::new((Mutex::new(Slot { value: None, closed: false }), Condvar::default())))
    }
}

impl<T> Clone for Latest<T> {
    fn clone(&self) -> Self {
        Latest(Arc::clone(&self.0))
    }
}

/// The desired models by role, until the dataflow takes them.
#[derive(Debug, Clone, Default)]
pub struct DesiredModels([Latest<DesiredModel>; Role::ALL.len()]);

impl DesiredModels {
    fn of(&self, role: Role) -> &Latest<DesiredModel> {
        let [current, shadow] = &self.0;
        match role {
            Role::Current => current,
            Role::Shadow => shadow,
        }
    }

    /// Sets the desired model of a role.
    pub fn put(&self, desired_model: DesiredModel) {
        self.of(desired_model.role).put(desired_model);
    }

    /// Takes the desired model of a role, if one was set since it was last taken.
    pub fn take(&self, role: Role) -> Option<DesiredModel> {
        self.of(role).take()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn the_latest_value_replaces_the_one_before_and_is_taken_once() {
        let latest = Latest::default();
        assert_eq!(latest.take(), None::<u8>);
        latest.put(1);
        latest.put(2);
        assert_eq!((latest.take(), latest.take()), (Some(2), None));
    }

    #[test]
    fn a_wait_returns_the_next_value_and_ends_when_the_channel_is_closed() {
        let latest = Latest::default();
        let receiver = latest.clone();
        let receives = thread::spawn(move || (receiver.wait(), receiver.wait()));
        latest.put("value");
        while latest.slot().value.is_some() {
            thread::yield_now();
        }
        latest.close();
        assert_eq!(receives.join().unwrap(), (Some("value"), None));
    }

    #[test]
    fn desired_models_of_two_roles_do_not_replace_each_other() {
        let desired = DesiredModels::default();
        let desired_model = |role| DesiredModel { role, candidate: None };
        Role::ALL.into_iter().for_each(|role| desired.put(desired_model(role)));
        assert_eq!(Role::ALL.map(|role| desired.take(role)), Role::ALL.map(|role| Some(desired_model(role))));
    }
}
