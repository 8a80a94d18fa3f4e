use super::*;
use crate::features::tests::flight;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Two flights a day from `from` to `to`, shuffled.
fn timeline(from: &str, to: &str) -> Timeline<'static> {
    let mut flights = Vec::new();
    for date in day(from).iter_days().take_while(|date| *date <= day(to)) {
        for carrier in ["AA", "B6"] {
            let mut flight = flight(carrier, "JFK", 0.0, 0.0);
            flight.change(|query| query.date = date);
            flights.insert(flights.len() / 2, flight);
        }
    }
    Timeline::new(flights)
}

fn sides(split: &Split<'_>) -> [String; 4] {
    let ends = |flights: &[TrainingFlight]| {
        let window = Window::of(flights).unwrap();
        [window.from.to_string(), window.to.to_string()]
    };
    let ([a, b], [c, d]) = (ends(split.training), ends(split.held_out));
    [a, b, c, d]
}

#[test]
fn the_default_is_the_split_of_a_training_and_each_end_may_be_moved() {
    let year = timeline("2013-01-01", "2013-12-31");
    let default = year.split(&DateSelection::default()).unwrap();
    assert_eq!(sides(&default), ["2013-01-01", "2013-10-01", "2013-10-02", "2013-12-31"]);
    assert_eq!((default.training.len(), default.held_out.len()), (2 * 274, 2 * 91));
    let wanted = |train_from, train_to, from, to| {
        let day = |text: &str| (!text.is_empty()).then(|| day(text));
        DateSelection { train_from: day(train_from), train_to: day(train_to), from: day(from), to: day(to) }
    };
    let cases = [
        (wanted("", "", "2013-07-01", "2013-07-31"), ["2013-01-01", "2013-06-30", "2013-07-01", "2013-07-31"]),
        (wanted("2013-02-01", "2013-02-28", "", ""), ["2013-02-01", "2013-02-28", "2013-03-01", "2013-12-31"]),
        (
            wanted("2013-02-01", "2013-02-28", "2013-06-01", "2013-06-02"),
            ["2013-02-01", "2013-02-28", "2013-06-01", "2013-06-02"],
        ),
    ];
    for (wanted, expected) in cases {
        assert_eq!(sides(&year.split(&wanted).unwrap()), expected);
    }
}

#[test]
fn an_impossible_selection_is_refused_with_its_days() {
    let year = timeline("2013-01-01", "2013-12-31");
    let (some, none) = (|text: &str| Some(day(text)), DateSelection::default());
    let cases = [
        (DateSelection { from: some("2013-01-01"), ..none }, "train on from 2013-01-01 to 2012-12-31"),
        (DateSelection { from: some("2014-01-01"), ..none }, "evaluate on from 2014-01-01 to 2013-12-31"),
        (
            DateSelection { from: some("2013-05-01"), train_to: some("2013-05-01"), ..none },
            "end the training before 2013-05-01",
        ),
        (DateSelection { from: some("2013-05-01"), to: some("2013-04-01"), ..none }, "from 2013-05-01 to 2013-04-01"),
        (DateSelection { train_from: some("2013-11-01"), ..none }, "from 2013-11-01 to 2013-10-01"),
    ];
    for (wanted, words) in cases {
        let message = year.split(&wanted).unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(Timeline::new(vec![]).split(&none), Err(SplitError::NoFlights));
    // A day is not on both sides.
    assert!(timeline("2013-01-01", "2013-01-01").split(&none).is_err());
}

#[test]
fn a_model_is_evaluated_on_days_after_its_training() {
    let year = timeline("2013-01-01", "2013-12-31");
    let learned = Window { from: day("2012-01-01"), to: day("2013-09-30") };
    let after = year.after(learned, &DateSelection::default()).unwrap();
    assert_eq!(sides(&after), ["2013-01-01", "2013-09-30", "2013-10-01", "2013-12-31"]);

    let wanted = DateSelection { from: Some(day("2013-09-30")), ..DateSelection::default() };
    let message = year.after(learned, &wanted).unwrap_err().to_string();
    assert!(message.contains("learned the flights of 2012-01-01 to 2013-09-30"), "{message}");
    assert!(message.contains("evaluated on 2013-09-30 to 2013-12-31"), "{message}");
    let all = Window { to: day("2013-12-31"), ..learned };
    let message = year.after(all, &DateSelection::default()).unwrap_err().to_string();
    assert!(message.contains("the data end on 2013-12-31"), "{message}");

    // The data may have none of the learned days.
    let before = Window { from: day("2011-01-01"), to: day("2011-12-31") };
    assert!(year.after(before, &DateSelection::default()).unwrap().training.is_empty());
}

#[test]
fn each_month_is_evaluated_with_all_days_before_it() {
    let flights = timeline("2013-01-10", "2013-04-05");
    let months =
        |wanted: &DateSelection| flights.months(wanted).map(|splits| splits.iter().map(sides).collect::<Vec<_>>());
    // February begins 22 days after the data do: too few.
    assert_eq!(
        months(&DateSelection::default()).unwrap(),
        [
            ["2013-01-10", "2013-02-28", "2013-03-01", "2013-03-31"],
            ["2013-01-10", "2013-03-31", "2013-04-01", "2013-04-05"],
        ]
    );
    let within =
        DateSelection { from: Some(day("2013-03-15")), to: Some(day("2013-03-20")), ..DateSelection::default() };
    assert_eq!(months(&within).unwrap(), [["2013-01-10", "2013-03-14", "2013-03-15", "2013-03-20"]]);
    let early = DateSelection { to: Some(day("2013-02-20")), ..DateSelection::default() };
    assert!(months(&early).unwrap_err().to_string().contains("28 days"));
}

/// One flight a day in 2013.
fn one_a_day() -> Vec<TrainingFlight<'static>> {
    let first = NaiveDate::from_ymd_opt(2013, 1, 1).unwrap();
    let on = |day| {
        let mut flight = flight("AA", "JFK", 0.0, 0.0);
        flight.change(|query| query.date = first + Days::new(day));
        flight
    };
    (0..365).map(on).collect()
}

#[test]
fn the_last_quarter_of_the_days_is_held_out() {
    let flights = one_a_day();
    let holdout = Holdout::split(&flights, None).unwrap();
    assert_eq!(holdout.from, NaiveDate::from_ymd_opt(2013, 10, 2).unwrap());
    assert_eq!((holdout.training.len(), holdout.held_out.len()), (274, 91));
    let last_trained_on = holdout.training.iter().map(|flight| flight.query().date).max();
    assert!(last_trained_on < Some(holdout.from) && holdout.held_out.iter().all(|f| f.query().date >= holdout.from));
}

#[test]
fn a_side_without_flights_is_refused() {
    let day = |text: &str| Some(text.parse().unwrap());
    assert!(Holdout::split(&one_a_day(), day("2013-12-31")).is_ok());
    for from in ["2013-01-01", "2014-01-01"] {
        assert!(matches!(Holdout::split(&one_a_day(), day(from)), Err(HoldoutError::OneSided { .. })), "{from}");
    }
    assert_eq!(
        Holdout::split(&one_a_day()[..1], None),
        Err(HoldoutError::OneSided {
            from: NaiveDate::from_ymd_opt(2013, 1, 2).unwrap(),
            window: Window::of(&one_a_day()[..1]).unwrap(),
        })
    );
    assert_eq!(Holdout::split(&[], None), Err(HoldoutError::NoFlights));
    let backwards: Vec<TrainingFlight> = one_a_day().into_iter().rev().collect();
    assert_eq!(Holdout::split(&backwards, None), Err(HoldoutError::Unsorted));
}
