//! The follower of one worker: it asks requests again, and has their versions written.

use std::{
    collections::HashMap,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use engine::{
    clock,
    delivery::Delivery,
    domain::{Answer, Domain, Follow},
    follow::{Begin, FOLLOWED_FOR, Followed, Stage, Version},
    live::EventTime,
    request::RequestId,
};
use timely::dataflow::operators::Capability;

use super::table::{FOLLOWED_MAX, Now, Table};
use crate::score::{clock::Timestamp, generation::Shared, observe::Observer, source::Record, swap::SharedSchedule};

/// A scored request with its record.
pub(super) type Scored<D> = (Answer<D>, Record);

/// Upper bound on the requests that are asked again before other operators run.
pub const TURN: usize = 256;
/// Interval at which requests are asked again when nothing changes.
pub const IDLE_EVERY: Duration = Duration::from_secs(1);
/// A round of all requests is followed by a pause of so many times the time that it took.
const PAUSE_OF_ROUND: u32 = 9;

/// Versions on their way to the store.
struct Obligation {
    /// Of the answers, with versions 1.
    capability: Option<Capability<Timestamp>>,
    /// The request of each version, and whether it is the last.
    versions: Vec<(RequestId, bool)>,
}

/// A round, in which all followed requests are asked again once.
struct Round {
    /// The requests that are asked again in turn now.
    is_running: bool,
    /// The changes of the state when the last round began; `None` if a request missed its turn in it.
    changes: Option<u64>,
    /// The time that the running round has taken.
    spent: Duration,
    next: Instant,
    idle_until: Instant,
    /// The time for which an activation is asked for.
    armed: Instant,
}

/// The follower.
pub(super) struct Follower<D: Domain> {
    follow: &'static dyn Follow<D>,
    table: Table<D>,
    versions: Delivery<Version<D>>,
    obligations: HashMap<u64, Obligation>,
    next_token: u64,
    schedule: SharedSchedule<D>,
    shared: Shared<D>,
    round: Round,
    requests: Vec<D::Request>,
    scores: Vec<D::Score>,
}

impl<D: Domain> Follower<D> {
    pub(super) fn new(
        follow: &'static dyn Follow<D>,
        versions: Delivery<Version<D>>,
        schedule: SharedSchedule<D>,
        shared: Shared<D>,
    ) -> Self {
        let now = Instant::now();
        Follower {
            follow,
            table: Table::new(follow, FOLLOWED_MAX),
            versions,
            obligations: HashMap::new(),
            next_token: 0,
            schedule,
            shared,
            round: Round {
                is_running: false,
                changes: None,
                spent: Duration::ZERO,
                next: now,
                idle_until: now,
                armed: now,
            },
            requests: Vec::new(),
            scores: Vec::new(),
        }
    }

    /// Goes on with the requests that were followed before.
    pub(super) fn resume(&mut self, resumed: Vec<Followed>) {
        resumed.into_iter().for_each(|followed| self.table.resume(followed));
        self.shared.counters.followed.add(self.table.len());
    }

    /// Begins to follow the requests of these answers (rules 2 and 6). `capability` returns that of the answers.
    pub(super) fn begin(
        &mut self,
        answers: impl Iterator<Item = Scored<D>>,
        capability: impl FnOnce() -> Option<Capability<Timestamp>>,
    ) {
        let before = self.table.len();
        let mut versions = Vec::new();
        for (answer, record) in answers {
            let read_at = (record.read_us / 1000) as EventTime;
            let begin = Begin {
                // It is valid UTF-8, as it could be decoded.
                message: String::from_utf8_lossy(record.message.payload.bytes()).into_owned(),
                position: record.message.position,
                until: self.follow.moment(&answer.request, read_at) + FOLLOWED_FOR.as_millis() as EventTime,
            };
            versions.extend(match self.shared.observer {
                Some(_) => self.table.begin(answer, begin, read_at),
                None => Some(self.table.refuse(answer, "no events are read here that could change an answer")),
            });
        }
        self.shared.counters.followed.add(self.table.len() - before);
        if !versions.is_empty() {
            self.submit(versions, capability());
        }
    }

    fn submit(&mut self, versions: Vec<Version<D>>, capability: Option<Capability<Timestamp>>) {
        let of = |version: &Version<D>| {
            (version.answer.id().clone(), matches!(version.stage, Stage::Last | Stage::Refused(_)))
        };
        let obligation = Obligation { capability, versions: versions.iter().map(of).collect() };
        self.obligations.insert(self.next_token, obligation);
        if let Err(gone) = self.versions.submit(self.next_token, versions) {
            self.shared.in_flight.borrow_mut().broken = Some(gone.to_string());
        }
        self.next_token += 1;
    }

    /// Takes over what has landed: the next versions of these requests can be made (rule 3).
    pub(super) fn settle(&mut self) {
        let before = self.table.len();
        loop {
            match self.versions.poll() {
                Ok(None) => break,
                Ok(Some(settled)) => {
                    let Some(Obligation { versions, capability }) = self.obligations.remove(&settled.token) else {
                        continue;
                    };
                    versions.iter().for_each(|(id, is_last)| self.table.landed(id, *is_last));
                    // While a version is on its way, its request misses its turns.
                    self.round.changes = None;
                    for refused in settled.refused {
                        let id = refused.row.answer.id();
                        tracing::error!("{id} is followed no more: the store refuses a version: {}", refused.reason);
                        self.table.forget(id);
                    }
                    self.shared.counters.versions.add(settled.landed);
                    drop(capability);
                }
                Err(gone) => {
                    self.shared.in_flight.borrow_mut().broken = Some(gone.to_string());
                    break;
                }
            }
        }
        self.shared.counters.followed.remove(before - self.table.len());
    }

    /// Asks some requests again, if it is time (rules 4 and 7). Returns the time after which it wants to go on.
    pub(super) fn ask_again(&mut self) -> Option<Duration> {
        let observer = Rc::clone(self.shared.observer.as_ref()?);
        let progress = observer.progress();
        if !progress.is_rebuilt || self.table.len() == 0 || self.shared.in_flight.borrow().stopping {
            return None;
        }
        let (began, round) = (Instant::now(), &mut self.round);
        if !round.is_running {
            if round.changes == Some(progress.changes) && began < round.idle_until {
                return None;
            }
            if began < round.next {
                return round.arm(began);
            }
            (round.is_running, round.changes, round.spent) = (true, Some(progress.changes), Duration::ZERO);
            round.idle_until = began + IDLE_EVERY;
        }
        let now = Now { latest: progress.latest, clock: self.shared.clock.now() as EventTime };
        let is_round_over = self.table.take_turn(TURN, now, &mut self.requests);
        self.answer(&*observer, now);
        let (now, round) = (Instant::now(), &mut self.round);
        round.spent += now - began;
        if !is_round_over {
            return Some(Duration::ZERO);
        }
        round.is_running = false;
        round.next = now + round.spent * PAUSE_OF_ROUND;
        if round.changes == Some(observer.progress().changes) { None } else { round.arm(now) }
    }

    /// Scores the requests that were taken, and submits the versions that this makes.
    fn answer(&mut self, observer: &dyn Observer<D>, now: Now) {
        self.requests.iter_mut().for_each(|request| observer.observe(request, now.clock));
        let schedule = self.schedule.borrow();
        let Some(models) = schedule.known_at(self.shared.clock.now()) else { return self.requests.clear() };
        let scorer = Arc::clone(&models.current);
        drop(schedule);
        scorer.score(&self.requests, &mut self.scores);
        let (model, scored_at) = (scorer.version(), clock::now());
        let answers = self.requests.drain(..).zip(self.scores.drain(..));
        let answers = answers.map(|(request, score)| Answer { request, score, model: model.clone(), scored_at });
        let versions: Vec<_> = answers.filter_map(|answer| self.table.answered(answer, now)).collect();
        if !versions.is_empty() {
            self.submit(versions, None);
        }
    }
}

impl Round {
    /// Returns the pause until the next round may begin, unless it is armed already.
    fn arm(&mut self, now: Instant) -> Option<Duration> {
        if self.armed > now {
            return None;
        }
        self.armed = self.next;
        Some(self.next - now)
    }
}
