//! Airports that are named by number: BTS's airport ids, and the codes that they stand for.
//!
//! BTS gives each airport a number of five digits that it keeps when its code changes (14747 is SEA), and a longer
//! one, of seven digits, that begins with it. Some tables have these numbers in place of codes: a well-known one has
//! them in its months of October. A number is never taken for a code.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::{ImportError, intake::BrokenRow};
use crate::code::Code;

/// This many ids are named in an error.
const IDS_NAMED_MAX: usize = 10;
/// Ids and descriptions kept: BTS has about 7,000.
const ENTRIES_MAX: usize = 100_000;

/// The codes of ids, from rows and tables that have both.
#[derive(Debug, Default)]
pub(super) struct Airports {
    /// `None` where two codes were seen beside the same id.
    codes: HashMap<u32, Option<Code>, RandomState>,
    /// The texts beside ids and codes in BTS's lookup tables: one table has ids, another codes, both the same texts.
    described: HashMap<String, Described, RandomState>,
}

#[derive(Debug, Default)]
struct Described {
    ids: Vec<u32>,
    codes: Vec<Code>,
}

/// Returns whether a text is a number where an airport's code should be. Numbers of up to three digits are left
/// alone: some private airfields have letters and digits, but none that is known has four digits.
pub(super) fn is_number(text: &str) -> bool {
    text.len() >= 4 && text.bytes().all(|b| b.is_ascii_digit())
}

/// The id that a number is.
fn id(number: &str) -> Option<u32> {
    match number.len() {
        5 => number.parse().ok(),
        7 => number[..5].parse().ok(),
        _ => None,
    }
}

impl Airports {
    /// Notes that an id and a code stand in the same row.
    pub(super) fn learn(&mut self, number: &str, code: Code) {
        let Some(id) = is_number(number).then(|| id(number)).flatten() else { return };
        let known = self.codes.len();
        match self.codes.get_mut(&id) {
            Some(known) if *known != Some(code) => *known = None,
            None if known < ENTRIES_MAX => {
                self.codes.insert(id, Some(code));
            }
            _ => {}
        }
    }

    /// Notes a row of a lookup table: an id or a code, and what is said of it.
    pub(super) fn describe(&mut self, key: &str, description: &str) {
        let description = description.trim();
        if description.is_empty() || (self.described.len() >= ENTRIES_MAX && !self.described.contains_key(description))
        {
            return;
        }
        let described = self.described.entry(description.to_owned()).or_default();
        if is_number(key) {
            described.ids.extend(id(key).filter(|id| !described.ids.contains(id) && described.ids.len() < 2));
        } else if let Ok(code) = key.parse() {
            described
                .codes
                .extend(Some(code).filter(|code| !described.codes.contains(code) && described.codes.len() < 2));
        }
    }

    /// Adds what another text has shown.
    pub(super) fn add(&mut self, other: Airports) {
        for (id, code) in other.codes {
            match code {
                Some(code) => self.learn(&id.to_string(), code),
                None => _ = self.codes.insert(id, None),
            }
        }
        for (description, Described { ids, codes }) in other.described {
            ids.iter().for_each(|id| self.describe(&id.to_string(), &description));
            codes.iter().for_each(|code| self.describe(code.as_str(), &description));
        }
    }

    /// Takes what the lookup tables say of ids that no row has beside a code.
    fn join(&mut self) {
        for described in std::mem::take(&mut self.described).into_values() {
            if let (&[id], &[code]) = (described.ids.as_slice(), described.codes.as_slice()) {
                self.codes.entry(id).or_insert(Some(code));
            }
        }
    }

    /// Puts codes in the place of the numbers among `codes`; `first` is where the first of them was read.
    pub(super) fn resolve<'a>(
        mut self,
        codes: impl Iterator<Item = &'a mut Code>,
        first: &BrokenRow,
    ) -> Result<(), ImportError> {
        self.join();
        let (mut unknown, mut count) = (Vec::new(), 0);
        for code in codes.filter(|code| is_number(code.as_str())) {
            match id(code.as_str()).and_then(|id| self.codes.get(&id).copied().flatten()) {
                Some(found) => *code = found,
                None => {
                    count += 1;
                    if unknown.len() < IDS_NAMED_MAX && !unknown.contains(code) {
                        unknown.push(*code);
                    }
                }
            }
        }
        if count == 0 {
            return Ok(());
        }
        let ids = unknown.iter().map(Code::to_string).collect();
        Err(ImportError::AirportIds { file: first.file.clone(), line: first.line, count, ids })
    }
}
