use super::*;
use crate::features::tests::flight;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Two flights a day from `from` to `to`, in disorder.
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
fn the_default_is_the_split_of_training_and_the_ends_may_be_moved() {
    let year = timeline("2013-01-01", "2013-12-31");
    let default = year.split(&Wanted::default()).unwrap();
    assert_eq!(sides(&default), ["2013-01-01", "2013-10-01", "2013-10-02", "2013-12-31"]);
    assert_eq!((default.training.len(), default.held_out.len()), (2 * 274, 2 * 91));
    let wanted = |train_from, train_to, from, to| {
        let day = |text: &str| (!text.is_empty()).then(|| day(text));
        Wanted { train_from: day(train_from), train_to: day(train_to), from: day(from), to: day(to) }
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
fn what_cannot_be_is_refused_with_its_days() {
    let year = timeline("2013-01-01", "2013-12-31");
    let (some, none) = (|text: &str| Some(day(text)), Wanted::default());
    let cases = [
        (Wanted { from: some("2013-01-01"), ..none }, "train on from 2013-01-01 to 2012-12-31"),
        (Wanted { from: some("2014-01-01"), ..none }, "evaluate on from 2014-01-01 to 2013-12-31"),
        (
            Wanted { from: some("2013-05-01"), train_to: some("2013-05-01"), ..none },
            "end the training before 2013-05-01",
        ),
        (Wanted { from: some("2013-05-01"), to: some("2013-04-01"), ..none }, "from 2013-05-01 to 2013-04-01"),
        (Wanted { train_from: some("2013-11-01"), ..none }, "from 2013-11-01 to 2013-10-01"),
    ];
    for (wanted, words) in cases {
        let message = year.split(&wanted).unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(Timeline::new(vec![]).split(&none), Err(SplitError::NothingToFit));
    // One day cannot be on both sides.
    assert!(timeline("2013-01-01", "2013-01-01").split(&none).is_err());
}

#[test]
fn a_model_is_evaluated_on_what_it_has_not_learned() {
    let year = timeline("2013-01-01", "2013-12-31");
    let learned = Window { from: day("2012-01-01"), to: day("2013-09-30") };
    let after = year.after(learned, &Wanted::default()).unwrap();
    assert_eq!(sides(&after), ["2013-01-01", "2013-09-30", "2013-10-01", "2013-12-31"]);

    let wanted = Wanted { from: Some(day("2013-09-30")), ..Wanted::default() };
    let message = year.after(learned, &wanted).unwrap_err().to_string();
    assert!(message.contains("learned the flights of 2012-01-01 to 2013-09-30"), "{message}");
    assert!(message.contains("evaluated on 2013-09-30 to 2013-12-31"), "{message}");
    let all = Window { to: day("2013-12-31"), ..learned };
    let message = year.after(all, &Wanted::default()).unwrap_err().to_string();
    assert!(message.contains("the data end on 2013-12-31"), "{message}");

    // Of what it has learned nothing may be at hand.
    let before = Window { from: day("2011-01-01"), to: day("2011-12-31") };
    assert!(year.after(before, &Wanted::default()).unwrap().training.is_empty());
}

#[test]
fn each_month_is_tested_with_all_days_before_it() {
    let flights = timeline("2013-01-10", "2013-04-05");
    let months = |wanted: &Wanted| flights.months(wanted).map(|splits| splits.iter().map(sides).collect::<Vec<_>>());
    // February begins 22 days after the data do: too few.
    assert_eq!(
        months(&Wanted::default()).unwrap(),
        [
            ["2013-01-10", "2013-02-28", "2013-03-01", "2013-03-31"],
            ["2013-01-10", "2013-03-31", "2013-04-01", "2013-04-05"],
        ]
    );
    let within = Wanted { from: Some(day("2013-03-15")), to: Some(day("2013-03-20")), ..Wanted::default() };
    assert_eq!(months(&within).unwrap(), [["2013-01-10", "2013-03-14", "2013-03-15", "2013-03-20"]]);
    let early = Wanted { to: Some(day("2013-02-20")), ..Wanted::default() };
    assert!(months(&early).unwrap_err().to_string().contains("28 days"));
}
