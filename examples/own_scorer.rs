//! A model type of its own for flights: the rates of delay by airline, in a small file of JSON. The score dataflow runs
//! it, and takes up its next version without a pause, as it does with any model.
//!
//! `cargo run --package delaycast-examples --bin own-scorer` asks about a flight before and after the second version.
//!
//! A model that needs no more than its file implements `Predict`, and `FileLoader` loads it: see `card_payments.rs`.
//! This one also needs the airports that its process knows, so it has a [`Loader`] of its own.

use std::{collections::BTreeMap, path::Path, sync::Arc, thread, time::Duration};

use anyhow::Context;
use delaycast::{
    airports::{Airports, Route},
    answer::Score,
    domain::Flights,
    features::KnownInputs,
    flight::{Code, DelayClass, Probabilities},
    request::Request,
};
use delaycast_dataflows::score::{self, Connections, Counters, Models};
use engine::{
    answer::ModelVersion,
    clock,
    log::{self, Log},
    model::{self, DesiredModels, Loader, ModelDir, ModelFile, Role, Scorer, Watcher},
    runtime::Stop,
    store::{self, Outcome, Store},
};
use serde::{Deserialize, Serialize, de::Error};

/// The probability of each class, by airline: the content of a model file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Rates {
    airlines: BTreeMap<Code, Probabilities>,
    other_airlines: Probabilities,
}

impl ModelFile for Rates {
    type Error = serde_json::Error;

    fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec_pretty(self)
    }

    /// Checks all that the scorer relies on: a version that is refused here leaves the current one in use.
    fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let rates: Rates = serde_json::from_slice(bytes)?;
        let is_valid = |rates: &Probabilities| {
            rates.iter().all(|rate| (0.0..=1.0).contains(rate)) && (rates.iter().sum::<f32>() - 1.0).abs() < 1e-3
        };
        match rates.airlines.iter().find(|(_, rates)| !is_valid(rates)) {
            Some((airline, _)) => Err(serde_json::Error::custom(format!("the rates of {airline} do not sum to 1"))),
            None if is_valid(&rates.other_airlines) => Ok(rates),
            None => Err(serde_json::Error::custom("the rates of other airlines do not sum to 1")),
        }
    }
}

/// Scores by the rates of the airline.
struct RatesScorer {
    version: ModelVersion,
    rates: Rates,
    airports: Arc<Airports>,
}

impl Scorer<Flights> for RatesScorer {
    fn version(&self) -> &ModelVersion {
        &self.version
    }

    fn score(&self, requests: &[Request], scores: &mut Vec<Score>) {
        scores.extend(requests.iter().map(|request| {
            let probabilities = *self.rates.airlines.get(&request.carrier).unwrap_or(&self.rates.other_airlines);
            let known = || self.airports.distance_miles(request.origin, request.dest).map(f64::from);
            Score {
                probabilities,
                class: DelayClass::most_probable(&probabilities),
                delay: None,
                cancelled: None,
                distance: request.distance.or_else(known).unwrap_or_default(),
                remarks: Vec::new(),
                // It uses none of the optional inputs.
                forest: KnownInputs::NONE,
                explanation: None,
                rotation: None,
            }
        }));
    }
}

/// Makes scorers of model files and this process's airports.
struct RatesLoader(Arc<Airports>);

impl Loader<Flights> for RatesLoader {
    fn load(&self, version: &ModelVersion, bytes: &[u8]) -> Result<Arc<dyn Scorer<Flights>>, String> {
        let rates = Rates::decode(bytes).map_err(|error| error.to_string())?;
        Ok(Arc::new(RatesScorer { version: version.clone(), rates, airports: Arc::clone(&self.0) }))
    }
}

/// Runs a scorer in `dir`, asks about a flight, publishes the second model, and asks again. Returns both answers.
fn run(dir: &Path) -> anyhow::Result<[serde_json::Value; 2]> {
    let url = format!("sqlite:{}", dir.join("flights.db").display());
    let (log, store) = (log::open::<Flights>(&url)?, store::open::<Flights>(&url)?);
    let route = Route { origin: "JFK".parse()?, dest: "LAX".parse()?, miles: 2475.0 };
    let loader = Arc::new(RatesLoader(Arc::new(Airports::default().with_routes(&[route]))));

    let models = ModelDir::new(dir.join("models"));
    let airline: Code = "B6".parse()?;
    let rates = |rates| Rates { airlines: BTreeMap::from([(airline, rates)]), other_airlines: [0.2, 0.4, 0.3, 0.1] };
    let first = models.publish(rates([0.1, 0.2, 0.5, 0.2]), clock::now())?;
    let scorer = loader.load(&first.version, &first.model.encode()?).map_err(anyhow::Error::msg)?;
    let (stop, desired) = (Stop::default(), DesiredModels::default());
    let watcher = Watcher::new(models.clone(), Role::Current, Some(first.version));
    model::watch(vec![watcher], &desired, stop.clone(), |role, why| tracing::warn!("{role}: {why}"))?;

    let (counters, connections) = (Arc::new(Counters::of::<Flights>()), Connections::new(log.clone(), store.clone()));
    let (config, models_in_use) = (score::Config::new(2), Models::new(scorer, &desired, loader));
    thread::scope(|threads| {
        let scoring = threads.spawn(|| score::run(&config, &connections, &models_in_use, &counters, &stop));
        let answers = || {
            let before = ask(&*log, &*store, "before")?;
            let second = models.publish(rates([0.0, 0.1, 0.2, 0.7]), clock::now())?.version;
            until(|| counters.models.get(Role::Current).filter(|(version, _)| *version == second))?;
            // A worker may still read requests under a timestamp from before the change.
            let mut asked = 0;
            let after = until(|| {
                asked += 1;
                let answer = ask(&*log, &*store, &format!("after {asked}"));
                answer.map(|it| Some(it).filter(|it| it["ModelVersion"] == second.as_str())).transpose()
            })??;
            Ok([before, after])
        };
        let answers = answers();
        stop.request();
        scoring.join().ok().context("a worker panicked")??;
        answers
    })
}

/// Publishes a request and waits for its answer.
fn ask(log: &dyn Log, store: &dyn Store<Flights>, id: &str) -> anyhow::Result<serde_json::Value> {
    let request = serde_json::json!({
        "UUID": id, "Carrier": "B6", "Origin": "JFK", "Dest": "LAX", "FlightDate": "2016-12-25",
    });
    log.producer()?.publish(None, request.to_string().into_bytes(), Box::new(|_| ()));
    let lookup = store.lookup()?;
    match until(|| lookup.find(id).transpose())?? {
        Outcome::Answered(document) => Ok(document.into()),
        Outcome::Rejected(reason) => anyhow::bail!("{reason}"),
    }
}

/// Waits until there is something, for a minute.
fn until<T>(mut find: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    for _ in 0..6000 {
        if let Some(found) = find() {
            return Ok(found);
        }
        thread::sleep(Duration::from_millis(10));
    }
    anyhow::bail!("not within a minute")
}

#[allow(clippy::print_stdout)]
fn main() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    run(dir.path())?.iter().for_each(|answer| println!("{answer:#}"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::unwrap_used)]
    fn a_flight_is_scored_by_its_airlines_rates_and_then_by_those_of_the_next_version() {
        let [before, after] = run(tempfile::tempdir().unwrap().path()).unwrap();
        assert_eq!((&before["Class"], &before["Distance"]), (&"on time to 30 minutes late".into(), &2475.0.into()));
        assert_eq!((&after["Class"], &after["Distance"]), (&"30 minutes late or more".into(), &2475.0.into()));
        assert_ne!(before["ModelVersion"], after["ModelVersion"]);
    }

    #[test]
    fn rates_that_do_not_sum_to_1_are_refused() {
        let file = br#"{"airlines":{"B6":[0.5,0.5,0.5,0.5]},"other_airlines":[1,0,0,0]}"#;
        assert_eq!(
            Rates::decode(file).map_err(|error| error.to_string()),
            Err("the rates of B6 do not sum to 1".into())
        );
    }
}
