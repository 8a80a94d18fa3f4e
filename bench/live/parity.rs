//! Parity of what was answered online with a batch: the flights that `delaycast simulate` has replayed go through one
//! state in the order of their events, and each document is compared with the one in the store.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, ensure};
use chrono::{DateTime, Days, NaiveDate, Utc};
use delaycast::{
    domain::{Answer, Flights},
    feed::{Feed, FeedMessage, FeedRequests},
    history::{self, History},
    live::{Event, LegId, Millis, State},
    model::{Model, ModelDir},
    request::Request,
};
use engine::{answer::ModelVersion, document::to_json, domain::Domain, live::Live, store};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::results::Measurement;

/// The fields that differ between any two answers to a request.
const OF_THE_MOMENT: [&str; 2] = ["ScoredAt", "ModelVersion"];
/// Upper bound on the differences that are printed.
const PRINTED_MAX: usize = 5;

#[derive(Debug, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    /// The flights that were replayed
    #[arg(long)]
    #[serde(skip)]
    data: PathBuf,
    /// The first day that was asked about
    #[arg(long)]
    from: NaiveDate,
    /// The last day that was asked about
    #[arg(long)]
    to: NaiveDate,
    /// The minutes before the departure at which each flight was asked about
    #[arg(long, value_delimiter = ',', default_value = "120")]
    ask: Vec<i32>,
    /// The first part of the UUIDs
    #[arg(long)]
    run: String,
    /// The store of answers
    #[arg(long)]
    #[serde(skip)]
    store: String,
    /// The model directory of the scorers
    #[arg(long)]
    #[serde(skip)]
    models: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    events: usize,
    compared: usize,
    /// Compared documents that tell what events say.
    with_events: usize,
    different: usize,
    missing: usize,
}

impl Measurement for Options {
    const NAME: &'static str = "live-parity";
    type Values = Values;
}

pub(crate) fn measure(options: &Options) -> anyhow::Result<Values> {
    let History { flights, unflown, .. } = history::read(std::slice::from_ref(&options.data))?;
    let model = ModelDir::new(&options.models).load_current()?.model.explaining();
    let path = options.store.strip_prefix("sqlite:").context("the store is an embedded one: sqlite:PATH")?;
    ensure!(Path::new(path).exists(), "there is no file {path}");
    let lookup = store::open::<Flights>(&options.store)?.lookup()?;
    let requests = FeedRequests {
        from: options.from,
        to: options.to,
        minutes_before: options.ask.clone(),
        run: options.run.clone(),
        follow: false,
    };
    // As `simulate` does.
    let feed = Feed::new(&flights, &unflown, options.from - Days::new(15), requests);
    let (mut state, mut known) = (State::default(), HashMap::<LegId, Vec<Event>>::new());
    let mut values = Values { events: 0, compared: 0, with_events: 0, different: 0, missing: 0 };
    let (began_at, mut day) = (Instant::now(), 0);
    for (at, message) in feed {
        if at / DAY_MS != day {
            day = at / DAY_MS;
            state.forget_legs();
            let Values { events, compared, different, missing, .. } = values;
            let at = DateTime::from_timestamp_millis(at).unwrap_or_default().date_naive();
            println!(
                "  {at}: {events} events, {compared} compared, {different} different, {missing} missing, {:.0} s",
                began_at.elapsed().as_secs_f64()
            );
        }
        match message {
            FeedMessage::Event(event) => {
                let (leg, event) = event.resolve().map_err(|invalid| anyhow::anyhow!("an event: {invalid}"))?;
                let events = known.entry(leg).or_default();
                events.push(event);
                Flights::set(&mut state, leg, events.clone());
                values.events += 1;
            }
            FeedMessage::Request(request) => compare(&state, &model, *request, &*lookup, &mut values)?,
        }
    }
    Ok(values)
}

const DAY_MS: Millis = 24 * 3600 * 1000;

fn compare(
    state: &State,
    model: &Model,
    mut request: Request,
    lookup: &dyn store::Lookup,
    values: &mut Values,
) -> anyhow::Result<()> {
    let id = request.id.clone();
    let Some(store::Outcome::Answered(found)) = lookup.find(id.as_str())? else {
        values.missing += 1;
        return Ok(());
    };
    Flights::observe(state, &mut request, Millis::MAX);
    let mut scores = Vec::new();
    model.score(std::slice::from_ref(&request), &mut scores);
    let score = scores.pop().context("no score")?;
    let answer = Answer { request, score, model: ModelVersion::new("m"), scored_at: DateTime::<Utc>::default() };
    let expected = to_json(&Flights::document(&answer));
    values.compared += 1;
    values.with_events += usize::from(expected.contains_key("Live"));
    let fields = differences(&expected, &found);
    if !fields.is_empty() {
        values.different += 1;
        if values.different <= PRINTED_MAX {
            let shown: Vec<String> = fields
                .iter()
                .map(|name| {
                    let of =
                        |document: &Map<String, Value>| document.get(*name).map(Value::to_string).unwrap_or_default();
                    format!("{name}\n      {}\n      {}", of(&expected), of(&found))
                })
                .collect();
            println!("  {id} differs, expected and found:\n    {}", shown.join("\n    "));
        }
    }
    Ok(())
}

/// Returns the names of the fields that differ, but for those of the moment.
fn differences<'a>(expected: &'a Map<String, Value>, found: &'a Map<String, Value>) -> Vec<&'a str> {
    let names = expected.keys().chain(found.keys().filter(|name| !expected.contains_key(*name)));
    let names = names.map(String::as_str).filter(|name| !OF_THE_MOMENT.contains(name));
    // `Follow` is of a request that was followed.
    names.filter(|name| *name != "Follow" && expected.get(*name) != found.get(*name)).collect()
}
