//! `delaycast models promote`, `rollback` and `shadow`: the choice of the models that answer and that are compared.

use clap::Args as ClapArgs;
use delaycast::model::ModelDir;
use engine::{model::Role, shadow::Comparison};
use indicatif::HumanCount;
use serde::Serialize;

use crate::{
    app::open_existing_store,
    options::{Format, ModelsOption, StoreOption},
};

/// Make a version the one that answers
///
/// It is loaded first: one that cannot be used is refused, and the present one stays.
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  delaycast models promote 20261124T2311 --models var/models")]
pub(crate) struct PromoteArgs {
    /// The version, or how its name begins
    #[arg(value_name = "VERSION")]
    version: String,
    #[command(flatten)]
    models: ModelsOption,
    /// How to print what was done
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Go back to the version that answered before the present one
///
/// Again: to the one before that. One that is not there any more, or cannot be used, is passed over.
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  delaycast models rollback --models var/models")]
pub(crate) struct RollbackArgs {
    #[command(flatten)]
    models: ModelsOption,
    /// How to print what was done
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Try a version out beside the one that answers
///
/// Scorers that run score each request with both. What the shadow says is stored apart, is compared, and is never shown
/// in an answer. Of requests that come faster than it can be stored, some are left out.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  delaycast models shadow 20261124T2311 --models var/models
  delaycast models shadow --report --store sqlite:var/delaycast.db
  delaycast models shadow --off

The metrics delaycast_shadow_… tell the same of what a scorer has done since it started.")]
#[group(id = "what", required = true, multiple = false, args = ["version", "off", "report"])]
pub(crate) struct ShadowArgs {
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
struct Change {
    role: Role,
    before: Option<String>,
    now: Option<String>,
}

impl Change {
    fn print(&self, format: Format) -> anyhow::Result<()> {
        format.print(self, |Change { role, before, now }| {
            let name = |version: &Option<String>| version.clone().unwrap_or_else(|| "none".to_owned());
            format!("{role}: {} (before: {})", name(now), name(before))
        })
    }
}

pub(super) fn promote(args: &PromoteArgs) -> anyhow::Result<()> {
    let dir = ModelDir::new(&args.models.models);
    let version = dir.find(&args.version)?;
    let before = dir.promote(&version)?.map(|version| version.to_string());
    Change { role: Role::Current, before, now: Some(version.to_string()) }.print(args.format)
}

pub(super) fn roll_back(args: &RollbackArgs) -> anyhow::Result<()> {
    let (before, now) = ModelDir::new(&args.models.models).roll_back()?;
    let (before, now) = (before.map(|version| version.to_string()), Some(now.to_string()));
    Change { role: Role::Current, before, now }.print(args.format)
}

#[derive(Serialize)]
struct Comparisons {
    comparisons: Vec<Comparison>,
}

pub(super) fn shadow(args: &ShadowArgs) -> anyhow::Result<()> {
    if args.report {
        return Comparisons { comparisons: open_existing_store(&args.store.url)?.compared()? }.print(args.format);
    }
    let dir = ModelDir::new(&args.models.models);
    let before = dir.named(Role::Shadow).ok().flatten().map(|version| version.to_string());
    let version = args.version.as_deref().map(|prefix| dir.find(prefix)).transpose()?;
    dir.shadow(version.as_ref())?;
    let now = version.map(|version| version.to_string());
    Change { role: Role::Shadow, before, now }.print(args.format)
}

impl Comparisons {
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
