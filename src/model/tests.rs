use chrono::{DateTime, TimeDelta, Utc};
use engine::model::{CURRENT_FILE, MODEL_FILE, ModelDirError, VERSIONS_MAX};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::{
    classifier::{Classifier, Classifiers},
    evaluate::Holdout,
    explanation::Factor,
    features::{FittedFeatures, Remark, TrainingFlight, tests::flight},
    flight::{CLASSES, Observation, Schedule, Weather},
    forest::{Distribution, Forest, ForestSettings, MaxFeatures, TrainingSet, Tree, TreeNode, histogram},
    live::{self, Event, EventKind, Known, LegId, MINUTE_MS, Minutes, Moment, State, Timeline, Times},
    request,
};

/// 120 flights over 40 days that arrive as late as they left, half of them early.
pub(super) fn flights() -> Vec<TrainingFlight<'static>> {
    let on = |at: u32| {
        let minutes = (at % 80) as f32 - 40.0;
        let mut flight = flight(["B6", "AA", "DL"][at as usize % 3], ["JFK", "EWR"][at as usize % 2], minutes, minutes);
        flight.change(|query| query.date += TimeDelta::days(i64::from(at / 3)));
        flight
    };
    (0..120).map(on).collect()
}

fn model_of(preset: Preset, seed: u64) -> Model {
    model_of_flights(preset, seed, &flights(), Airports::default())
}

pub(super) fn model_of_flights(preset: Preset, seed: u64, flights: &[TrainingFlight], airports: Airports) -> Model {
    let fitted = FittedFeatures::new(preset, flights).unwrap();
    // Most columns are tried, so that three trees fit the flights well.
    let max_features = MaxFeatures::Count(8);
    let settings = ForestSettings {
        trees: 3,
        min_samples_leaf: 1,
        depth: 8,
        max_features,
        ..ForestSettings::from_preset(preset, seed)
    };
    let classifier = |given| {
        let columns = fitted.features.columns_known(given);
        let data = TrainingSet::from_flights(&fitted, &airports, flights, columns).unwrap();
        let (bins, shard) = histogram::quantise(&data);
        let grow = |tree| histogram::grow(&bins, &shard, data.columns(), given.delay_reference(), &settings, tree);
        let trees: Vec<Tree> = (0..settings.trees).map(grow).collect();
        (given, Forest::new(&trees, data.width()).unwrap().into())
    };
    let classifiers = Classifiers::new(preset.input_combinations(flights).map(classifier).collect()).unwrap();
    let features = fitted.features;
    let holdout = Holdout::split(flights, None).unwrap();
    let origin = Origin {
        preset,
        settings: settings.into(),
        window: Window::of(flights).unwrap(),
        trained_on: flights.len() as u64,
        evaluation: Evaluation::of(&holdout, &features, &airports, &classifiers),
    };
    Model::new(features, airports, origin, classifiers).unwrap()
}

pub(crate) fn model() -> Model {
    model_of(Preset::Default, 1)
}

fn request(carrier: &str, dest: &str, dep_delay: &str) -> Request {
    let json = format!(
        r#"{{"UUID":"1","Carrier":"{carrier}","Origin":"JFK","Dest":"{dest}","FlightDate":"2013-06-01","DepDelay":{dep_delay}}}"#
    );
    request::decode(json.as_bytes()).unwrap()
}

pub(super) fn scores(model: &Model, requests: &[Request]) -> Vec<Score> {
    let mut scores = Vec::new();
    model.score(requests, &mut scores);
    scores
}

#[test]
fn every_request_has_a_score_in_order_with_its_remarks() {
    let model = model();
    let requests = [
        request("B6", "LAX", "39"),
        request("B6", "LAX", "null"),
        request("XX", "BOS", "-39"),
        Request { distance: Some(2475.0), ..request("B6", "LAX", "-39") },
    ];
    let batch = scores(&model, &requests);
    let remarks: Vec<&[Remark]> = batch.iter().map(|score| &score.remarks[..]).collect();
    use Remark::*;
    assert_eq!(
        remarks,
        [&[UnknownDistance][..], &[NoDepDelay, UnknownDistance], &[UnseenCarrier, UnseenDest, UnknownDistance], &[],]
    );
    assert_eq!((batch[0].class, batch[3].class), (DelayClass::VeryLate, DelayClass::Early));
    assert_eq!((batch[0].distance, batch[3].distance), (2475.0, 2475.0));
    let single = |request: &Request| scores(&model, std::slice::from_ref(request));
    for (request, score) in requests.iter().zip(&batch) {
        let sum: f32 = score.probabilities.iter().sum();
        assert!((sum - 1.0).abs() < 1e-5 && score.probabilities.iter().all(|p| p.is_finite()));
        assert_eq!(score.class, DelayClass::most_probable(&score.probabilities));
        assert_eq!(single(request), std::slice::from_ref(score));
    }
}

#[test]
fn an_explaining_model_has_the_same_scores_and_its_contributions_add_up_to_them() {
    let requests = [request("B6", "LAX", "39"), request("B6", "LAX", "null"), request("AA", "LAX", "-39")];
    for preset in Preset::ALL {
        let model = model_of(preset, 1);
        let plain = scores(&model, &requests);
        let explained = scores(&model.explaining(), &requests);
        for (plain, explained) in plain.into_iter().zip(explained) {
            assert_eq!(plain.explanation, None);
            let Explanation { base_rate, contributions, other } = explained.explanation.clone().unwrap();
            for class in 0..CLASSES {
                let named: f32 = contributions.iter().map(|contribution| contribution.change[class]).sum();
                let sum = base_rate[class] + named + other[class];
                assert!((sum - explained.probabilities[class]).abs() < 1e-5, "{preset}: {explained:?}");
            }
            let before = !explained.forest.dep_delay;
            assert_eq!(before, explained.remarks.contains(&Remark::NoDepDelay));
            let names: Vec<Factor> = contributions.iter().map(|contribution| contribution.factor).collect();
            // The flights arrive as late as they left. An unknown input contributes nothing.
            assert_eq!(names.contains(&Factor::DepDelay), !before, "{preset}: {names:?}");
            assert_eq!(Score { explanation: None, ..explained }, plain);
        }
    }
}

#[test]
fn a_forest_that_uses_the_departure_delay_cannot_predict_before_departure() {
    let Model { features, airports, origin, classifiers, .. } = model();
    let with = classifiers.best_for(KnownInputs { dep_delay: true, ..KnownInputs::NONE }).1;
    let everywhere = KnownInputs::COMBINATIONS.into_iter().map(|given| (given, with.clone())).collect();
    assert!(Model::new(features, airports, origin, Classifiers::new(everywhere).unwrap()).is_err());
    assert!(Classifiers::new([(KnownInputs { dep_delay: true, ..KnownInputs::NONE }, with.clone())].into()).is_err());
}

/// A forest for which this class is always the most probable.
fn constant(class: usize, width: usize) -> Classifier {
    let mut distribution = [0.1; CLASSES];
    distribution[class] = 0.7;
    let nodes = vec![TreeNode { split: None, distribution: Distribution::from_weights(distribution) }];
    Forest::new(&[Tree::without_outcomes(nodes)], width).unwrap().into()
}

#[test]
fn a_request_is_answered_by_the_forest_that_uses_most_of_its_inputs() {
    let Model { features, airports, origin, .. } = model();
    let width = features.width();
    let grown = |input_combinations: &[KnownInputs]| {
        let classifiers = input_combinations.iter().map(|&given| (given, constant(0, width))).collect();
        Model::new(features.clone(), airports.clone(), origin.clone(), Classifiers::new(classifiers).unwrap()).unwrap()
    };
    let (all, unweathered) = (
        grown(&KnownInputs::COMBINATIONS),
        grown(&KnownInputs::COMBINATIONS.map(|given| KnownInputs { weather: false, moment: None, ..given })),
    );
    assert_eq!(unweathered.classifiers().iter().count(), 4);
    let schedule = Some(Schedule { dep_min: 600, arr_min: 700 });
    let weather = Some(Weather::UNOBSERVED.with(Observation::Precip, 0.5));
    let answered = |model: &Model, dep_delay, schedule, weather| {
        let request = Request { schedule, weather, ..request("B6", "LAX", dep_delay) };
        scores(model, &[request])[0].forest.label()
    };
    let cases = [
        ("5", schedule, weather, "with departure delay, schedule and weather"),
        ("5", schedule, None, "with departure delay and schedule"),
        // An empty object has no input.
        ("5", schedule, Some(Weather::UNOBSERVED), "with departure delay and schedule"),
        ("5", None, weather, "with departure delay"),
        ("null", schedule, weather, "before departure, with schedule and weather"),
        ("null", schedule, None, "before departure, with schedule"),
        ("null", None, weather, "before departure"),
    ];
    for (dep_delay, schedule, weather, label) in cases {
        assert_eq!(answered(&all, dep_delay, schedule, weather), label);
        let label =
            label.replace(", schedule and weather", " and schedule").replace("schedule and weather", "schedule");
        assert_eq!(answered(&unweathered, dep_delay, schedule, weather), label);
    }
    assert!(Classifiers::new([(KnownInputs::ASKED, constant(0, width))].into()).is_err());
    // With events the moment decides, also when the weather is known.
    let at = |dep_delay, minutes_before: i64| {
        let request = Request { schedule, weather, ..request("B6", "LAX", dep_delay) };
        let departs = request.date.and_hms_opt(15, 0, 0).unwrap().and_utc().timestamp_millis();
        let mut state = State::default();
        let leg = LegId { carrier: request.carrier, number: 1, origin: request.origin, date: request.date };
        let departs = departs / MINUTE_MS;
        let times = Times { departs: departs as Minutes, arrives: departs as Minutes + 300 };
        let event = Event { schedule: Some(times), ..Event::new(EventKind::Scheduled, 0) };
        state.set(leg, Timeline::new(vec![event]));
        let query = live::Query {
            carrier: leg.carrier,
            number: Some(1),
            origin: leg.origin,
            dest: request.dest,
            date: leg.date,
            departs: None,
        };
        let context = state.context(&query, (departs - minutes_before) * MINUTE_MS).unwrap();
        let known = Some(Box::new(Known::new(context, request.origin, request.dest)));
        [&all, &unweathered].map(|model| {
            let Score { forest, remarks, .. } =
                scores(model, &[Request { known: known.clone(), ..request.clone() }]).remove(0);
            // A forest that is given no events lacks the departure delay.
            let lacks_delay = dep_delay == "null" && forest.moment.is_none();
            assert_eq!(remarks.contains(&Remark::NoDepDelay), lacks_delay, "{forest}");
            forest
        })
    };
    let without = KnownInputs { schedule: true, ..KnownInputs::NONE };
    for (minutes_before, moment) in
        [(600, Moment::Early), (300, Moment::Early), (299, Moment::Near), (0, Moment::Overdue)]
    {
        assert_eq!(at("null", minutes_before), [KnownInputs::at(moment), without]);
    }
    let departed = KnownInputs { dep_delay: true, ..without };
    assert_eq!(at("5", -5), [KnownInputs::at(Moment::Departed), departed]);
    // A guess of a delay goes without events.
    assert_eq!(at("5", -4), [KnownInputs::ASKED, departed]);
}

#[test]
fn a_file_has_the_model_to_the_last_bit_and_the_same_seed_makes_the_same_file() {
    for preset in Preset::ALL {
        let model = model_of(preset, 1);
        let bytes = model.encode().unwrap();
        let read = Model::decode(&bytes).unwrap();
        assert_eq!(read, model);
        assert_eq!(read.encode().unwrap(), bytes);
        assert_eq!(model_of(preset, 1).encode().unwrap(), bytes);
        assert_ne!(model_of(preset, 2).encode().unwrap(), bytes);
    }
}

#[test]
fn a_file_of_another_type_or_format_is_refused_by_its_type_or_format() {
    let mut bytes = model().encode().unwrap();
    assert!(matches!(Model::decode(b"PAR1 and so on"), Err(ModelFileError::NotAModel)));
    assert!(matches!(Model::decode(b""), Err(ModelFileError::NotAModel)));
    bytes[8] = FORMAT as u8 + 1;
    assert!(matches!(Model::decode(&bytes), Err(ModelFileError::Newer { found }) if found == FORMAT + 1));
    // The one before is read as well.
    bytes[8] = FORMAT as u8 - 2;
    assert!(matches!(Model::decode(&bytes), Err(ModelFileError::Older { found }) if found == FORMAT - 2));
}

/// Recomputes the checksum at the end, if the sections' lengths leave room for one, as an attacker would.
pub(super) fn reseal(bytes: &mut [u8]) {
    let Some(end) = bytes.len().checked_sub(32).filter(|end| *end >= 32) else { return };
    let mut checksum = Sha256::new().chain_update(&bytes[..32]);
    let mut rest = &bytes[32..end];
    for section in 0..5 {
        let len = u32::from_le_bytes(bytes[12 + section * 4..][..4].try_into().unwrap()) as usize;
        let Some((section, after)) = rest.split_at_checked(len) else { return };
        checksum.update(Sha256::digest(section));
        rest = after;
    }
    bytes[end..].copy_from_slice(&checksum.finalize());
}

#[test]
fn a_schema_that_differs_from_the_stated_one_is_refused() {
    let bytes = model().encode().unwrap();
    let at = bytes.windows(13).position(|window| window == b"mean_distance").unwrap();
    let digit = at + bytes[at..].iter().position(u8::is_ascii_digit).unwrap();
    let mut changed = bytes.clone();
    changed[digit] = if bytes[digit] == b'9' { b'8' } else { b'9' };
    reseal(&mut changed);
    assert!(Model::decode(&changed).is_err_and(|error| error.to_string().contains("schema")));
}

static BYTES: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| model().encode().unwrap());

proptest! {
    #[test]
    fn a_file_changed_in_any_byte_is_refused(at in any::<prop::sample::Index>(), change in 1u8..) {
        let mut bytes = BYTES.clone();
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        prop_assert!(Model::decode(&bytes).is_err());
    }

    #[test]
    fn a_truncated_file_or_one_with_trailing_bytes_is_refused(len in any::<prop::sample::Index>()) {
        prop_assert!(Model::decode(&BYTES[..len.index(BYTES.len())]).is_err());
        prop_assert!(Model::decode(&[&BYTES[..], &[0]].concat()).is_err());
    }

    #[test]
    fn a_changed_file_with_a_recomputed_checksum_is_refused_or_scores(
        at in any::<prop::sample::Index>(), change in 1u8.., len in any::<prop::sample::Index>(), cut: bool,
    ) {
        let mut bytes = BYTES.clone();
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        if cut {
            bytes.truncate(32 + len.index(bytes.len() - 32));
        }
        reseal(&mut bytes);
        if let Ok(model) = Model::decode(&bytes) {
            let sum: f32 = scores(&model, &[request("B6", "LAX", "30")])[0].probabilities.iter().sum();
            prop_assert!((sum - 1.0).abs() < 1e-4);
        }
    }
}

pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

#[test]
fn a_published_model_is_the_current_one_and_the_same_bytes_anywhere() {
    let temp = tempfile::tempdir().unwrap();
    let dir = ModelDir::new(temp.path().join("models"));
    assert!(matches!(dir.load_current(), Err(ModelDirError::NoModel(_))));
    let published = dir.publish(model(), at(0)).unwrap();
    assert_eq!(dir.load_current().unwrap(), published);
    assert_eq!(dir.versions().unwrap(), std::slice::from_ref(&published.version));
    let later = dir.publish(model_of(Preset::Legacy, 1), at(1)).unwrap();
    assert!(later.version > published.version);
    assert_eq!(dir.current().unwrap(), later.version);
    assert_eq!(dir.load(&published.version).unwrap(), published);
    // The same model at the same moment is the same version.
    assert_eq!(dir.publish(model_of(Preset::Legacy, 1), at(1)).unwrap(), later);
    assert_eq!(dir.versions().unwrap().len(), 2);
}

#[test]
fn the_oldest_versions_go_but_never_the_current_one() {
    let temp = tempfile::tempdir().unwrap();
    let dir = ModelDir::new(temp.path());
    let model = model();
    // A clock that ran ahead: everything after is older than the first.
    let first = dir.publish(model.clone(), at(1000)).unwrap();
    for second in 0..VERSIONS_MAX as i64 + 2 {
        let published = dir.publish(model.clone(), at(second)).unwrap();
        assert_eq!(dir.load_current().unwrap(), published);
        assert!(dir.versions().unwrap().len() <= VERSIONS_MAX);
    }
    assert_eq!(dir.versions().unwrap().len(), VERSIONS_MAX);
    assert!(dir.versions().unwrap().contains(&first.version));
}

#[test]
fn files_of_an_interrupted_publisher_are_removed_and_are_no_version() {
    let temp = tempfile::tempdir().unwrap();
    let dir = ModelDir::new(temp.path());
    let left = temp.path().join(".unfinished-20231114T221320123Z-ffffffff");
    std::fs::create_dir(&left).unwrap();
    std::fs::write(left.join(MODEL_FILE), b"half").unwrap();
    std::fs::write(temp.path().join(".unfinished-current"), b"half").unwrap();
    assert!(dir.versions().unwrap().is_empty());
    dir.publish(model(), at(0)).unwrap();
    let names = std::fs::read_dir(temp.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(names.into_iter().all(|name| !name.starts_with(".unfinished")));
}

#[test]
fn an_error_about_a_directory_has_advice() {
    let temp = tempfile::tempdir().unwrap();
    let dir = ModelDir::new(temp.path());
    let error = |dir: &ModelDir| dir.load_current().unwrap_err().to_string();
    assert!(error(&dir).contains("delaycast train --models"));
    let published = dir.publish(model(), at(0)).unwrap();
    let current = temp.path().join(CURRENT_FILE);
    for name in ["../elsewhere", "", "20231114T221320123Z-ffffffff"] {
        std::fs::write(&current, name).unwrap();
        assert!(matches!(dir.load_current(), Err(ModelDirError::Dangling { .. })), "{name}");
    }
    std::fs::write(&current, published.version.as_str()).unwrap();
    assert_eq!(dir.load_current().unwrap(), published);
    std::fs::write(dir.path_of(&published.version), b"half").unwrap();
    let Err(ModelDirError::Unusable { source, .. }) = dir.load_current() else { panic!() };
    assert!(matches!(source.downcast_ref(), Some(ModelFileError::NotAModel)), "{source}");
}

#[test]
fn a_second_publisher_is_turned_away() {
    let temp = tempfile::tempdir().unwrap();
    let dir = ModelDir::new(temp.path());
    let first = std::fs::File::create(temp.path().join("lock")).unwrap();
    first.lock().unwrap();
    assert!(matches!(dir.publish(model(), at(0)), Err(ModelDirError::Busy(_))));
    drop(first);
    assert!(dir.publish(model(), at(0)).is_ok());
}
