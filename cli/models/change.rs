//! `delaycast models promote` and `rollback`.

use clap::Args as ClapArgs;
use delaycast::model::ModelDir;
use engine::model::Role;
use serde::Serialize;

use crate::{format::Format, options::ModelsOption};

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

#[derive(Serialize)]
pub(super) struct Report {
    pub(super) role: Role,
    pub(super) before: Option<String>,
    pub(super) now: Option<String>,
}

impl Report {
    pub(super) fn print(&self, format: Format) -> anyhow::Result<()> {
        format.print(self, |Report { role, before, now }| {
            let name = |version: &Option<String>| version.clone().unwrap_or_else(|| "none".to_owned());
            format!("{role}: {} (before: {})", name(now), name(before))
        })
    }
}

pub(super) fn promote(args: &PromoteArgs) -> anyhow::Result<()> {
    let dir = ModelDir::new(&args.models.models);
    let version = dir.find(&args.version)?;
    let before = dir.promote(&version)?.map(|version| version.to_string());
    Report { role: Role::Current, before, now: Some(version.to_string()) }.print(args.format)
}

pub(super) fn roll_back(args: &RollbackArgs) -> anyhow::Result<()> {
    let (before, now) = ModelDir::new(&args.models.models).roll_back()?;
    let (before, now) = (before.map(|version| version.to_string()), Some(now.to_string()));
    Report { role: Role::Current, before, now }.print(args.format)
}
