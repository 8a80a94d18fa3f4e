//! Other models for a scorer that runs.

use std::sync::Arc;

use anyhow::Context;
use delaycast::{
    answer::ModelVersion,
    domain::Flights,
    model::{self, Loader, Model, ModelDir, Role, Scorer, VersionedModel, Watcher, Wishes},
    store::Store,
};
use delaycast_dataflows::score::{Counters, Models, Stop};

use crate::{options::ExplainOption, routes};

/// Makes a scorer of a file as at the start: with the store's routes on top of its own, and with reasons if they are wanted.
struct WithRoutes {
    explain: ExplainOption,
    store: Arc<dyn Store<Flights>>,
    stop: Stop,
}

impl Loader<Flights> for WithRoutes {
    fn load(&self, version: &ModelVersion, bytes: &[u8]) -> Result<Arc<dyn Scorer<Flights>>, String> {
        let decoded = Model::decode(bytes).map_err(|error| format!("{:#}", anyhow::Error::new(error)))?;
        match routes::with_routes_of(&*self.store, decoded.versioned(version.clone()), &self.stop) {
            Some(model) => Ok(self.explain.scorer(model)),
            None => Err("the process stops".to_owned()),
        }
    }
}

/// The models of a scorer that starts with `first`. Where `watches` names a directory it is watched for others, until
/// `stop` is asked: in one process of a cluster, which sends them to the others.
pub(crate) fn models(
    first: VersionedModel,
    explain: ExplainOption,
    watches: Option<&ModelDir>,
    store: &Arc<dyn Store<Flights>>,
    counters: &Arc<Counters>,
    stop: &Stop,
) -> anyhow::Result<Models> {
    let wishes = Wishes::default();
    if let Some(dir) = watches {
        let used = [Some(first.version.clone()), None];
        let watchers = Role::ALL.into_iter().zip(used).map(|(role, used)| Watcher::new(dir.clone(), role, used));
        let (told, counters) = (stop.clone(), Arc::clone(counters));
        let refused = move |role: Role, reason: &str| {
            counters.models_refused.add(1);
            let staying =
                counters.models.get(Role::Current).map(|(version, _)| version.to_string()).unwrap_or_default();
            tracing::warn!("the {role} model that is named cannot be used: {reason}; {staying} goes on answering");
        };
        model::watch(watchers.collect(), &wishes, move || told.asked(), refused)
            .context("cannot start a thread that watches the model directory")?;
    }
    let loader = WithRoutes { explain, store: Arc::clone(store), stop: stop.clone() };
    Ok(Models::new(explain.scorer(first), &wishes, Arc::new(loader)))
}
