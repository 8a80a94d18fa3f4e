//! The data of all steps: requests and events of bundled flights, logs that hold them, and a model.
//!
//! Everything follows from the bundled flights and fixed seeds. It is made before the counts, so that a counted process
//! only reads it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use anyhow::{Context, ensure};
use chrono::{DateTime, Days, NaiveDate, Utc};
use delaycast::{
    domain::Flights,
    feed::{Feed, FeedMessage, FeedRequests},
    flight::Schedule,
    history::{self, Flight, History},
    live::{self, Event, LegId, State},
    model::{Model, ModelDir},
    request::{self, Request},
};
use engine::{
    live::Live,
    log::{self, Producer},
    request::RequestId,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The smaller number of requests; the larger one is twice as many.
pub(crate) const REQUESTS: usize = 1000;
/// Times that each request is in the embedded log: reading one is cheap beside the start of the reader's threads.
pub(crate) const READ_TIMES: usize = 8;
/// The trees of a forest. Depth and leaves are those of the default model, which has more trees.
const TREES: usize = 5;
/// The day whose flights are asked about with events; those of the day before are known, too.
const DAY: NaiveDate = NaiveDate::from_ymd_opt(2013, 6, 14).unwrap();
const DAYS_BEFORE: Days = Days::new(1);
/// Upper bound on the unacknowledged messages.
const UNACKNOWLEDGED_MAX: usize = 1000;
/// Timeout of publishing a message.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(60);

/// A folder of data.
pub(crate) struct Fixture {
    folder: PathBuf,
    run: usize,
}

impl Fixture {
    /// Returns the data of a folder, which [`Fixture::make`] has made.
    pub(crate) fn at(folder: &Path) -> Self {
        Self::of_run(folder, 0)
    }

    /// Returns the same, for a run: runs at the same time have new files of their own.
    pub(crate) fn of_run(folder: &Path, run: usize) -> Self {
        Fixture { folder: folder.to_owned(), run }
    }

    /// Makes all data in an empty folder. The program trains the model.
    pub(crate) fn make(folder: &Path, program: &Path) -> anyhow::Result<()> {
        let History { flights, unflown, .. } = history::bundled()?;
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let asked = (0..2 * REQUESTS).map(|number| {
            let flight = &flights[random.random_range(0..flights.len())];
            about(flight, RequestId::new(uuid(&mut random))?, number.is_multiple_of(2))
        });
        let requests = asked.collect::<anyhow::Result<Vec<Request>>>()?.iter().map(request::encode).collect::<Vec<_>>();
        let (mut live, mut events) = (Vec::new(), Vec::new());
        let minutes_before = vec![20, 60, 120, 300];
        let asked = FeedRequests { from: DAY, to: DAY, minutes_before, run: "r".to_owned(), follow: false };
        for (_, message) in Feed::new(&flights, &unflown, DAY - DAYS_BEFORE, asked) {
            match message {
                FeedMessage::Event(event) => events.push(live::encode(&event)),
                FeedMessage::Request(mut request) => {
                    request.id = RequestId::new(uuid(&mut random))?;
                    live.push(request::encode(&request));
                }
            }
        }
        ensure!(live.len() >= 2 * REQUESTS && events.len() >= 2 * REQUESTS, "too few flights on {DAY}");
        live.truncate(2 * REQUESTS);
        // No day has such a name.
        let broken: Vec<String> =
            requests.iter().map(|it| it.replace("\"FlightDate\":\"2013", "\"FlightDate\":\"x")).collect();
        for (name, lines) in [("requests", &requests), ("live", &live), ("events", &events), ("broken", &broken)] {
            fs::write(folder.join(format!("{name}.ndjson")), lines.join("\n"))?;
        }
        for count in [REQUESTS, 2 * REQUESTS] {
            let log = log::open::<Flights>(&format!("sqlite:{}", Fixture::at(folder).log(count).display()))?;
            let messages = requests[..count].iter().cycle().take(count * READ_TIMES);
            publish(&*log.producer()?, messages.map(|request| request.clone().into_bytes()))?;
        }
        train(program, &folder.join("models"))
    }

    /// Returns the lines of a file; they are split alike for any number of requests.
    fn lines(&self, name: &str) -> anyhow::Result<Vec<Vec<u8>>> {
        let path = self.folder.join(format!("{name}.ndjson"));
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect())
    }

    /// Returns the messages of requests that know nothing of events.
    pub(crate) fn messages(&self) -> anyhow::Result<Vec<Vec<u8>>> {
        self.lines("requests")
    }

    /// Returns messages that cannot be decoded.
    pub(crate) fn broken(&self) -> anyhow::Result<Vec<Vec<u8>>> {
        self.lines("broken")
    }

    /// Returns the messages of events.
    pub(crate) fn events(&self) -> anyhow::Result<Vec<Vec<u8>>> {
        self.lines("events")
    }

    /// Returns requests that know nothing of events.
    pub(crate) fn requests(&self) -> anyhow::Result<Vec<Request>> {
        decode(&self.messages()?)
    }

    /// Returns requests as of their moments, before the state gives them what it knows.
    pub(crate) fn live_requests(&self) -> anyhow::Result<Vec<Request>> {
        decode(&self.lines("live")?)
    }

    /// Returns the state of all events.
    pub(crate) fn state(&self) -> anyhow::Result<State> {
        let mut events: Vec<(LegId, Event)> = Vec::new();
        for message in self.events()? {
            events.push(live::decode(&message).map_err(|malformed| anyhow::anyhow!(malformed.reason))?);
        }
        events.sort_by_key(|(leg, event)| (*leg, event.at));
        let mut state = State::default();
        for of_leg in events.chunk_by(|one, other| one.0 == other.0) {
            Flights::set(&mut state, of_leg[0].0, of_leg.iter().map(|(_, event)| *event).collect());
        }
        Ok(state)
    }

    /// Returns requests with what the state gives them.
    pub(crate) fn observed_requests(&self) -> anyhow::Result<Vec<Request>> {
        let (state, mut requests) = (self.state()?, self.live_requests()?);
        requests.iter_mut().for_each(|request| Flights::observe(&state, request, 0));
        Ok(requests)
    }

    pub(crate) fn model(&self) -> anyhow::Result<Model> {
        Ok(ModelDir::new(self.folder.join("models")).load_current()?.model)
    }

    /// Returns the model with explanations, as scorers have it.
    pub(crate) fn explaining_model(&self) -> anyhow::Result<Model> {
        Ok(self.model()?.explaining())
    }

    /// Returns the path of a log with so many requests, [`READ_TIMES`] each.
    pub(crate) fn log(&self, count: usize) -> PathBuf {
        self.folder.join(format!("log-{count}.db"))
    }

    /// Returns the path of a new file.
    pub(crate) fn new_file(&self, step: &str, count: usize) -> PathBuf {
        self.folder.join(format!("{step}-{count}-{}.db", self.run))
    }
}

/// A fixed time, with milliseconds, for what is written of clocks.
pub(crate) fn moment() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_371_200_400_123).unwrap_or_default()
}

/// A request about a flight; `is_scheduled` adds its number and schedule.
fn about(flight: &Flight, id: RequestId, is_scheduled: bool) -> anyhow::Result<Request> {
    let schedule = flight.crs_dep_min.zip(flight.crs_arr_min);
    Ok(Request {
        dep_delay: flight.dep_delay.map(f64::from),
        distance: flight.distance.map(f64::from),
        flight_num: flight.flight_num.filter(|_| is_scheduled).map(|number| number.to_string()),
        schedule: schedule.filter(|_| is_scheduled).map(|(dep_min, arr_min)| Schedule { dep_min, arr_min }),
        asked_at: Some(moment().naive_utc()),
        ..Request::new(id, flight.carrier, flight.origin, flight.dest, flight.date)
    })
}

/// An id in the form of a UUID.
fn uuid(random: &mut ChaCha8Rng) -> String {
    let hex = format!("{:032x}", random.random::<u128>());
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

fn decode(messages: &[Vec<u8>]) -> anyhow::Result<Vec<Request>> {
    let decode = |message: &Vec<u8>| request::decode(message).map_err(|it| anyhow::anyhow!("{}", it.reason));
    messages.iter().map(decode).collect()
}

/// Publishes messages; returns once all are acknowledged.
pub(crate) fn publish(producer: &dyn Producer, messages: impl Iterator<Item = Vec<u8>>) -> anyhow::Result<()> {
    let (report, acknowledged) = mpsc::channel();
    let mut waiting = 0;
    for message in messages {
        let report = report.clone();
        producer.publish(None, message, Box::new(move |result| drop(report.send(result))));
        waiting += 1;
        if waiting == UNACKNOWLEDGED_MAX {
            acknowledged.recv_timeout(PUBLISH_TIMEOUT).context("no acknowledgement")??;
            waiting -= 1;
        }
    }
    for _ in 0..waiting {
        acknowledged.recv_timeout(PUBLISH_TIMEOUT).context("no acknowledgement")??;
    }
    Ok(())
}

fn train(program: &Path, models: &Path) -> anyhow::Result<()> {
    let mut command = Command::new(program);
    command.arg("train").arg("--models").arg(models).arg("--trees").arg(TREES.to_string());
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {}", program.display()))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} cannot train: {errors}", program.display());
    Ok(())
}
