//! `delaycast batch`: answers the tasks of a day.

use anyhow::Context;
use chrono::{Days, NaiveDate};
use clap::Args as ClapArgs;
use delaycast::model::{Model, ModelDir};
use engine::{
    batch::{self, Counts},
    clock,
    model::Scorer,
};
use serde_json::json;

use crate::{
    options::{Format, ModelsOption, StoreOption},
    progress::say,
};

/// Answer the requests of a day that were asked to wait for the batch
///
/// The page /flights/delays/predict_batch keeps such requests in the store; their answers are at
/// /flights/delays/predict_batch/results/DATE. A request is answered once: run again, a batch completes what is
/// missing, and changes nothing.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  delaycast batch
  delaycast batch --date today
  delaycast batch --date 2026-11-28 --store mongodb://127.0.0.1:27017")]
pub(crate) struct Args {
    /// The day on which they were asked, UTC: 2026-11-28, today or yesterday
    #[arg(long, value_name = "DATE", default_value = "yesterday", value_parser = parse_day)]
    date: Day,
    #[command(flatten)]
    store: StoreOption,
    #[command(flatten)]
    models: ModelsOption,
    /// The format of the numbers of answered and rejected requests
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// A day, which may be relative to that of the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Day {
    Today,
    Yesterday,
    Of(NaiveDate),
}

impl Day {
    fn date(self, today: NaiveDate) -> NaiveDate {
        match self {
            Day::Today => today,
            Day::Yesterday => today - Days::new(1),
            Day::Of(date) => date,
        }
    }
}

fn parse_day(text: &str) -> Result<Day, String> {
    match text {
        "today" => Ok(Day::Today),
        "yesterday" => Ok(Day::Yesterday),
        date => date
            .parse()
            .map(Day::Of)
            .map_err(|_| "a date is wanted, as in 2026-11-28, or one of the words today and yesterday".to_owned()),
    }
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let day = args.date.date(clock::now().date_naive());
    args.store.check_is_there("the page keeps the requests")?;
    let model = ModelDir::new(&args.models.models).load_current()?.map(Model::explaining);
    let store = args.store.open()?;
    let version = model.version().to_string();
    let mut told = 0;
    let progress = |counts: Counts| {
        let done = counts.answered + counts.rejected;
        // One line a page would be long for a large day.
        if done >= told + 100_000 {
            told = done;
            say(&format!("{done} requests so far"));
        }
    };
    let counts = batch::run(&*store, &model, day, progress)
        .with_context(|| format!("the batch of {day} is not complete; run it again: nothing is answered twice"))?;
    let Counts { answered, rejected } = counts;
    let result = json!({ "date": day, "model": version, "answered": answered, "rejected": rejected });
    args.format.print(&result, |_| match (answered, rejected) {
        (0, 0) => format!("nothing was asked on {day}"),
        (_, 0) => format!("{answered} requests of {day} are answered, by model {version}"),
        _ => format!(
            "{answered} requests of {day} are answered, by model {version}; {rejected} are rejected, for the reasons above"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_a_date_or_relative_to_today() {
        let today = NaiveDate::from_ymd_opt(2028, 3, 1).unwrap();
        let date = |text| parse_day(text).map(|day| day.date(today).to_string());
        assert_eq!(date("yesterday"), Ok("2028-02-29".to_owned()));
        assert_eq!(date("today"), Ok("2028-03-01".to_owned()));
        assert_eq!(date("2026-11-28"), Ok("2026-11-28".to_owned()));
        assert!(date("28.11.2026").unwrap_err().contains("2026-11-28"));
    }
}
