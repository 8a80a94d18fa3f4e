//! A model on its way into a scorer that runs.

use std::{marker::PhantomData, sync::Arc};

use super::{
    role::Role,
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

/// What is to be used from now on for a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredModel {
    /// For what.
    pub role: Role,
    /// Which; `None` if nothing any more. There is always a current one.
    pub candidate: Option<Candidate>,
}

/// Makes a scorer of a model file's bytes.
pub trait Loader<D: Domain>: Send + Sync {
    /// Decodes and checks the bytes; else says why they cannot be used. It may take long, and block.
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

/// A place for one thing: a newer one takes the place of one that nobody has taken yet. Clones are the same place.
#[derive(Debug)]
pub struct Latest<T>(Arc<(Mutex<Place<T>>, Condvar)>);

#[derive(Debug)]
struct Place<T> {
    thing: Option<T>,
    closed: bool,
}

impl<T> Latest<T> {
    fn place(&self) -> MutexGuard<'_, Place<T>> {
        self.0.0.lock()
    }

    /// Puts a thing here.
    pub fn put(&self, thing: T) {
        self.place().thing = Some(thing);
        self.0.1.notify_one();
    }

    /// Takes what is here, if anything is.
    pub fn take(&self) -> Option<T> {
        self.place().thing.take()
    }

    /// Takes the next thing, and waits for it; `None` once nothing will come any more. Blocks.
    pub fn wait(&self) -> Option<T> {
        let mut place = self.place();
        while place.thing.is_none() && !place.closed {
            place = self.0.1.wait(place);
        }
        if place.closed { None } else { place.thing.take() }
    }

    /// Nothing will come any more.
    pub fn close(&self) {
        self.place().closed = true;
        self.0.1.notify_all();
    }
}

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Latest(Arc::new((Mutex::new(Place { thing: None, closed: false }), Condvar::default())))
    }
}

impl<T> Clone for Latest<T> {
    fn clone(&self) -> Self {
        Latest(Arc::clone(&self.0))
    }
}

/// What is wished for, by role, until the dataflow takes it up.
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

    /// From now on this is wished for.
    pub fn put(&self, desired_model: DesiredModel) {
        self.of(desired_model.role).put(desired_model);
    }

    /// What is wished for since it was last taken.
    pub fn take(&self, role: Role) -> Option<DesiredModel> {
        self.of(role).take()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn the_latest_wins_and_is_taken_once() {
        let place = Latest::default();
        assert_eq!(place.take(), None::<u8>);
        place.put(1);
        place.put(2);
        assert_eq!((place.take(), place.take()), (Some(2), None));
    }

    #[test]
    fn who_waits_gets_the_next_thing_and_is_let_go_in_the_end() {
        let place = Latest::default();
        let waiting = place.clone();
        let waits = thread::spawn(move || (waiting.wait(), waiting.wait()));
        place.put("thing");
        while place.place().thing.is_some() {
            thread::yield_now();
        }
        place.close();
        assert_eq!(waits.join().unwrap(), (Some("thing"), None));
    }

    #[test]
    fn wishes_of_two_roles_do_not_take_each_others_place() {
        let desired = DesiredModels::default();
        let desired_model = |role| DesiredModel { role, candidate: None };
        Role::ALL.into_iter().for_each(|role| desired.put(desired_model(role)));
        assert_eq!(Role::ALL.map(|role| desired.take(role)), Role::ALL.map(|role| Some(desired_model(role))));
    }
}
