//! What is encoded: a request, or a flight of the past.

use chrono::NaiveDate;

use crate::{
    classes::DelayClass,
    code::Code,
    history::{Fate, Flight},
    request::Request,
};

/// What is known of a flight when it is asked about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Query {
    /// The local day of departure.
    pub date: NaiveDate,
    /// The airline.
    pub carrier: Code,
    /// Where it starts.
    pub origin: Code,
    /// Where it lands.
    pub dest: Code,
    /// Minutes behind the schedule at departure; absent before.
    pub dep_delay: Option<f32>,
    /// Miles, if the asker knows them.
    pub distance: Option<f32>,
}

impl From<&Request> for Query {
    fn from(request: &Request) -> Self {
        Query {
            date: request.date,
            carrier: request.carrier,
            origin: request.origin,
            dest: request.dest,
            dep_delay: request.dep_delay.map(|minutes| minutes as f32),
            distance: request.distance.map(|miles| miles as f32),
        }
    }
}

/// A flown flight with both delays: what is trained on and evaluated with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainingFlight {
    /// The flight as it would have been asked about; its departure delay is known.
    pub query: Query,
    /// Minutes behind the schedule at departure.
    pub dep_delay: f32,
    /// Minutes behind the schedule at arrival.
    pub arr_delay: f32,
}

impl TrainingFlight {
    /// A flight of the history, if it was flown and both its delays are known and finite.
    pub fn of(flight: &Flight) -> Option<Self> {
        let finite = |minutes: &f32| minutes.is_finite();
        let dep_delay = flight.dep_delay.filter(finite)?;
        let arr_delay = flight.arr_delay.filter(finite)?;
        (flight.fate == Fate::Flown).then_some(TrainingFlight {
            query: Query {
                date: flight.date,
                carrier: flight.carrier,
                origin: flight.origin,
                dest: flight.dest,
                dep_delay: Some(dep_delay),
                distance: flight.distance.filter(|miles| miles.is_finite() && *miles > 0.0),
            },
            dep_delay,
            arr_delay,
        })
    }

    /// The class of its arrival delay.
    pub fn class(&self) -> DelayClass {
        DelayClass::of_delay(self.arr_delay)
    }
}
