//! `delaycast models show`.

use std::collections::BTreeMap;

use clap::Args as ClapArgs;
use delaycast::{
    airports::Airports,
    classifier::Classifier,
    features::KnownInputs,
    model::{Listed, ModelDir, Origin, VersionedModel},
};
use engine::model::Role;
use serde::Serialize;
use serde_json::Value;

use crate::options::{Format, ModelsOption};

/// Show all that a version's file says of it
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  delaycast models show 20261124T2311 --models var/models")]
pub(crate) struct Args {
    /// The version, or how its name begins; `current` and `shadow` are understood
    #[arg(value_name = "VERSION")]
    version: String,
    #[command(flatten)]
    models: ModelsOption,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Serialize)]
struct Report {
    version: String,
    roles: Vec<Role>,
    path: String,
    bytes: Option<u64>,
    origin: Origin,
    /// The forests, by the inputs that they take.
    forests: BTreeMap<&'static str, Grown>,
    airports: usize,
    airlines: usize,
}

#[derive(Serialize)]
struct Grown {
    trees: usize,
    nodes: usize,
    features: Vec<String>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let dir = ModelDir::new(&args.models.models);
    let named = Role::ALL.into_iter().find(|role| role.file() == args.version);
    let version = match named.map(|role| dir.named(role)).transpose()?.flatten() {
        Some(version) => version,
        None => dir.find(&args.version)?,
    };
    let path = dir.path_of(&version).display().to_string();
    let Listed { version, roles, model, bytes } = dir.listed(version);
    let VersionedModel { model, .. } = model?;
    let (features, airports): (_, &Airports) = (model.features(), model.airports());
    let names = features.names();
    let grown = |(given, classifier): (KnownInputs, &Classifier)| {
        let (trees, nodes) = classifier.forest().map_or((0, 0), |forest| (forest.trees_len(), forest.nodes_len()));
        let known = features.columns_known(given).into_iter();
        (
            given.label(),
            Grown { trees, nodes, features: known.filter_map(|column| names.get(column).cloned()).collect() },
        )
    };
    let report = Report {
        version: version.to_string(),
        roles,
        path,
        bytes,
        origin: model.origin().clone(),
        forests: model.classifiers().iter().map(grown).collect(),
        airports: airports.all().count(),
        airlines: airports.airlines().count(),
    };
    args.format.print(&report, |report| serde_json::to_value(report).map(|value| in_words(&value)).unwrap_or_default())
}

/// Prints each field on its own line, and the fields of an object indented below it.
fn in_words(value: &Value) -> String {
    let mut text = String::new();
    write(value, 0, &mut text);
    text.trim_end().to_owned()
}

fn write(value: &Value, depth: usize, text: &mut String) {
    let Value::Object(fields) = value else { return };
    for (name, value) in fields {
        let (indent, name) = ("  ".repeat(depth), name.replace('_', " "));
        let width = 28_usize.saturating_sub(indent.len());
        match value {
            Value::Object(_) => {
                *text += &format!("{indent}{name}\n");
                write(value, depth + 1, text);
            }
            Value::Array(values) => *text += &format!("{indent}{name:<width$} {}\n", listed(values)),
            value => *text += &format!("{indent}{name:<width$} {}\n", plain(value)),
        }
    }
}

fn listed(values: &[Value]) -> String {
    let separator = if values.iter().any(Value::is_array) { " | " } else { " " };
    values.iter().map(plain).collect::<Vec<_>>().join(separator)
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) => listed(values),
        value => value.to_string(),
    }
}
