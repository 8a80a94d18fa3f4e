//! The predictors that are evaluated: two baselines, and the classifiers of a model.

use std::{fmt, marker::PhantomData, ops::RangeInclusive};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{IgnoredAny, MapAccess, Visitor},
    ser::SerializeMap,
};

use crate::{
    airports::Airports,
    classifier::{Classifier, Classifiers},
    delay_forecast::DelayForecast,
    features::{FeatureSet, KnownInputs, Query, TrainingFlight},
    flight::{CLASSES, DelayClass, Probabilities},
    forest::count_classes,
    live::Moment,
};

/// A predictor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Predictor {
    /// The class frequencies of training, for any flight.
    ClassPrior,
    /// The lookup table on the departure delay.
    Lookup,
    /// The forest of the system that this one replaces, given the departure delay.
    Legacy,
    /// The forest that is given all known inputs.
    Forest,
    /// The forest that is given all but the weather; absent if no forest is given it.
    ForestWithoutWeather,
    /// The forest that is given neither schedule, flight number nor weather.
    ForestWithoutSchedule,
    /// The forest that is given all but the departure delay.
    ForestBeforeDeparture,
    /// The forest for questions hours before the departure, with events; absent, as those below, if there is none.
    ForestEarly,
    /// The forest for questions shortly before the departure, with events.
    ForestNear,
    /// The forest for questions about a flight that is overdue, with events.
    ForestOverdue,
    /// The forest for questions about a flight that is on its way, with its departure delay and events.
    ForestDeparted,
}

const PREDICTORS: usize = 11;

impl Predictor {
    /// All predictors in display order: the one at index i has the number i.
    pub const ALL: [Predictor; PREDICTORS] = [
        Predictor::ClassPrior,
        Predictor::Lookup,
        Predictor::Legacy,
        Predictor::Forest,
        Predictor::ForestWithoutWeather,
        Predictor::ForestWithoutSchedule,
        Predictor::ForestBeforeDeparture,
        Predictor::ForestEarly,
        Predictor::ForestNear,
        Predictor::ForestOverdue,
        Predictor::ForestDeparted,
    ];

    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Predictor::ClassPrior => "majority",
            Predictor::Lookup => "lookup",
            Predictor::Legacy => "seed",
            Predictor::Forest => "forest",
            Predictor::ForestWithoutWeather => "forest_without_weather",
            Predictor::ForestWithoutSchedule => "forest_without_schedule",
            Predictor::ForestBeforeDeparture => "forest_before_departure",
            Predictor::ForestEarly => "forest_early",
            Predictor::ForestNear => "forest_near",
            Predictor::ForestOverdue => "forest_overdue",
            Predictor::ForestDeparted => "forest_departed",
        }
    }

    /// The name that is displayed.
    pub fn label(self) -> &'static str {
        match self {
            Predictor::ClassPrior => "class frequencies",
            Predictor::Lookup => "lookup table on departure delay",
            Predictor::Legacy => "seed: 20 trees of depth 5",
            Predictor::Forest => "forest",
            Predictor::ForestWithoutWeather => "forest without weather",
            Predictor::ForestWithoutSchedule => "forest without schedule",
            Predictor::ForestBeforeDeparture => "forest without departure delay",
            Predictor::ForestEarly => "with events, hours before",
            Predictor::ForestNear => "with events, shortly before",
            Predictor::ForestOverdue => "with events, overdue",
            Predictor::ForestDeparted => "with events, on its way",
        }
    }

    /// The predictor of the questions of a moment, with events.
    pub fn at(moment: Moment) -> Self {
        match moment {
            Moment::Early => Predictor::ForestEarly,
            Moment::Near => Predictor::ForestNear,
            Moment::Overdue => Predictor::ForestOverdue,
            Moment::Departed => Predictor::ForestDeparted,
        }
    }

    /// The moment of the questions that it answers with events; `None` without events.
    pub fn moment(self) -> Option<Moment> {
        Moment::ALL.into_iter().find(|moment| Predictor::at(*moment) == self)
    }

    /// The name at the head of a narrow column.
    pub fn short_label(self) -> &'static str {
        match self {
            Predictor::ClassPrior => "frequencies",
            Predictor::Lookup => "lookup",
            Predictor::Legacy => "seed",
            Predictor::Forest => "forest",
            Predictor::ForestWithoutWeather => "no weather",
            Predictor::ForestWithoutSchedule => "no schedule",
            Predictor::ForestBeforeDeparture => "no delay",
            Predictor::ForestEarly => "early",
            Predictor::ForestNear => "near",
            Predictor::ForestOverdue => "overdue",
            Predictor::ForestDeparted => "departed",
        }
    }
}

/// At most one value for each predictor. In JSON, an object with the predictors' names.
#[derive(Debug, Clone, PartialEq)]
pub struct ByPredictor<T>([Option<T>; PREDICTORS]);

impl<T> ByPredictor<T> {
    /// Calls `value` for each predictor.
    pub fn from_fn(value: impl FnMut(Predictor) -> Option<T>) -> Self {
        ByPredictor(Predictor::ALL.map(value))
    }

    /// Sets the value of a predictor.
    pub fn insert(&mut self, predictor: Predictor, value: T) {
        self.0[predictor as usize] = Some(value);
    }

    /// Removes the value of a predictor.
    pub fn remove(&mut self, predictor: Predictor) -> Option<T> {
        self.0[predictor as usize].take()
    }

    /// The value of a predictor.
    pub fn get(&self, predictor: Predictor) -> Option<&T> {
        self.0[predictor as usize].as_ref()
    }

    /// The values in display order.
    pub fn iter(&self) -> impl Iterator<Item = (Predictor, &T)> {
        Predictor::ALL.into_iter().zip(&self.0).filter_map(|(predictor, value)| Some((predictor, value.as_ref()?)))
    }

    /// The values in display order, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().flatten()
    }
}

impl<T> Default for ByPredictor<T> {
    fn default() -> Self {
        Self::from_fn(|_| None)
    }
}

impl<T: Serialize> Serialize for ByPredictor<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (predictor, value) in self.iter() {
            map.serialize_entry(predictor.name(), value)?;
        }
        map.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ByPredictor<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ByPredictorVisitor(PhantomData))
    }
}

/// Reads an object; names that no predictor has are ignored.
struct ByPredictorVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ByPredictorVisitor<T> {
    type Value = ByPredictor<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the names of predictors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = ByPredictor::default();
        while let Some(name) = map.next_key::<String>()? {
            match Predictor::ALL.into_iter().find(|predictor| predictor.name() == name) {
                Some(predictor) => values.insert(predictor, map.next_value()?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(values)
    }
}

/// Flights that are encoded at a time: some megabytes of rows.
const CHUNK: usize = 1 << 16;

/// A model's classifier, with the encoder of its rows.
#[derive(Debug, Clone, Copy)]
pub struct ModelPredictor<'a> {
    /// The features that the classifier was trained on.
    pub features: &'a FeatureSet,
    /// The source of unknown distances.
    pub airports: &'a Airports,
    /// The classifier.
    pub classifier: &'a Classifier,
    /// The inputs that it is given; the others are withheld.
    pub given: KnownInputs,
}

impl<'a> ModelPredictor<'a> {
    /// The predictors of a model.
    pub fn of_model(
        features: &'a FeatureSet,
        airports: &'a Airports,
        classifiers: &'a Classifiers,
    ) -> ByPredictor<Self> {
        let best_for = |given| {
            let (given, classifier) = classifiers.best_for(given);
            ModelPredictor { features, airports, classifier, given }
        };
        let all = best_for(KnownInputs::ASKED);
        ByPredictor::from_fn(|predictor| match predictor {
            Predictor::ClassPrior | Predictor::Lookup | Predictor::Legacy => None,
            Predictor::Forest => Some(all),
            Predictor::ForestWithoutWeather => {
                all.given.weather.then(|| best_for(KnownInputs { weather: false, ..KnownInputs::ASKED }))
            }
            Predictor::ForestWithoutSchedule => Some(best_for(KnownInputs { dep_delay: true, ..KnownInputs::NONE })),
            Predictor::ForestBeforeDeparture => Some(best_for(KnownInputs { dep_delay: false, ..KnownInputs::ASKED })),
            Predictor::ForestEarly | Predictor::ForestNear | Predictor::ForestOverdue | Predictor::ForestDeparted => {
                let moment = predictor.moment()?;
                Some(best_for(KnownInputs::at(moment))).filter(|it| it.given.moment == Some(moment))
            }
        })
    }

    /// Returns one prediction a query, in the queries' order.
    pub fn predictions<'q>(&self, queries: impl Iterator<Item = Query<'q>>) -> Vec<Probabilities> {
        let mut predictions = Vec::with_capacity(queries.size_hint().0);
        let mut rows = Vec::new();
        for query in queries {
            self.encode(query, &mut rows);
            if rows.len() >= CHUNK * self.features.width() {
                predictions.extend(self.classifier.probabilities_of_all(&rows));
                rows.clear();
            }
        }
        predictions.extend(self.classifier.probabilities_of_all(&rows));
        predictions
    }

    /// Returns one forecast of the arrival delay a query, in the queries' order, and the probability of a cancellation,
    /// if the classifier has one. A classifier without outcomes has no forecast.
    pub fn forecasts<'q>(&self, queries: impl Iterator<Item = Query<'q>>) -> Vec<(DelayForecast, Option<f32>)> {
        let mut row = Vec::new();
        let forecast = |query: Query<'q>| {
            row.clear();
            self.encode(query, &mut row);
            // One row has one prediction.
            let prediction = self.classifier.predictions(&row).pop()?;
            Some((DelayForecast::of(&prediction, self.given, &query)?, prediction.cancelled))
        };
        queries.filter_map(forecast).collect()
    }

    /// Appends a query's row, without the inputs that are withheld.
    pub(super) fn encode(&self, query: Query<'_>, rows: &mut Vec<f32>) {
        self.features.encode(&query.restricted_to(self.given), self.airports, rows);
    }
}

/// Returns the share of each class among flights; uniform shares without flights.
pub fn class_frequencies(flights: &[TrainingFlight]) -> Probabilities {
    let classes: Vec<DelayClass> = flights.iter().map(TrainingFlight::class).collect();
    shares(&count_classes(&classes), [1.0 / CLASSES as f64; CLASSES], 0.0)
}

/// Class shares of counts, shrunk towards `prior`, which counts for `weight` flights.
fn shares(counts: &[u64; CLASSES], prior: [f64; CLASSES], weight: f64) -> Probabilities {
    let total = counts.iter().sum::<u64>() as f64 + weight;
    std::array::from_fn(|class| {
        let share = (counts[class] as f64 + weight * prior[class]) / total;
        if total > 0.0 { share as f32 } else { prior[class] as f32 }
    })
}

/// The departure delays that have a row, in whole minutes; a delay beyond an end has the row of the end.
const MINUTES: RangeInclusive<i32> = -30..=180;
/// The class frequencies count for this many flights in each row.
const PRIOR_FLIGHTS: f64 = 10.0;

/// The class shares by whole minute of departure delay: the simplest predictor with an input.
#[derive(Debug, Clone, PartialEq)]
pub struct DepDelayTable(Vec<Probabilities>);

impl DepDelayTable {
    /// Fits the table to flights.
    pub fn fit(flights: &[TrainingFlight]) -> Self {
        let mut counts = vec![[0; CLASSES]; MINUTES.count()];
        for flight in flights {
            counts[Self::row(flight.dep_delay)][flight.class().index()] += 1;
        }
        let prior = class_frequencies(flights).map(f64::from);
        DepDelayTable(counts.iter().map(|counts| shares(counts, prior, PRIOR_FLIGHTS)).collect())
    }

    /// The class shares of a departure delay in minutes.
    pub fn probabilities(&self, dep_delay: f32) -> Probabilities {
        self.0[Self::row(dep_delay)]
    }

    fn row(dep_delay: f32) -> usize {
        // Within the range after the clamp; NaN becomes 0.
        let minutes = (dep_delay.round() as i32).clamp(*MINUTES.start(), *MINUTES.end());
        (minutes - MINUTES.start()) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::tests::flight;

    #[test]
    fn each_predictor_finds_its_value_by_number_and_by_name() {
        let table =
            ByPredictor::from_fn(|predictor| (predictor != Predictor::Legacy).then(|| predictor.name().to_owned()));
        assert!(table.iter().all(|(predictor, name)| predictor.name() == name));
        assert_eq!((table.iter().count(), table.get(Predictor::Legacy)), (PREDICTORS - 1, None));
        let json = serde_json::to_string(&table).unwrap();
        assert!(json.starts_with(r#"{"majority":"majority","lookup":"lookup","forest":"forest","#), "{json}");
        let unknown = json.replacen('{', r#"{"of_later_programs":[1],"#, 1);
        assert_eq!(serde_json::from_str::<ByPredictor<String>>(&unknown).unwrap(), table);
    }

    #[test]
    fn the_table_counts_by_whole_minute_and_shrinks_rare_minutes_to_the_class_frequencies() {
        // Ten flights: eight left on time and arrived on time, two left an hour late and arrived very late.
        let flights: Vec<_> = (0..10)
            .map(|at| if at < 8 { flight("AA", "JFK", 0.4, 0.0) } else { flight("AA", "JFK", 60.0, 60.0) })
            .collect();
        assert_eq!(class_frequencies(&flights), [0.0, 0.0, 0.8, 0.2]);
        let table = DepDelayTable::fit(&flights);
        let close = |p: Probabilities, q: Probabilities| p.iter().zip(q).all(|(p, q)| (p - q).abs() < 1e-6);
        assert!(close(table.probabilities(-0.4), [0.0, 0.0, 16.0 / 18.0, 2.0 / 18.0]));
        assert!(close(table.probabilities(60.0), [0.0, 0.0, 8.0 / 12.0, 4.0 / 12.0]));
        // A minute without flights, and minutes beyond the table.
        assert!(close(table.probabilities(17.0), [0.0, 0.0, 0.8, 0.2]));
        assert_eq!(table.probabilities(5000.0), table.probabilities(180.0));
        assert_eq!(table.probabilities(-5000.0), table.probabilities(-30.0));
    }

    #[test]
    fn without_flights_the_class_frequencies_are_uniform() {
        assert_eq!(class_frequencies(&[]), [0.25; CLASSES]);
    }
}
