use std::error::Error;

use chrono::{NaiveDate, TimeDelta};
use delaycast::{
    airports::Airports,
    classifier::Classifiers,
    evaluate::{Evaluation, Holdout, Window},
    features::{FittedFeatures, KnownInputs, Preset, Query, TrainingFlight},
    forest::{Forest, ForestSettings, TrainingSet, histogram},
    model::{Model, Origin},
};

/// Trains a model on 400 flights that arrive as late as they left, for the examples in the documentation.
/// `delaycast_train::train_model` does it on several workers.
pub fn train() -> Result<Model, Box<dyn Error>> {
    let (first, airports): (NaiveDate, _) = ("2013-01-01".parse()?, Airports::default());
    let (carrier, origin, dest) = ("B6".parse()?, "JFK".parse()?, "LAX".parse()?);
    let flight = |n: u16| {
        let (minutes, date) = (f32::from(n % 80) - 20.0, first + TimeDelta::days(i64::from(n / 10)));
        TrainingFlight::new(&Query::new(date, carrier, origin, dest), minutes, minutes)
    };
    let flights: Vec<TrainingFlight> = (0..400).map(flight).collect();

    let preset = Preset::Default;
    let settings = ForestSettings { trees: 3, min_samples_leaf: 1, ..ForestSettings::from_preset(preset, 1) };
    let fitted = FittedFeatures::new(preset, &flights)?;
    let grow = |given: KnownInputs| -> Result<_, Box<dyn Error>> {
        let columns = fitted.features.columns_known(given);
        let data = TrainingSet::from_flights(&fitted, &airports, &flights, columns)?;
        let (bins, shard) = histogram::quantise(&data);
        let tree = |number| histogram::grow(&bins, &shard, data.columns(), given.delay_reference(), &settings, number);
        let trees: Vec<_> = (0..settings.trees).map(tree).collect();
        Ok((given, Forest::new(&trees, data.width())?.into()))
    };
    let forests: Result<_, Box<dyn Error>> = preset.input_combinations(&flights).map(grow).collect();
    let classifiers = Classifiers::new(forests?)?;
    let evaluation = Evaluation::of(&Holdout::split(&flights, None)?, &fitted.features, &airports, &classifiers);
    let window = Window::of(&flights).ok_or("no flights")?;
    let origin = Origin { preset, settings: settings.into(), window, trained_on: 400, evaluation };
    Ok(Model::new(fitted.features, airports, origin, classifiers)?)
}
