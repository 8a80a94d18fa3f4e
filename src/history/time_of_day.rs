//! Times of day as BTS writes them: hours times hundred plus minutes.

/// Minutes in a day; a time of day is below.
pub const DAY_MIN: u16 = 24 * 60;

/// Minutes since midnight of an `hhmm` number: 1745 is 1065. 2400 is midnight, 0. `None` if it is no time of day.
pub fn from_hhmm(hhmm: i32) -> Option<u16> {
    let (hours, minutes) = (hhmm.div_euclid(100), hhmm.rem_euclid(100));
    match u16::try_from(hours * 60 + minutes) {
        Ok(min) if minutes < 60 && min <= DAY_MIN => Some(min % DAY_MIN),
        _ => None,
    }
}

/// The `hhmm` number of minutes since midnight.
pub fn to_hhmm(min: u16) -> i32 {
    i32::from(min / 60 * 100 + min % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hhmm_and_takes_2400_for_midnight() {
        for (hhmm, min) in [(0, 0), (5, 5), (100, 60), (1745, 1065), (2359, 1439), (2400, 0)] {
            assert_eq!(from_hhmm(hhmm), Some(min), "{hhmm}");
        }
        for hhmm in [-1, 60, 1260, 2401, 2460, 9999, i32::MAX, i32::MIN] {
            assert_eq!(from_hhmm(hhmm), None, "{hhmm}");
        }
    }

    #[test]
    fn every_minute_of_the_day_round_trips() {
        for min in 0..DAY_MIN {
            assert_eq!(from_hhmm(to_hhmm(min)), Some(min));
        }
    }
}
