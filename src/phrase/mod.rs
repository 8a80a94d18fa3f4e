//! Phrases: reads what people type to name a flight, such as `B6 915 tomorrow` or `delta from jfk to los angeles`.
//!
//! | part | forms |
//! |---|---|
//! | airline | its code before a flight number or alone; the beginning of its name: `delta`, `jet blue` |
//! | flight number | `B6 915`, `b6915`, `delta 915`, `flight 915` |
//! | airport | its code; its name or a part of it: `la guardia`, `kennedy`; a city: `New York` |
//! | direction | `from` and `to`; without them the first place is where the flight leaves |
//! | day | `tomorrow`, `friday`, `4 July`, `July 4 2026`, `2026-07-04`, `7/4`, `4.7.` |
//! | departure | `14:30`, `2pm`, `2:30 pm`, `noon` |
//!
//! Case and accents do not matter. Words of Spanish are read for days and directions. What is left over is named.

mod days;
mod names;
mod words;

#[cfg(test)]
mod tests;

use chrono::{DateTime, NaiveDate, Utc};

pub use names::Names;

use self::{
    days::Day,
    words::{Word, words},
};
use crate::{
    flight::{Code, FLIGHT_NUM_MAX, zoned::to_local},
    history::zone,
};

/// Upper bound on the bytes of a phrase.
pub const PHRASE_BYTES_MAX: usize = 200;
/// Upper bound on the words of a name.
const NAME_WORDS_MAX: usize = 5;

/// A place, and the airports that are meant by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The place as it was typed.
    pub text: String,
    /// The airports, that with most flights first; never none.
    pub airports: Vec<Code>,
}

impl Place {
    /// The airport, if one alone is meant.
    pub fn airport(&self) -> Option<Code> {
        match self.airports[..] {
            [airport] => Some(airport),
            _ => None,
        }
    }
}

/// The meaning of a phrase.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Phrase {
    /// The airline.
    pub carrier: Option<Code>,
    /// The flight number.
    pub number: Option<u32>,
    /// The place of departure.
    pub origin: Option<Place>,
    /// The place of arrival.
    pub dest: Option<Place>,
    /// The day of departure.
    pub date: Option<NaiveDate>,
    /// The scheduled departure in minutes since midnight.
    pub departs: Option<u16>,
    /// The words that say none of this, as they were typed; those that follow one another together.
    pub unknown: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    From,
    To,
}

impl Phrase {
    /// Reads a phrase. Days such as `tomorrow` are those after `now` where the flight leaves, or in UTC if that is not
    /// known.
    pub fn read(text: &str, names: &Names, now: DateTime<Utc>) -> Self {
        let words = words(text);
        let mut reader = Reader { names, phrase: Phrase::default(), day: None, direction: None, lone_number: None };
        let (mut rest, mut is_unknown) = (&words[..], false);
        while let Some(first) = rest.first() {
            let taken = reader.take(rest);
            let was_unknown = std::mem::replace(&mut is_unknown, taken == 0 && !first.is_filler());
            match reader.phrase.unknown.last_mut() {
                Some(last) if is_unknown && was_unknown => *last = format!("{last} {}", first.typed),
                _ if is_unknown => reader.phrase.unknown.push(first.typed.clone()),
                _ => {}
            }
            rest = &rest[taken.max(1)..];
        }
        reader.finish(now)
    }
}

struct Reader<'a> {
    names: &'a Names,
    phrase: Phrase,
    day: Option<Day>,
    /// The direction that the last word gave.
    direction: Option<Direction>,
    /// A number that nothing else explains, with its text.
    lone_number: Option<(u32, String)>,
}

impl Reader<'_> {
    /// Takes what the first words say, and returns their number; 0 if they say nothing.
    fn take(&mut self, words: &[Word]) -> usize {
        let first = &words[0];
        if let Some(direction) = direction(&first.text) {
            self.direction = Some(direction);
            // An airport may have a code that is such a word, where it follows another: `to TO`.
            return 1;
        }
        if self.day.is_none()
            && let Some((day, taken)) = Day::read(words)
        {
            self.day = Some(day);
            return taken;
        }
        if self.phrase.departs.is_none()
            && let Some((minute, taken)) = days::time(words)
        {
            self.phrase.departs = Some(minute);
            return taken;
        }
        let taken = self.take_flight(words);
        if taken > 0 {
            return taken;
        }
        for taken in (1..=NAME_WORDS_MAX.min(words.len())).rev() {
            // `Southwest` is an airline, and `to Southwest Florida` is none.
            if self.direction.is_none()
                && self.phrase.carrier.is_none()
                && let Some(carrier) = self.names.airline(&words[..taken])
            {
                self.phrase.carrier = Some(carrier);
                return taken + self.names.airline_suffix(&words[taken..]);
            }
            if self.take_place(&words[..taken]) {
                return taken;
            }
        }
        match flight_number(&first.text) {
            Some(number) if self.lone_number.is_none() => {
                self.lone_number = Some((number, first.typed.clone()));
                1
            }
            _ => 0,
        }
    }

    /// Takes `B6 915`, `b6915` and `delta 915`.
    fn take_flight(&mut self, words: &[Word]) -> usize {
        if self.phrase.number.is_some() {
            return 0;
        }
        let text = &words[0].text;
        for at in (1..text.len()).filter(|at| text.is_char_boundary(*at)) {
            let (code, number) = text.split_at(at);
            if let (Some(carrier), Some(number)) = (self.names.airline_code(code), flight_number(number)) {
                (self.phrase.carrier, self.phrase.number) = (Some(carrier), Some(number));
                return 1;
            }
        }
        let number = |at: usize| words.get(at).and_then(|word| flight_number(&word.text));
        if let (Some(carrier), Some(number)) = (self.names.airline_code(text), number(1)) {
            (self.phrase.carrier, self.phrase.number) = (Some(carrier), Some(number));
            return 2;
        }
        0
    }

    fn take_place(&mut self, words: &[Word]) -> bool {
        let free = match self.direction {
            Some(Direction::From) => self.phrase.origin.is_none().then_some(Direction::From),
            Some(Direction::To) => self.phrase.dest.is_none().then_some(Direction::To),
            None if self.phrase.origin.is_none() => Some(Direction::From),
            None => self.phrase.dest.is_none().then_some(Direction::To),
        };
        let Some(free) = free else { return false };
        let airports = self.names.airports(words);
        if airports.is_empty() {
            return false;
        }
        let typed: Vec<&str> = words.iter().map(|word| word.typed.as_str()).collect();
        let place = Some(Place { text: typed.join(" "), airports });
        match free {
            Direction::From => self.phrase.origin = place,
            Direction::To => self.phrase.dest = place,
        }
        self.direction = None;
        true
    }

    fn finish(self, now: DateTime<Utc>) -> Phrase {
        let Reader { mut phrase, day, lone_number, .. } = self;
        match lone_number {
            Some((number, _)) if phrase.number.is_none() => phrase.number = Some(number),
            Some((_, typed)) => phrase.unknown.push(typed),
            None => {}
        }
        let origin = phrase.origin.as_ref().and_then(|place| place.airports.first());
        let today = match origin.and_then(|airport| zone(*airport)) {
            Some(zone) => to_local(zone, now).0,
            None => now.date_naive(),
        };
        phrase.date = day.and_then(|day| day.after(today));
        phrase
    }
}

fn direction(text: &str) -> Option<Direction> {
    match text {
        "from" | "de" | "desde" => Some(Direction::From),
        "to" | "into" | "a" | "hasta" | "hacia" => Some(Direction::To),
        _ => None,
    }
}

fn flight_number(text: &str) -> Option<u32> {
    let is_number = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_number && (1..=FLIGHT_NUM_MAX).contains(number))
}
