//! The requests that a worker follows, and what becomes of each of them at a moment.

use std::collections::HashMap;

use engine::{
    domain::{Answer, Domain, Follow},
    follow::{Begin, FOLLOWED_FOR, Followed, Stage, VERSIONS_MAX, Version},
    live::EventTime,
    request::RequestId,
};

/// Upper bound on the requests that a worker follows. One beyond it is answered, and its version 1 says that it is not
/// followed.
pub const FOLLOWED_MAX: usize = 16_384;

/// A followed request.
struct Entry<D: Domain> {
    request: D::Request,
    /// The moment at which the following ends.
    until: EventTime,
    /// The time at which it ends by the clock, in case that moments do not go on.
    ends_at: EventTime,
    number: u32,
    told: Vec<f64>,
    /// True while its last version is not durable: the next one is not made before.
    is_pending: bool,
}

/// The times at which a request is asked again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    /// That of the latest event.
    pub(super) latest: EventTime,
    /// That of the clock.
    pub(super) clock: EventTime,
}

/// The followed requests of one worker.
pub(super) struct Table<D: Domain> {
    follow: &'static dyn Follow<D>,
    followed_max: usize,
    /// In the order in which they are asked again, from `next` on.
    entries: Vec<Entry<D>>,
    indexes: HashMap<RequestId, usize>,
    next: usize,
}

impl<D: Domain> Table<D> {
    pub(super) fn new(follow: &'static dyn Follow<D>, followed_max: usize) -> Self {
        Table { follow, followed_max, entries: Vec::new(), indexes: HashMap::new(), next: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn add(&mut self, entry: Entry<D>) {
        self.indexes.insert(D::id(&entry.request).clone(), self.entries.len());
        self.entries.push(entry);
    }

    /// Goes on with a request that was followed before this worker started.
    pub(super) fn resume(&mut self, Followed { begin, began_at, number, told }: Followed) {
        // Its message could be decoded when it was followed first.
        let Ok(request) = D::decode(begin.message.as_bytes()) else { return };
        if !self.indexes.contains_key(D::id(&request)) {
            let ends_at = began_at + FOLLOWED_FOR.as_millis() as EventTime;
            self.add(Entry { request, until: begin.until, ends_at, number, told, is_pending: false });
        }
    }

    /// Begins to follow the request of an answer. Returns version 1; `None` if the request is followed.
    pub(super) fn begin(&mut self, answer: Answer<D>, begin: Begin, read_at: EventTime) -> Option<Version<D>> {
        if self.indexes.contains_key(answer.id()) {
            return None;
        }
        if self.entries.len() >= self.followed_max {
            let reason = format!("{} requests are followed, and no more at a time", self.followed_max);
            return Some(self.refuse(answer, &reason));
        }
        let told = self.follow.told(&answer);
        let stage = if self.follow.is_final(&answer) {
            Stage::Last
        } else {
            let ends_at = read_at + FOLLOWED_FOR.as_millis() as EventTime;
            // Without what the state has given it.
            let (request, until) = (D::decode(begin.message.as_bytes()).ok()?, begin.until);
            self.add(Entry { request, until, ends_at, number: 1, told: told.clone(), is_pending: true });
            Stage::Begins(begin)
        };
        Some(Version { answer, number: 1, told, stage })
    }

    /// Returns version 1 of an answer whose request is not followed, for this reason.
    pub(super) fn refuse(&self, answer: Answer<D>, reason: &str) -> Version<D> {
        let told = self.follow.told(&answer);
        Version { answer, number: 1, told, stage: Stage::Refused(reason.to_owned()) }
    }

    /// Takes at most `count` requests to ask again, in turn, each with its moment set. Returns whether all had their
    /// turn since the last time that all had it.
    pub(super) fn take_turn(&mut self, count: usize, now: Now, into: &mut Vec<D::Request>) -> bool {
        let end = (self.next + count).min(self.entries.len());
        for entry in self.entries.get(self.next..end).into_iter().flatten().filter(|entry| !entry.is_pending) {
            let mut request = entry.request.clone();
            self.follow.ask_again(&mut request, now.latest, now.clock);
            into.push(request);
        }
        let is_round = end == self.entries.len();
        self.next = if is_round { 0 } else { end };
        is_round
    }

    /// Returns the next version of a request that was answered again, if there is one to make.
    pub(super) fn answered(&mut self, answer: Answer<D>, now: Now) -> Option<Version<D>> {
        let entry = self.entries.get_mut(*self.indexes.get(answer.id())?)?;
        let told = self.follow.told(&answer);
        let number = entry.number + 1;
        let moment = self.follow.moment(&answer.request, now.clock);
        let ends = moment >= entry.until || now.clock >= entry.ends_at || number >= VERSIONS_MAX;
        let stage = match ends || self.follow.is_final(&answer) {
            true => Stage::Last,
            false if self.follow.is_news(&entry.told, &told) => Stage::GoesOn,
            false => return None,
        };
        (entry.number, entry.told, entry.is_pending) = (number, told.clone(), true);
        Some(Version { answer, number, told, stage })
    }

    /// Says that the last version of a request is durable; it is followed no more if that is the last one.
    pub(super) fn landed(&mut self, id: &RequestId, has_ended: bool) {
        if has_ended {
            return self.forget(id);
        }
        let entry = self.indexes.get(id).and_then(|index| self.entries.get_mut(*index));
        entry.into_iter().for_each(|entry| entry.is_pending = false);
    }

    /// Follows a request no more.
    pub(super) fn forget(&mut self, id: &RequestId) {
        let Some(index) = self.indexes.remove(id) else { return };
        self.entries.swap_remove(index);
        if let Some(moved) = self.entries.get(index) {
            self.indexes.insert(D::id(&moved.request).clone(), index);
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use engine::{
        answer::ModelVersion,
        log::{Offset, PartitionId, Position},
    };

    use super::*;
    use crate::testing::{FollowReadings, Level, Readings, followed};

    const DAY_MS: EventTime = 24 * 3600 * 1000;

    fn table(followed_max: usize) -> Table<Readings> {
        Table::new(&FollowReadings, followed_max)
    }

    fn answer(id: &str, value: f64) -> Answer<Readings> {
        let request = Readings::decode(&followed(id, "S1", value)).unwrap();
        let scored_at = DateTime::from_timestamp_millis(0).unwrap();
        Answer { request, score: Level::Normal, model: ModelVersion::new("m"), scored_at }
    }

    fn begin(table: &mut Table<Readings>, id: &str) -> Option<Version<Readings>> {
        let position = Position { partition: PartitionId(0), offset: Offset(0) };
        let message = String::from_utf8(followed(id, "S1", 0.0)).unwrap();
        table.begin(answer(id, 0.0), Begin { message, position, until: DAY_MS }, 0)
    }

    fn at(clock: EventTime) -> Now {
        Now { latest: 0, clock }
    }

    #[test]
    fn rule_3_no_version_is_made_before_the_last_one_has_landed() {
        let mut table = table(10);
        let version = begin(&mut table, "a").unwrap();
        let mut taken = Vec::new();
        assert!(table.take_turn(10, at(1), &mut taken) && taken.is_empty());
        table.landed(version.answer.id(), false);
        assert!(table.take_turn(10, at(1), &mut taken) && taken.len() == 1);
        assert_eq!(table.answered(answer("a", 9.0), at(1)), None);
        let version = table.answered(answer("a", 10.0), at(1)).unwrap();
        assert_eq!((version.number, version.told, version.stage), (2, vec![10.0], Stage::GoesOn));
        taken.clear();
        assert!(table.take_turn(10, at(1), &mut taken) && taken.is_empty());
    }

    #[test]
    fn rule_5_the_time_or_the_number_of_versions_ends_the_following() {
        let mut table = table(10);
        let first = begin(&mut table, "late").unwrap();
        table.landed(first.answer.id(), false);
        assert_eq!(table.answered(answer("late", 0.0), at(DAY_MS - 1)), None);
        let last = table.answered(answer("late", 0.0), at(DAY_MS)).unwrap();
        assert_eq!((last.number, last.stage), (2, Stage::Last));
        table.landed(last.answer.id(), true);
        assert_eq!(table.len(), 0);

        begin(&mut table, "many").unwrap();
        for number in 2..=VERSIONS_MAX {
            let version = table.answered(answer("many", 10.0 * f64::from(number % 50)), at(1)).unwrap();
            assert_eq!((version.number, version.stage == Stage::Last), (number, number == VERSIONS_MAX));
        }
    }

    #[test]
    fn rule_6_one_more_than_the_bound_is_refused() {
        let mut table = table(2);
        let stages: Vec<Stage> = ["a", "b", "c"].map(|id| begin(&mut table, id).unwrap().stage).into();
        assert!(
            matches!(&stages[..], [Stage::Begins(_), Stage::Begins(_), Stage::Refused(reason)] if reason.contains('2'))
        );
        assert_eq!(begin(&mut table, "a"), None, "it is followed");
        table.forget(answer("a", 0.0).id());
        assert!(matches!(begin(&mut table, "d").unwrap().stage, Stage::Begins(_)));
    }

    #[test]
    fn rule_7_all_have_their_turns_whatever_is_forgotten() {
        let mut table = table(100);
        for n in 0..10 {
            let version = begin(&mut table, &n.to_string()).unwrap();
            table.landed(version.answer.id(), false);
        }
        let mut taken = Vec::new();
        assert!(!table.take_turn(4, at(1), &mut taken));
        assert!(!table.take_turn(4, at(1), &mut taken));
        (0..7).for_each(|n| table.forget(answer(&n.to_string(), 0.0).id()));
        assert_eq!(taken.len(), 8);
        while !table.take_turn(2, at(1), &mut taken) {}
        taken.clear();
        while !table.take_turn(2, at(1), &mut taken) {}
        let mut ids: Vec<String> = taken.iter().map(|request| request.id.to_string()).collect();
        ids.sort();
        assert_eq!(ids, ["7", "8", "9"]);
    }
}
