//! Followed answers of flights: when a change is worth a version, and when the last one has come.
//!
//! A version is made when a probability or the median has changed by as much as below since the last version, or the
//! flight has left, was cancelled or diverted, or has arrived. Nothing follows an arrival.

use chrono::DateTime;
use engine::domain::EventTime;

use crate::{answer::Score, live::LegState, request::Request};

/// The least change of a probability that makes a version: of a class, of a delay of 15 minutes, of a cancellation.
pub const CHANGE_OF_PROBABILITY: f64 = 0.05;
/// The least change of the median that makes a version, in minutes.
pub const CHANGE_OF_MINUTES: f64 = 5.0;

/// The numbers by which versions are compared, in the order in which they are stored.
struct Told {
    /// 0 for what a model does not tell.
    probabilities: [f64; 6],
    median: f64,
    state: f64,
}

impl Told {
    fn of(request: &Request, score: &Score) -> Self {
        let [early, slightly_early, slightly_late, very_late] = score.probabilities.map(f64::from);
        let late = score.delay.map_or(0.0, |delay| f64::from(delay.late[0]));
        let cancelled = score.cancelled.map_or(0.0, f64::from);
        Told {
            probabilities: [early, slightly_early, slightly_late, very_late, late, cancelled],
            median: score.delay.map_or(0.0, |delay| f64::from(delay.whole_percentiles()[1])),
            state: own_state(request).map_or(0.0, state_number),
        }
    }

    fn to_numbers(&self) -> Vec<f64> {
        let millionths = |p: &f64| (p * 1e6).round() / 1e6;
        self.probabilities.iter().map(millionths).chain([self.median, self.state]).collect()
    }

    fn of_numbers(numbers: &[f64]) -> Option<Self> {
        let (&probabilities, rest) = numbers.split_first_chunk()?;
        let &[median, state] = rest else { return None };
        Some(Told { probabilities, median, state })
    }
}

fn own_state(request: &Request) -> Option<&LegState> {
    request.known.as_deref().map(|known| &known.context.own)
}

/// The number of a state. It is stored, so that it stays as it is.
fn state_number(state: &LegState) -> f64 {
    match state.name() {
        "departed" => 1.0,
        "arrived" => 2.0,
        "cancelled" => 3.0,
        "diverted" => 4.0,
        _ => 0.0,
    }
}

/// Returns the moment of which a request is asked that was read at `read_at`.
pub(crate) fn moment(request: &Request, read_at: EventTime) -> EventTime {
    request.as_of.map_or(read_at, |moment| moment.timestamp_millis())
}

/// Sets and returns the moment of which a request is asked again: now, unless it has a moment of its own, which moves
/// on with the latest event.
pub(crate) fn ask_again(request: &mut Request, latest: EventTime, now: EventTime) -> EventTime {
    let moment = request.as_of.map_or(now, |moment| moment.timestamp_millis().max(latest));
    request.as_of = DateTime::from_timestamp_millis(moment).or(request.as_of);
    moment
}

/// Returns the numbers by which versions are compared.
pub(crate) fn told(request: &Request, score: &Score) -> Vec<f64> {
    Told::of(request, score).to_numbers()
}

/// Returns whether the difference to the last version is worth another one.
pub(crate) fn is_news(last: &[f64], now: &[f64]) -> bool {
    // What another version of this program told is compared as a whole.
    let (Some(last), Some(now)) = (Told::of_numbers(last), Told::of_numbers(now)) else { return last != now };
    let mut changes = last.probabilities.iter().zip(&now.probabilities).map(|(last, now)| (last - now).abs());
    last.state != now.state
        || (last.median - now.median).abs() >= CHANGE_OF_MINUTES
        || changes.any(|change| change >= CHANGE_OF_PROBABILITY)
}

/// Returns whether the flight of an answer has arrived.
pub(crate) fn is_final(request: &Request) -> bool {
    own_state(request).is_some_and(|state| state.arr_delay.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::decode;

    fn told(probabilities: [f64; 6], median: f64, state: f64) -> Vec<f64> {
        Told { probabilities, median, state }.to_numbers()
    }

    #[test]
    fn a_version_is_made_of_a_change_of_five_percent_five_minutes_or_the_state() {
        let last = told([0.1, 0.2, 0.4, 0.3, 0.45, 0.02], 12.0, 0.0);
        let differs = |now: Vec<f64>| is_news(&last, &now);
        assert!(!differs(last.clone()));
        assert!(!differs(told([0.14, 0.2, 0.4, 0.26, 0.41, 0.06], 16.0, 0.0)));
        assert!(differs(told([0.1, 0.2, 0.4, 0.3, 0.45, 0.08], 12.0, 0.0)));
        assert!(differs(told([0.1, 0.15, 0.45, 0.3, 0.45, 0.02], 12.0, 0.0)));
        assert!(differs(told([0.1, 0.2, 0.4, 0.3, 0.45, 0.02], 7.0, 0.0)));
        assert!(differs(told([0.1, 0.2, 0.4, 0.3, 0.45, 0.02], 12.0, 1.0)));
        assert!(differs(vec![]), "of another program");
    }

    #[test]
    fn a_later_version_is_as_of_the_events_or_of_the_clock() {
        let message = |as_of: &str| {
            format!(
                r#"{{"UUID":"u","Carrier":"AA","Origin":"ATL","Dest":"SFO","FlightDate":"2016-12-25","Follow":true{as_of}}}"#
            )
        };
        let asked_again = |as_of, latest| {
            let mut request = decode(message(as_of).as_bytes()).unwrap();
            let first = moment(&request, 77);
            let moment = ask_again(&mut request, latest, 1_900_000_000_000);
            assert_eq!(request.as_of.map(|at| at.timestamp_millis()), Some(moment));
            (first, moment)
        };
        let of_a_replay = r#","AsOf":"2001-09-09T01:46:40Z""#;
        const AT: EventTime = 1_000_000_000_000;
        assert_eq!(asked_again(of_a_replay, AT + 1), (AT, AT + 1));
        assert_eq!(asked_again(of_a_replay, AT - 1), (AT, AT));
        assert_eq!(asked_again("", 5000), (77, 1_900_000_000_000));
    }
}
