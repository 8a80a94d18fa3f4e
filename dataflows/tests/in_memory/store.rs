//! The store in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    thread,
    time::Duration,
};

use chrono::{DateTime, Utc};
use engine::{
    answer::Rejection,
    delivery::{Refusal, Unavailable, Writer},
    document::to_json,
    domain::Follow,
    finding::Finding,
    follow::{Begin, Followed, Stage},
    live::EventTime,
    runtime::Mutex,
    store::{Landed, Lookup, Outcome, Page, Store, Tail},
};

use super::domain::{FollowReadings, Labels, Reading, Readings};

type Answer = engine::domain::Answer<Readings>;
pub type Version = engine::follow::Version<Readings>;
type ShadowAnswer = engine::shadow::ShadowAnswer<Readings>;

/// The injected fault of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// No fault.
    #[default]
    None,
    /// The next writes, of this number, fail and write nothing.
    Fail(usize),
    /// The next writes, of this number, write all rows and fail: the acknowledgement is lost.
    FailAfterWriting(usize),
    /// A write does not return until the fault changes.
    Block,
    /// A write panics, like a defect.
    Panic,
}

#[derive(Default)]
struct State {
    answers: BTreeMap<String, Answer>,
    shadows: BTreeMap<String, ShadowAnswer>,
    holds_shadows: bool,
    versions: BTreeMap<(String, u32), Version>,
    followed: BTreeMap<String, (Begin, EventTime)>,
    holds_versions: bool,
    /// The next writes of versions, of this number, write all rows and fail.
    versions_to_fail: usize,
    rejections: BTreeMap<String, Rejection>,
    fault: Fault,
    refused: Option<String>,
    writes: usize,
    holds_rejections: bool,
}

#[derive(Clone)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
}

impl MemoryStore {
    pub fn new() -> Arc<Self> {
        Arc::new(MemoryStore { state: Arc::default() })
    }

    pub fn fault(&self, fault: Fault) {
        self.state.lock().fault = fault;
    }

    /// Makes the store refuse the answer of an ID permanently.
    pub fn refuse(&self, id: &str) {
        self.state.lock().refused = Some(id.to_owned());
    }

    /// Makes writes of rejections block while `hold` is true.
    pub fn hold_rejections(&self, hold: bool) {
        self.state.lock().holds_rejections = hold;
    }

    pub fn answers(&self) -> BTreeMap<String, Answer> {
        self.state.lock().answers.clone()
    }

    #[allow(dead_code, reason = "for those of the shadow")]
    pub fn shadows(&self) -> BTreeMap<String, ShadowAnswer> {
        self.state.lock().shadows.clone()
    }

    /// Makes writes of shadow answers fail while `hold` is true.
    #[allow(dead_code, reason = "for those of the shadow")]
    pub fn hold_shadows(&self, hold: bool) {
        self.state.lock().holds_shadows = hold;
    }

    /// Returns the versions of an answer, in the order of their numbers.
    #[allow(dead_code, reason = "for those that follow")]
    pub fn versions_of(&self, id: &str) -> Vec<Version> {
        let state = self.state.lock();
        state.versions.iter().filter(|((of, _), _)| of == id).map(|(_, version)| version.clone()).collect()
    }

    /// Returns the ids of the requests that are followed.
    #[allow(dead_code, reason = "for those that follow")]
    pub fn followed_ids(&self) -> BTreeSet<String> {
        self.state.lock().followed.keys().cloned().collect()
    }

    /// Makes writes of versions block while `hold` is true.
    #[allow(dead_code, reason = "for those that follow")]
    pub fn hold_versions(&self, hold: bool) {
        self.state.lock().holds_versions = hold;
    }

    /// Makes the next writes of versions write all rows and fail.
    #[allow(dead_code, reason = "for those that follow")]
    pub fn fail_versions(&self, writes: usize) {
        self.state.lock().versions_to_fail = writes;
    }

    pub fn rejections(&self) -> BTreeMap<String, Rejection> {
        self.state.lock().rejections.clone()
    }

    /// Returns whether an answer is durable, with its version 1 if it is followed.
    pub fn is_durable(&self, id: &str) -> bool {
        let state = self.state.lock();
        state.answers.get(id).is_some_and(|answer| {
            !FollowReadings.is_wanted(&answer.request) || state.versions.contains_key(&(id.to_owned(), 1))
        })
    }

    pub fn writes(&self) -> usize {
        self.state.lock().writes
    }

    /// Applies the fault; returns true if the write must be done, and the result to return after it.
    fn admit(&self) -> (bool, Result<(), Unavailable>) {
        let down = || Err(Unavailable::transient("the store is down, as the test wants it"));
        self.state.lock().writes += 1;
        loop {
            let mut state = self.state.lock();
            match state.fault {
                Fault::None | Fault::Fail(0) | Fault::FailAfterWriting(0) => return (true, Ok(())),
                Fault::Fail(left) => {
                    state.fault = Fault::Fail(left - 1);
                    return (false, down());
                }
                Fault::FailAfterWriting(left) => {
                    state.fault = Fault::FailAfterWriting(left - 1);
                    return (true, down());
                }
                Fault::Block => {}
                Fault::Panic => panic!("the test wants this writer dead"),
            }
            drop(state);
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Store<Readings> for MemoryStore {
    fn describe(&self) -> String {
        "in memory".into()
    }

    fn answers(&self) -> Result<Box<dyn Writer<Answer>>, Unavailable> {
        Ok(Box::new(self.clone()))
    }

    fn rejections(&self) -> Result<Box<dyn Writer<Rejection>>, Unavailable> {
        Ok(Box::new(self.clone()))
    }

    fn shadows(&self) -> Result<Box<dyn Writer<ShadowAnswer>>, Unavailable> {
        Ok(Box::new(self.clone()))
    }

    fn versions(&self) -> Result<Box<dyn Writer<Version>>, Unavailable> {
        Ok(Box::new(self.clone()))
    }

    fn followed(&self) -> Result<Vec<Followed>, Unavailable> {
        let state = self.state.lock();
        let of = |(id, (begin, began_at)): (&String, &(Begin, EventTime))| {
            let (_, last) = state.versions.range((id.clone(), 0)..=(id.clone(), u32::MAX)).next_back()?;
            let (number, told) = (last.number, last.told.clone());
            Some(Followed { begin: begin.clone(), began_at: *began_at, number, told })
        };
        Ok(state.followed.iter().filter_map(of).collect())
    }

    fn lookup(&self) -> Result<Box<dyn Lookup>, Unavailable> {
        Ok(Box::new(self.clone()))
    }

    fn inspect(&self) -> Vec<Finding> {
        Vec::new()
    }

    fn tail(&self, since: DateTime<Utc>) -> Result<Box<dyn Tail<Readings>>, Unavailable> {
        Ok(Box::new(MemoryTail { store: self.clone(), since, seen: BTreeSet::new(), is_at_end: false }))
    }
}

struct MemoryTail {
    store: MemoryStore,
    since: DateTime<Utc>,
    seen: BTreeSet<String>,
    /// The end was reached: later rows have just landed, whatever their timestamp.
    is_at_end: bool,
}

impl Tail<Readings> for MemoryTail {
    /// Applies the fault of writes to reads, too.
    fn next(&mut self, rows_max: usize) -> Result<Page<Readings>, Unavailable> {
        self.store.admit().1?;
        let answers: Vec<Answer> = self.store.answers().into_values().collect();
        let is_of_window = |answer: &Answer| self.is_at_end || answer.scored_at >= self.since;
        let new = |answer: &Answer| is_of_window(answer) && !self.seen.contains(answer.request.id.as_str());
        let rows: Vec<Landed<Readings>> = answers.into_iter().filter(new).take(rows_max).map(landed).collect();
        self.seen.extend(rows.iter().map(|row| row.id.clone()));
        let more = rows.len() == rows_max;
        self.is_at_end |= !more;
        Ok(Page { more, rows })
    }
}

fn landed(Answer { request, score, model, scored_at }: Answer) -> Landed<Readings> {
    let Reading { id, sensor, place, .. } = request;
    Landed { id: id.to_string(), scored_at, labels: Labels { level: score, sensor, place }, model }
}

impl Writer<Answer> for MemoryStore {
    fn write(&mut self, rows: &[Answer]) -> Result<Vec<Refusal>, Unavailable> {
        let (admitted, result) = self.admit();
        let mut refusals = vec![];
        let mut state = self.state.lock();
        for (row, answer) in rows.iter().enumerate().filter(|_| admitted) {
            let id = answer.request.id.as_str();
            if state.refused.as_deref() == Some(id) {
                refusals.push(Refusal { row, reason: "not this one".into() });
            } else {
                state.answers.entry(id.to_owned()).or_insert_with(|| answer.clone());
            }
        }
        result.map(|()| refusals)
    }
}

impl Writer<ShadowAnswer> for MemoryStore {
    fn write(&mut self, rows: &[ShadowAnswer]) -> Result<Vec<Refusal>, Unavailable> {
        let mut state = self.state.lock();
        if state.holds_shadows {
            return Err(Unavailable::transient("shadows are held, as the test wants it"));
        }
        for row in rows {
            state.shadows.entry(row.answer.request.id.to_string()).or_insert_with(|| row.clone());
        }
        Ok(vec![])
    }
}

impl Writer<Version> for MemoryStore {
    fn write(&mut self, rows: &[Version]) -> Result<Vec<Refusal>, Unavailable> {
        while self.state.lock().holds_versions {
            thread::sleep(Duration::from_millis(1));
        }
        let mut state = self.state.lock();
        for version in rows {
            let id = version.answer.request.id.to_string();
            state.versions.entry((id.clone(), version.number)).or_insert_with(|| version.clone());
            match &version.stage {
                Stage::Begins(begin) => {
                    let record = (begin.clone(), version.answer.scored_at.timestamp_millis());
                    state.followed.entry(id).or_insert(record);
                }
                Stage::Last => drop(state.followed.remove(&id)),
                Stage::GoesOn | Stage::Refused(_) => {}
            }
        }
        if state.versions_to_fail > 0 {
            state.versions_to_fail -= 1;
            return Err(Unavailable::transient("the acknowledgement is lost, as the test wants it"));
        }
        Ok(vec![])
    }
}

impl Writer<Rejection> for MemoryStore {
    fn write(&mut self, rows: &[Rejection]) -> Result<Vec<Refusal>, Unavailable> {
        while self.state.lock().holds_rejections {
            thread::sleep(Duration::from_millis(1));
        }
        let mut state = self.state.lock();
        for row in rows {
            state.rejections.entry(row.id.to_string()).or_insert_with(|| row.clone());
        }
        Ok(vec![])
    }
}

impl Lookup for MemoryStore {
    fn find(&self, id: &str) -> Result<Option<Outcome>, Unavailable> {
        let state = self.state.lock();
        let answer = state.answers.get(id).map(|answer| Outcome::Answered(to_json(&answer.to_document())));
        Ok(answer.or_else(|| state.rejections.get(id).map(|rejection| Outcome::Rejected(rejection.reason.clone()))))
    }
}
