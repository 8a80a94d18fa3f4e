//! `delaycast models list`.

use chrono::{DateTime, Utc};
use clap::Args as ClapArgs;
use delaycast::{
    evaluate::{Predictor, Window},
    features::Preset,
    model::{Listed, ModelDir},
};
use engine::model::{Role, published_at};
use indicatif::{HumanBytes, HumanCount};
use serde::Serialize;

use super::in_one_line;
use crate::options::{Format, ModelsOption};

/// List the versions that are there, the latest last
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  delaycast models list --models var/models

`*` marks the model that answers, `s` the one that is tried out beside it, `!` one that cannot be used.")]
pub(crate) struct Args {
    #[command(flatten)]
    models: ModelsOption,
    /// How to print them
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Serialize)]
struct Report {
    versions: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    version: String,
    roles: Vec<Role>,
    published_at: Option<DateTime<Utc>>,
    bytes: Option<u64>,
    #[serde(flatten)]
    known: Option<Known>,
    /// The reason for which it cannot be used, if there is one.
    damaged: Option<String>,
}

#[derive(Serialize)]
struct Known {
    preset: Preset,
    trainer: String,
    rows: u64,
    window: Window,
    holdout_log_loss: f64,
}

impl Line {
    fn of(listed: Listed) -> Self {
        let Listed { version, roles, model, bytes } = listed;
        let (known, damaged) = match model {
            Ok(model) => {
                let origin = model.model.origin();
                let known = Known {
                    preset: origin.preset,
                    trainer: origin.settings.trainer(),
                    rows: origin.trained_on,
                    window: origin.window,
                    holdout_log_loss: origin
                        .evaluation
                        .metrics
                        .get(Predictor::Forest)
                        .map_or(0.0, |metrics| metrics.log_loss),
                };
                (Some(known), None)
            }
            Err(error) => (None, Some(in_one_line(&error))),
        };
        Line { published_at: published_at(&version), version: version.to_string(), roles, bytes, known, damaged }
    }

    fn in_words(&self) -> String {
        let is = |role| self.roles.contains(&role);
        let current = if is(Role::Current) { '*' } else { ' ' };
        let other = match (&self.damaged, is(Role::Shadow)) {
            (Some(_), _) => '!',
            (None, true) => 's',
            (None, false) => ' ',
        };
        let made = self.published_at.map(|at| at.format("%Y-%m-%d %H:%M").to_string()).unwrap_or_default();
        let start = format!("{current}{other} {:<28}  {made:<16}", self.version);
        match (&self.known, &self.damaged) {
            (Some(Known { preset, trainer, rows, window, holdout_log_loss }), _) => format!(
                "{start}  {:<8}  {:<9}  {:>10}  {} to {}  {holdout_log_loss:>8.4}  {:>10}",
                preset.to_string(),
                trainer,
                HumanCount(*rows).to_string(),
                window.from,
                window.to,
                HumanBytes(self.bytes.unwrap_or_default()).to_string(),
            ),
            (None, damaged) => format!("{start}  {}", damaged.as_deref().unwrap_or_default()),
        }
    }
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let listed = ModelDir::new(&args.models.models).list()?;
    let report = Report { versions: listed.into_iter().map(Line::of).collect() };
    args.format.print(&report, in_words)
}

fn in_words(report: &Report) -> String {
    if report.versions.is_empty() {
        return "no model yet: `delaycast train` makes one".to_owned();
    }
    let header = format!(
        "   {:<28}  {:<16}  {:<8}  {:<9}  {:>10}  {:<24}  {:>8}  {:>10}",
        "version", "published (UTC)", "preset", "trainer", "rows", "trained on", "log-loss", "size"
    );
    [header].into_iter().chain(report.versions.iter().map(Line::in_words)).collect::<Vec<_>>().join("\n")
}
