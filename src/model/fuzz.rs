//! Fuzz tests of the model file: any bytes are refused or decode to a model that answers. Checksums are recomputed, so
//! that the code behind them is reached. `./test long` runs a thousand times as many cases.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::{
    file::{SECTIONS, schema_sha256, seal, sha256, split},
    tests::{flights, model_of_flights, reseal, scores},
    *,
};
use crate::{airports::Airport, flight::Schedule, request};

fn cases() -> u32 {
    if std::env::var_os("DELAYCAST_TEST_LONG").is_some() { 1_000_000 } else { 1000 }
}

/// A model in which no table is empty.
static MODEL: LazyLock<Model> = LazyLock::new(|| {
    let mut flights = flights();
    for (at, flight) in (0..).zip(&mut flights) {
        flight.change(|query| query.flight_num = Some(at % 5));
        let dep_min = 300 + (at % 7) as u16 * 60;
        flight.change(|query| query.schedule = Some(Schedule { dep_min, arr_min: dep_min + 90 }));
    }
    let code = |text: &str| text.parse().unwrap();
    let airport = |name: &str, latitude| Airport { name: name.to_owned(), latitude, longitude: -73.78 };
    let airports = [(code("JFK"), airport("New York", 40.64)), (code("LAX"), airport("Los Angeles", 33.94))];
    let route = |origin, dest| Route { origin: code(origin), dest: code(dest), miles: 760.0 };
    let airlines = [(code("B6"), "JetBlue".to_owned()), (code("AA"), "American".to_owned())];
    let airports = Airports::new(airports.into(), airlines.into(), [route("ATL", "JFK")], [route("EWR", "LAX")]);
    model_of_flights(Preset::Default, 1, &flights, airports)
});

static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| MODEL.encode().unwrap());

static REQUESTS: LazyLock<Vec<Request>> = LazyLock::new(|| {
    let asked =
        [("B6", "EWR", "39", "0"), ("B6", "JFK", "null", "0"), ("AA", "JFK", "5", "4"), ("XX", "YYY", "5", "99")];
    let request = |(carrier, origin, delay, number)| {
        let json = format!(
            r#"{{"UUID":"1","Carrier":"{carrier}","Origin":"{origin}","Dest":"LAX","FlightDate":"2013-06-01","DepDelay":{delay},"FlightNum":"{number}"}}"#
        );
        request::decode(json.as_bytes()).unwrap()
    };
    asked.into_iter().map(request).collect()
});

/// A mutation of bytes.
#[derive(Debug, Clone)]
enum Mutation {
    Flip(prop::sample::Index, u8),
    Number(prop::sample::Index, u32),
    Cut(prop::sample::Index),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, usize),
    Copy(prop::sample::Index, prop::sample::Index, usize),
}

/// Extreme counts and lengths, and non-finite numbers.
const EXTREMES: &[u32] = &[
    0,
    1,
    2,
    255,
    1 << 16,
    (1 << 24) - 1,
    1 << 24,
    i32::MAX as u32,
    1 << 31,
    u32::MAX - 1,
    u32::MAX,
    f32::INFINITY.to_bits(),
    f32::NEG_INFINITY.to_bits(),
    f32::NAN.to_bits(),
    f32::MAX.to_bits(),
    1.0f32.to_bits(),
];

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        4 => (at(), 1u8..).prop_map(|(at, flip)| Mutation::Flip(at, flip)),
        4 => (at(), prop::sample::select(EXTREMES)).prop_map(|(at, number)| Mutation::Number(at, number)),
        1 => at().prop_map(Mutation::Cut),
        1 => (at(), prop::collection::vec(any::<u8>(), 1..40)).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        1 => (at(), 1usize..40).prop_map(|(at, len)| Mutation::Remove(at, len)),
        2 => (at(), at(), 1usize..40).prop_map(|(from, to, len)| Mutation::Copy(from, to, len)),
    ]
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let len = bytes.len();
        if len == 0 {
            return;
        }
        match self {
            Mutation::Flip(at, flip) => bytes[at.index(len)] ^= flip,
            Mutation::Number(at, number) => {
                let at = at.index(len) & !3;
                let end = len.min(at + 4);
                bytes[at..end].copy_from_slice(&number.to_le_bytes()[..end - at]);
            }
            Mutation::Cut(at) => bytes.truncate(at.index(len)),
            Mutation::Insert(at, new) => drop(bytes.splice(at.index(len)..at.index(len), new.iter().copied())),
            Mutation::Remove(at, count) => drop(bytes.drain(at.index(len)..len.min(at.index(len) + count))),
            Mutation::Copy(from, to, count) => {
                let (from, to) = (from.index(len), to.index(len));
                let count = (*count).min(len - from).min(len - to);
                bytes.copy_within(from..from + count, to);
            }
        }
    }
}

/// Makes a file of mutated sections, with their lengths, the checksum, and the schema's SHA-256 if the header still has
/// one.
fn sealed(mut sections: [Vec<u8>; SECTIONS]) -> Vec<u8> {
    let stated = schema_sha256(&sha256(&sections[1]), &sha256(&sections[2]));
    let key = br#""schema_sha256":""#;
    if let Some(at) = sections[0].windows(key.len()).position(|window| window == key) {
        let at = at + key.len();
        if let Some(place) = sections[0].get_mut(at..at + stated.len()) {
            place.copy_from_slice(stated.as_bytes());
        }
    }
    seal(&sections).unwrap()
}

/// Returns whether the bytes are a model, after it has answered.
fn answers(bytes: &[u8]) -> bool {
    let Ok(model) = Model::decode(bytes) else { return false };
    for Score { probabilities, .. } in scores(&model, &REQUESTS) {
        let sum: f32 = probabilities.iter().sum();
        assert!((sum - 1.0).abs() < 1e-4 && probabilities.iter().all(|p| (0.0..=1.00001).contains(p)));
    }
    true
}

#[test]
fn the_unchanged_file_is_a_model() {
    assert!(answers(&FILE));
    assert_eq!(Model::decode(&FILE).unwrap(), *MODEL);
    let (_, _, sections, _) = split(&FILE).unwrap();
    assert_eq!(sealed(sections.map(<[u8]>::to_vec)), *FILE);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn changed_sections_are_refused_or_answer(
        changes in prop::collection::vec((prop::sample::select(&[0usize, 1, 2, 2, 2, 3, 3, 4, 4, 4]), mutation()), 1..4),
    ) {
        let (_, _, sections, _) = split(&FILE).unwrap();
        let mut sections = sections.map(<[u8]>::to_vec);
        for (section, change) in &changes {
            change.apply(&mut sections[*section]);
        }
        answers(&sealed(sections));
    }

    #[test]
    fn a_changed_file_is_refused_or_answers(changes in prop::collection::vec(mutation(), 1..4)) {
        let mut bytes = FILE.clone();
        changes.iter().for_each(|change| change.apply(&mut bytes));
        reseal(&mut bytes);
        answers(&bytes);
    }

    #[test]
    fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400), sections: bool) {
        prop_assert!(!answers(&bytes));
        if sections {
            // As sections, behind a valid start.
            let chunk = bytes.len().div_ceil(SECTIONS).max(1);
            let mut chunks = bytes.chunks(chunk).map(<[u8]>::to_vec);
            prop_assert!(!answers(&sealed(std::array::from_fn(|_| chunks.next().unwrap_or_default()))));
        }
    }
}
