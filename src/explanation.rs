//! The explanation of an answer: the contribution of each factor to the probability of each class.

use engine::document::{Document, Value};

use crate::flight::{CLASSES, Probabilities};

/// A fact of a flight in the terms of a passenger. The contributions of all columns that depend on it are credited to
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Factor {
    /// The departure delay.
    DepDelay,
    /// The leg that brings the aeroplane, and those before it.
    Inbound,
    /// The last hours at the origin.
    OriginNow,
    /// The last hours at the destination.
    DestNow,
    /// The last hour of the airline, and of all airlines.
    CarrierNow,
    /// The flight's last arrivals.
    Record,
    /// The time until the scheduled departure.
    AsOf,
    /// The scheduled departure, arrival and duration.
    Schedule,
    /// The weather at the origin.
    Weather,
    /// The airline.
    Carrier,
    /// The flight number.
    FlightNum,
    /// Origin and destination together.
    Route,
    /// The origin.
    Origin,
    /// The destination.
    Dest,
    /// The distance between them.
    Distance,
    /// The day of the week.
    DayOfWeek,
    /// The season and the day of the month.
    FlightDate,
}

impl Factor {
    /// All factors. Of two with equal weight, the earlier one comes first.
    pub const ALL: [Factor; 17] = [
        Factor::DepDelay,
        Factor::Inbound,
        Factor::OriginNow,
        Factor::DestNow,
        Factor::CarrierNow,
        Factor::Record,
        Factor::AsOf,
        Factor::Schedule,
        Factor::Weather,
        Factor::Carrier,
        Factor::FlightNum,
        Factor::Route,
        Factor::Origin,
        Factor::Dest,
        Factor::Distance,
        Factor::DayOfWeek,
        Factor::FlightDate,
    ];

    /// The name in documents, equal to that of the field with the factor's value, if there is one.
    pub fn name(self) -> &'static str {
        match self {
            Factor::DepDelay => "DepDelay",
            Factor::Inbound => "Inbound",
            Factor::OriginNow => "OriginNow",
            Factor::DestNow => "DestNow",
            Factor::CarrierNow => "CarrierNow",
            Factor::Record => "Record",
            Factor::AsOf => "AsOf",
            Factor::Schedule => "Schedule",
            Factor::Weather => "Weather",
            Factor::Carrier => "Carrier",
            Factor::FlightNum => "FlightNum",
            Factor::Route => "Route",
            Factor::Origin => "Origin",
            Factor::Dest => "Dest",
            Factor::Distance => "Distance",
            Factor::DayOfWeek => "DayOfWeek",
            Factor::FlightDate => "FlightDate",
        }
    }

    /// The factor with a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|factor| factor.name() == name)
    }
}

/// An addition to the probability of each class; its numbers sum to 0.
pub type Change = [f32; CLASSES];

/// The contribution of a factor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contribution {
    /// The factor.
    pub factor: Factor,
    /// Its contribution.
    pub change: Change,
}

impl Contribution {
    /// The probability that it moves from one class to another.
    fn weight(&self) -> f32 {
        self.change.iter().map(|change| change.abs()).sum::<f32>() / 2.0
    }
}

/// An explanation: base rate, contributions and the other factors add up to the probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The probability of each class when nothing is known of the flight.
    pub base_rate: Probabilities,
    /// The contributions of most weight, in descending order; at most [`Self::CONTRIBUTIONS_MAX`].
    pub contributions: Vec<Contribution>,
    /// The sum of all other contributions.
    pub other: Change,
}

impl Explanation {
    /// Upper bound on the contributions that are listed: they are stored with every answer.
    pub const CONTRIBUTIONS_MAX: usize = 5;
    /// Least weight of a contribution that is listed: a smaller one is invisible in whole percents.
    pub const WEIGHT_MIN: f32 = 0.005;
    /// The name of the sum of all other contributions in documents.
    pub const OTHER: &str = "Other";

    /// Lists the contributions of most weight; `changes` has four numbers for each of `factors`, in their order.
    pub fn new(base_rate: Probabilities, factors: &[Factor], changes: &[f32]) -> Self {
        let changes = changes.as_chunks::<CLASSES>().0;
        let mut contributions = Vec::with_capacity(factors.len());
        let mut other = [0.0; CLASSES];
        let mut add_to_other = |change: &Change| other.iter_mut().zip(change).for_each(|(sum, change)| *sum += change);
        for (&factor, &change) in factors.iter().zip(changes) {
            let contribution = Contribution { factor, change };
            if contribution.weight() < Self::WEIGHT_MIN {
                add_to_other(&change);
            } else {
                contributions.push(contribution);
            }
        }
        contributions.sort_by(|a, b| b.weight().total_cmp(&a.weight()));
        contributions.iter().skip(Self::CONTRIBUTIONS_MAX).for_each(|contribution| add_to_other(&contribution.change));
        contributions.truncate(Self::CONTRIBUTIONS_MAX);
        Explanation { base_rate, contributions, other }
    }

    /// The fields of an answer's document: `BaseRate`, and `Contributions` by name in descending order of weight, with
    /// [`Self::OTHER`] last unless it is 0. Numbers have four decimals, so they add up to the probabilities within
    /// 0.0004.
    pub fn to_fields(&self) -> [(&'static str, Value<'_>); 2] {
        let named = self.contributions.iter().map(|Contribution { factor, change }| (factor.name(), rounded(change)));
        let other = rounded(&self.other);
        let other = other.iter().any(|change| *change != 0.0).then_some((Self::OTHER, other));
        let contributions: Document<'_> =
            named.chain(other).map(|(name, change)| (name, Value::Doubles(change.into()))).collect();
        let base_rate = Value::Doubles(rounded(&self.base_rate).into());
        [("BaseRate", base_rate), ("Contributions", Value::Document(contributions))]
    }
}

/// Rounds to four decimals, since more would lengthen every document without use. Never gives −0. The way over an
/// integer is several times as fast as `round`, and an answer has two dozen numbers.
fn rounded(numbers: &[f32; CLASSES]) -> [f64; CLASSES] {
    numbers.map(|number| {
        let scaled = f64::from(number) * 1e4;
        // Truncated, after half a unit away from 0; probabilities and changes are far within the integer's range.
        f64::from((scaled + 0.5_f64.copysign(scaled)) as i32) / 1e4
    })
}

#[cfg(test)]
mod tests {
    use engine::document::to_json;
    use proptest::prelude::*;

    use super::*;

    fn json(explanation: &Explanation) -> String {
        serde_json::to_string(&to_json(&explanation.to_fields().into())).unwrap()
    }

    #[test]
    fn contributions_are_in_descending_order_and_small_ones_are_summed() {
        let factors = [Factor::Distance, Factor::Carrier, Factor::DepDelay, Factor::DayOfWeek];
        let changes = [
            [0.001, -0.001, 0.0, 0.0],
            [0.0, 0.0125, 0.0, -0.0125],
            [-0.08, -0.3, -0.02, 0.4],
            [0.0, -0.002, 0.002, 0.0],
        ];
        let explanation = Explanation::new([0.125, 0.375, 0.25, 0.25], &factors, &changes.concat());
        let expected = concat!(
            r#"{"BaseRate":[0.125,0.375,0.25,0.25],"Contributions":{"DepDelay":[-0.08,-0.3,-0.02,0.4],"#,
            r#""Carrier":[0.0,0.0125,0.0,-0.0125],"Other":[0.001,-0.003,0.002,0.0]}}"#
        );
        assert_eq!(json(&explanation), expected);
    }

    #[test]
    fn a_forest_without_splits_has_a_base_rate_and_no_contributions() {
        let explanation = Explanation::new([0.25; 4], &[Factor::DepDelay], &[-0.00001; 4]);
        assert_eq!(json(&explanation), r#"{"BaseRate":[0.25,0.25,0.25,0.25],"Contributions":{}}"#);
    }

    #[test]
    fn names_round_trip() {
        for factor in Factor::ALL {
            assert_eq!(Factor::of_name(factor.name()), Some(factor));
        }
        assert_eq!(Factor::of_name(Explanation::OTHER), None);
    }

    /// Changes that sum to 0, as those of a forest.
    fn change() -> impl Strategy<Value = Change> {
        [-0.1f32..0.1, -0.1f32..0.1, -0.1f32..0.1].prop_map(|[a, b, c]| [a, b, c, -a - b - c])
    }

    proptest! {
        #[test]
        fn the_document_adds_up(changes in prop::collection::vec(change(), 1..11)) {
            let factors = &Factor::ALL[..changes.len()];
            let explanation = Explanation::new([0.25; 4], factors, &changes.concat());
            prop_assert!(explanation.contributions.len() <= Explanation::CONTRIBUTIONS_MAX);
            let document = to_json(&explanation.to_fields().into());
            for class in 0..CLASSES {
                let number = |value: &serde_json::Value| value[class].as_f64().unwrap();
                let stored: f64 = document["Contributions"].as_object().unwrap().values().map(number).sum();
                let exact: f32 = changes.iter().map(|change| change[class]).sum();
                prop_assert!((number(&document["BaseRate"]) + stored - 0.25 - f64::from(exact)).abs() < 4e-4);
            }
        }
    }
}
