//! Names from outside, bounded: anybody may ask about an airline that does not exist.

use std::{collections::BTreeMap, time::Duration};

use super::{OTHER, Timestamp, fact::Name, window::leaves};

/// The names that are counted one by one.
pub struct Names {
    carriers: Places,
    origins: Places,
    models: Places,
}

impl Names {
    /// At most `names_max` in each dimension, over a window.
    pub fn new(names_max: usize, window: Duration) -> Self {
        let places = || Places { last: BTreeMap::new(), names_max, window };
        Names { carriers: places(), origins: places(), models: places() }
    }

    pub(super) fn carrier(&mut self, name: &str, at_s: u64, now: Timestamp) -> Name {
        self.carriers.admit(name, at_s, now)
    }

    pub(super) fn origin(&mut self, name: &str, at_s: u64, now: Timestamp) -> Name {
        self.origins.admit(name, at_s, now)
    }

    pub(super) fn model(&mut self, name: &str, at_s: u64, now: Timestamp) -> Name {
        self.models.admit(name, at_s, now)
    }
}

/// So many names, and the second in which each was seen last.
struct Places {
    last: BTreeMap<Name, u64>,
    names_max: usize,
    window: Duration,
}

impl Places {
    /// The name, or [`OTHER`] if there is no place for it. A name that has left the window gives up its place.
    fn admit(&mut self, name: &str, at_s: u64, now: Timestamp) -> Name {
        if let Some(last) = self.last.get_mut(name) {
            *last = at_s.max(*last);
            return name.to_owned();
        }
        if self.last.len() >= self.names_max {
            let window = self.window;
            self.last.retain(|_, last| leaves(*last, window) > now);
        }
        if self.last.len() >= self.names_max {
            return OTHER.to_owned();
        }
        self.last.insert(name.to_owned(), at_s);
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_place_until_it_has_left_the_window() {
        let mut names = Names::new(2, Duration::from_secs(60));
        let mut seen = |name, at_s| names.carrier(name, at_s, at_s * 1000);
        assert_eq!([seen("A", 100), seen("B", 120), seen("C", 120), seen("A", 150)], ["A", "B", "other", "A"]);
        assert_eq!([seen("C", 189), seen("C", 190), seen("D", 190), seen("A", 190)], ["other", "C", "other", "A"]);
    }
}
