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
    finding::Finding,
    runtime::Mutex,
    store::{Landed, Lookup, Outcome, Page, Store, Tail},
};

use super::domain::{Labels, Reading, Readings};

type Answer = engine::domain::Answer<Readings>;
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

    pub fn rejections(&self) -> BTreeMap<String, Rejection> {
        self.state.lock().rejections.clone()
    }

    pub fn is_durable(&self, id: &str) -> bool {
        self.state.lock().answers.contains_key(id)
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
