//! Names from outside, bounded: a request may have any.

use std::{collections::BTreeMap, time::Duration};

use engine::domain::Domain;

use super::{OTHER, Timestamp, event::Name, window::leaves};

/// The names that are counted one by one.
pub struct Names {
    /// In the order of the domain's dimensions.
    labels: Vec<BoundedNames>,
    models: BoundedNames,
}

impl Names {
    /// At most `names_max` in each open dimension, over a window.
    pub fn of<D: Domain>(names_max: usize, window: Duration) -> Self {
        let names = |names_max| BoundedNames { last: BTreeMap::new(), names_max, window };
        let labels = D::DIMENSIONS.iter().map(|dimension| if dimension.is_open { names_max } else { usize::MAX });
        Names { labels: labels.map(names).collect(), models: names(names_max) }
    }

    pub(super) fn label(&mut self, dimension: usize, name: &str, at_s: u64, now: Timestamp) -> Name {
        self.labels.get_mut(dimension).map_or_else(|| OTHER.into(), |names| names.admit(name, at_s, now))
    }

    pub(super) fn model(&mut self, name: &str, at_s: u64, now: Timestamp) -> Name {
        self.models.admit(name, at_s, now)
    }
}

/// So many names, and the second in which each was seen last.
struct BoundedNames {
    last: BTreeMap<Name, u64>,
    names_max: usize,
    window: Duration,
}

impl BoundedNames {
    /// The name, or [`OTHER`] if there is no place for it. A name that has left the window gives up its place.
    fn admit(&mut self, name: &str, at_s: u64, now: Timestamp) -> Name {
        // The name that is there is shared.
        if let Some((known, _)) = self.last.get_key_value(name) {
            let known = known.clone();
            self.last.entry(known.clone()).and_modify(|last| *last = at_s.max(*last));
            return known;
        }
        if self.last.len() >= self.names_max {
            let window = self.window;
            self.last.retain(|_, last| leaves(*last, window) > now);
        }
        if self.last.len() >= self.names_max {
            return OTHER.into();
        }
        let name = Name::from(name);
        self.last.insert(name.clone(), at_s);
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_place_until_it_has_left_the_window() {
        let mut names = BoundedNames { last: BTreeMap::new(), names_max: 2, window: Duration::from_secs(60) };
        let mut seen = |name, at_s| names.admit(name, at_s, at_s * 1000).to_string();
        assert_eq!([seen("A", 100), seen("B", 120), seen("C", 120), seen("A", 150)], ["A", "B", "other", "A"]);
        assert_eq!([seen("C", 189), seen("C", 190), seen("D", 190), seen("A", 190)], ["other", "C", "other", "A"]);
    }
}
