//! The names of airports, cities and airlines, to find codes by.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use foldhash::HashMap;

use super::words::{Word, plain};
use crate::{airports::Airports, flight::Code, history::city};

/// Airports that are not as far from the city's first one are meant with it, in miles: Newark with New York.
const NEARBY_MILES: f32 = 32.0;
/// Upper bound on the airports of a place.
const AIRPORTS_MAX: usize = 6;
/// Words of airports' names that tell no airport from another.
const OF_AIRPORTS: &[&str] = &[
    "intl",
    "international",
    "airport",
    "airpark",
    "arpt",
    "fld",
    "field",
    "regional",
    "rgnl",
    "municipal",
    "muni",
    "natl",
    "national",
    "county",
    "metropolitan",
    "metro",
    "memorial",
];
/// Words of airlines' names that tell no airline from another.
const OF_AIRLINES: &[&str] =
    &["air", "lines", "line", "airlines", "airline", "airways", "airway", "inc", "co", "corp", "corporation", "llc"];
/// Words of which each is the code of an airline, too.
const COMMON_WORDS: &[&str] = &["as", "us", "in", "at", "on", "of", "is", "my", "to", "am", "pm"];

/// Names to find airports and airlines by. Airports that no flight of the tables serves are found by their codes alone.
#[derive(Debug)]
pub struct Names {
    /// The airports with flights, that with most first.
    airports: Vec<Code>,
    /// By the names of their cities without blanks, as positions in `airports`, ascending.
    by_city: HashMap<String, Vec<usize>>,
    /// By some words of their names that follow one another, without blanks, likewise.
    by_name: HashMap<String, Vec<usize>>,
    airlines: BTreeMap<Code, Vec<String>>,
    tables: Arc<Airports>,
}

fn name_words(name: &str) -> Vec<String> {
    plain(name).split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

impl Names {
    /// Takes the names of the tables. `flights` has the numbers of flights of the airports of a history; those that are
    /// in the tables alone are ordered by their routes.
    pub fn new(tables: Arc<Airports>, flights: &BTreeMap<Code, u64>) -> Self {
        let mut routes: BTreeMap<Code, u64> = flights.keys().map(|code| (*code, 0)).collect();
        routes.extend(tables.served());
        let mut airports: Vec<Code> = routes.keys().copied().collect();
        airports.sort_by_key(|code| Reverse((flights.get(code), routes.get(code))));
        let (mut by_city, mut by_name) = (HashMap::<_, Vec<_>>::default(), HashMap::<_, Vec<_>>::default());
        for (position, code) in airports.iter().enumerate() {
            let city = city(*code).unwrap_or_default();
            // `Dallas-Fort Worth` is Dallas, too.
            let cities = [city].into_iter().chain(city.split(['/', '-'])).map(|city| name_words(city).concat());
            for city in cities.collect::<BTreeSet<String>>() {
                by_city.entry(city).or_default().push(position);
            }
            let name = name_words(tables.name_of(*code).unwrap_or_default());
            let runs = (0..name.len()).flat_map(|from| (from + 1..=name.len()).map(move |until| from..until));
            for run in runs.map(|run| name[run].concat()).collect::<BTreeSet<String>>() {
                by_name.entry(run).or_default().push(position);
            }
        }
        let airlines: BTreeMap<_, _> = tables
            .airlines()
            .map(|(code, name)| {
                let words = name_words(name).into_iter().filter(|word| !OF_AIRLINES.contains(&word.as_str()));
                (code, words.collect())
            })
            .collect();
        Names { airports, by_city, by_name, airlines, tables }
    }

    /// The airline with a code; case does not matter.
    pub(super) fn airline_code(&self, text: &str) -> Option<Code> {
        let code = text.to_uppercase().parse().ok()?;
        self.airlines.contains_key(&code).then_some(code)
    }

    /// The airline that words name: its code, or the first words of its name.
    pub(super) fn airline(&self, words: &[Word]) -> Option<Code> {
        // `US Airways` is no other word.
        let suffix = words.iter().rev().take_while(|word| is_of_airlines(word)).count();
        let words = &words[..words.len() - suffix];
        if let [word] = words
            && (suffix > 0 || !COMMON_WORDS.contains(&word.text.as_str()) || word.is_upper())
            && let Some(code) = self.airline_code(&word.text)
        {
            return Some(code);
        }
        let wanted: String = words.iter().map(|word| word.text.as_str()).collect();
        let begins = |name: &Vec<String>| (1..=name.len()).any(|count| name[..count].concat() == wanted);
        let found = self.airlines.iter().filter(|(_, name)| begins(name) && wanted.len() > 2);
        // Of `American` and `American Eagle` the shorter name is meant.
        found.min_by_key(|(_, name)| name.len()).map(|(code, _)| *code)
    }

    /// The number of words that only complete an airline's name: `Air Lines Inc.`
    pub(super) fn airline_suffix(&self, words: &[Word]) -> usize {
        words.iter().take_while(|word| is_of_airlines(word)).count()
    }

    /// The airports that words name, that with most flights first: by code, by city with those nearby, or by name.
    pub(super) fn airports(&self, words: &[Word]) -> Vec<Code> {
        if let [word] = words
            && let Some(code) = self.airport_code(word)
        {
            return vec![code];
        }
        if words.iter().all(Word::is_filler) {
            return Vec::new();
        }
        let wanted: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        let wanted = match &wanted[..] {
            // `Boston airport` is Boston.
            [rest @ .., last] if !rest.is_empty() && OF_AIRPORTS.contains(last) => rest,
            all => all,
        };
        let joined = wanted.concat();
        if joined.len() < 4 || wanted.iter().all(|word| OF_AIRPORTS.contains(word)) {
            return Vec::new();
        }
        let mut found = self.by_city.get(&joined).or_else(|| self.by_name.get(&joined)).cloned().unwrap_or_default();
        // Of a city with one airport that one is meant.
        if found.len() > 1 && self.by_city.contains_key(&joined) {
            let main = self.airports[found[0]];
            let is_near = |code| self.tables.distance_miles(main, code).is_some_and(|miles| miles <= NEARBY_MILES);
            let near = (0..self.airports.len()).filter(|position| is_near(self.airports[*position]));
            let near: Vec<usize> = near.filter(|position| !found.contains(position)).collect();
            found.extend(near);
        }
        found.into_iter().map(|position| self.airports[position]).take(AIRPORTS_MAX).collect()
    }

    /// An airport by its code. One that is a word in lower case may be just that.
    fn airport_code(&self, word: &Word) -> Option<Code> {
        let code = word.text.to_uppercase().parse().ok().filter(|code| self.tables.knows_airport(*code))?;
        let is_served = self.airports.contains(&code);
        (word.text.len() >= 3 && !word.is_filler() && (is_served || word.is_upper())).then_some(code)
    }
}

fn is_of_airlines(word: &Word) -> bool {
    OF_AIRLINES.contains(&word.text.as_str())
}
