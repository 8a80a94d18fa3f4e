//! The models of a scorer: the first one, and those that the model directory names while it runs.

use std::sync::Arc;

use anyhow::Context;
use delaycast::{
    domain::Flights,
    model::{Model, ModelDir, VersionedModel, Watcher},
    routes::table_of,
};
use delaycast_dataflows::{
    monitor::Monitor,
    score::{Counters, Models},
};
use engine::{
    answer::ModelVersion,
    delivery::Health,
    model::{self, DesiredModels, Loader, ModelDirError, Role, Scorer},
    runtime::{Stop, retry},
    store::Store,
};

/// Loads the model that a process starts with. Waits for a first one, as for a log or a store: a new system may train
/// it while its processes start. `None` if a stop was requested meanwhile. Blocks.
pub(super) fn first(dir: &ModelDir, monitor: &Monitor, stop: &Stop) -> Result<Option<VersionedModel>, ModelDirError> {
    let mut logged = false;
    let load = || match dir.load_usable() {
        Err(error @ ModelDirError::NoModel(_)) => Err(error),
        loaded => Ok(loaded),
    };
    let missing = |error: &ModelDirError| {
        if !logged {
            tracing::warn!("waiting for a first model: {error}");
            monitor.lacks("model", error.to_string());
            logged = true;
        }
        false
    };
    retry(stop, load, missing).transpose()
}

/// Loads a model file as at the start: the store's routes override the file's, and explanations are prepared if wanted.
struct ModelLoader {
    explain: bool,
    store: Arc<dyn Store<Flights>>,
    stop: Stop,
}

impl Loader<Flights> for ModelLoader {
    fn load(&self, version: &ModelVersion, bytes: &[u8]) -> Result<Arc<dyn Scorer<Flights>>, String> {
        let decoded = Model::decode(bytes).map_err(|error| format!("{:#}", anyhow::Error::new(error)))?;
        match with_routes_of(&*self.store, decoded.versioned(version.clone()), &self.stop) {
            Some(model) => Ok(scorer(model, self.explain)),
            None => Err("the process stops".to_owned()),
        }
    }
}

/// Returns the models of a scorer that starts with `first`. The directory `watches` is watched for others until a stop
/// is requested. In a cluster one process watches, and sends them to the others.
pub(crate) fn models(
    first: VersionedModel,
    explain: bool,
    watches: Option<&ModelDir>,
    store: &Arc<dyn Store<Flights>>,
    counters: &Arc<Counters>,
    stop: &Stop,
) -> anyhow::Result<Models<Flights>> {
    let desired = DesiredModels::default();
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
        model::watch(watchers.collect(), &desired, told, refused)
            .context("cannot start a thread that watches the model directory")?;
    }
    let loader = ModelLoader { explain, store: Arc::clone(store), stop: stop.clone() };
    Ok(Models::new(scorer(first, explain), &desired, Arc::new(loader)))
}

/// Returns the model as a scorer that explains its answers, or does not.
fn scorer(model: VersionedModel, explain: bool) -> Arc<dyn Scorer<Flights>> {
    Arc::new(if explain { model.map(Model::explaining) } else { model })
}

/// Returns the model with the store's routes in place of its own: all processes that share a store know the same
/// distances and airports. Waits for a store that is down; `None` if a stop was requested meanwhile.
pub(crate) fn with_routes_of(store: &dyn Store<Flights>, model: VersionedModel, stop: &Stop) -> Option<VersionedModel> {
    let Some(table) = table_of(store) else { return Some(model) };
    let health = Health::new(format!("the route table in {}", store.describe()));
    let routes = health.retry(stop, || table.read())?;
    if !routes.is_empty() {
        tracing::info!("{} routes from {}", routes.len(), store.describe());
    }
    Some(VersionedModel { model: model.model.with_routes(&routes), ..model })
}
