//! The names that are counted, and the bound on them: requests may contain any name.

use std::{borrow::Borrow, collections::BTreeMap, fmt, sync::Arc, time::Duration};

use engine::domain::Domain;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Timestamp, time::leaves_at};

/// The name that replaces all names beyond the bound.
pub const OTHER: &str = "other";

/// A name that is counted, such as a model version's. Clones share its memory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Name {
    fn from(name: &str) -> Self {
        Name(name.into())
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|name| Name(name.into()))
    }
}

/// The names that are counted separately.
pub struct Names {
    /// In the order of the domain's dimensions.
    labels: Vec<BoundedNames>,
    models: BoundedNames,
}

impl Names {
    /// Returns a bound of `names_max` names in each open dimension, over a window.
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

/// A bounded set of names, each with the second of its last event.
struct BoundedNames {
    last: BTreeMap<Name, u64>,
    names_max: usize,
    window: Duration,
}

impl BoundedNames {
    /// Returns the name, or [`OTHER`] if the set is full. Names that have left the window are removed from a full set.
    fn admit(&mut self, name: &str, at_s: u64, now: Timestamp) -> Name {
        // A clone shares the memory of the known name.
        if let Some((known, _)) = self.last.get_key_value(name) {
            let known = known.clone();
            self.last.entry(known.clone()).and_modify(|last| *last = at_s.max(*last));
            return known;
        }
        if self.last.len() >= self.names_max {
            let window = self.window;
            self.last.retain(|_, last| leaves_at(*last, window) > now);
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
    fn a_name_is_kept_until_it_has_left_the_window() {
        let mut names = BoundedNames { last: BTreeMap::new(), names_max: 2, window: Duration::from_secs(60) };
        let mut seen = |name, at_s| names.admit(name, at_s, at_s * 1000).to_string();
        assert_eq!([seen("A", 100), seen("B", 120), seen("C", 120), seen("A", 150)], ["A", "B", "other", "A"]);
        assert_eq!([seen("C", 189), seen("C", 190), seen("D", 190), seen("A", 190)], ["other", "C", "other", "A"]);
    }
}
