//! `delaycast models shadow`.

use clap::Args as ClapArgs;
use delaycast::model::ModelDir;
use engine::{model::Role, shadow::Comparison};
use indicatif::HumanCount;
use serde::Serialize;

use super::change;
use crate::{
    app::open_existing_store,
    format::Format,
    options::{ModelsOption, StoreOption},
};

/// Try a version out beside the one that answers
///
/// Scorers that run score each request with both. What the shadow says is stored apart, is compared, and is never shown
/// to who has asked. Of requests that come faster than it can be stored, some are left out.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  delaycast models shadow 20261124T2311 --models var/models
  delaycast models shadow --report --store sqlite:var/delaycast.db
  delaycast models shadow --off

The metrics delaycast_shadow_… tell the same of what a scorer has done since it started.")]
#[group(id = "what", required = true, multiple = false, args = ["version", "off", "report"])]
pub(crate) struct Args {
    /// The version, or how its name begins
    #[arg(value_name = "VERSION")]
    version: Option<String>,
    /// None any more
    #[arg(long)]
    off: bool,
    /// How what is stored of shadows compares with what was answered
    #[arg(long)]
    report: bool,
    #[command(flatten)]
    models: ModelsOption,
    #[command(flatten)]
    store: StoreOption,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Serialize)]
struct Report {
    comparisons: Vec<Comparison>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    if args.report {
        return Report { comparisons: open_existing_store(&args.store.url)?.compared()? }.print(args.format);
    }
    let dir = ModelDir::new(&args.models.models);
    let before = dir.named(Role::Shadow).ok().flatten().map(|version| version.to_string());
    let version = args.version.as_deref().map(|prefix| dir.find(prefix)).transpose()?;
    dir.shadow(version.as_ref())?;
    let now = version.map(|version| version.to_string());
    change::Report { role: Role::Shadow, before, now }.print(args.format)
}

impl Report {
    fn print(&self, format: Format) -> anyhow::Result<()> {
        format.print(self, |report| {
            if report.comparisons.is_empty() {
                return "nothing is stored of any shadow".to_owned();
            }
            let header =
                format!("{:<28}  {:<28}  {:>10}  {:>8}  {:>10}", "shadow", "beside", "compared", "agree", "mean |dp|");
            let lines = report.comparisons.iter().map(|comparison| {
                let Comparison { shadow, current, compared, agreed, mean_change } = comparison;
                let share = *agreed as f64 / (*compared).max(1) as f64;
                let compared = HumanCount(*compared).to_string();
                format!("{shadow:<28}  {current:<28}  {compared:>10}  {:>7.2}%  {mean_change:>10.4}", share * 100.0)
            });
            [header].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
        })
    }
}
