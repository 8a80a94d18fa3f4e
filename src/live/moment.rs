//! Moments: how a question with events, or a look at a training flight, stands to the departure.

use serde::{Deserialize, Serialize};

use super::event::Minutes;

/// A departure is near within this many minutes before it, in which the aeroplane's last leg leaves.
pub const NEAR_MINUTES: Minutes = 300;

/// The moment at which a flight is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Moment {
    /// [`NEAR_MINUTES`] or more before the scheduled departure.
    Early,
    /// Less before it.
    Near,
    /// At the scheduled departure or after it; the flight has not left.
    Overdue,
    /// The flight has left.
    Departed,
}

impl Moment {
    /// All moments.
    pub const ALL: [Moment; 4] = [Moment::Early, Moment::Near, Moment::Overdue, Moment::Departed];

    /// The moment this many minutes before the scheduled departure of a flight; `None` if it has left.
    pub fn of(minutes_before: Option<Minutes>) -> Self {
        match minutes_before {
            Some(NEAR_MINUTES..) => Moment::Early,
            Some(1..) => Moment::Near,
            Some(_) => Moment::Overdue,
            None => Moment::Departed,
        }
    }
}
