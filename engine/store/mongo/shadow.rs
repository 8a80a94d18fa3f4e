//! What a shadow says, in a collection of its own.

use std::{collections::BTreeMap, time::Duration};

use mongodb::bson::{Bson, Document, doc};

use super::{
    calls::{Calls, INDEX},
    fault::code,
};
use crate::{delivery::Unavailable, shadow::Comparison};

/// It is kept for 30 days, in seconds.
const KEPT_S: i32 = 30 * 24 * 3600;
/// It may be a large collection; this is for each sum.
const COMPARE: Duration = Duration::from_secs(10);
/// More pairs of models than this are not told.
const MODELS_MAX: i32 = 1000;

/// Has the server drop what is old. One that knows no such index (FerretDB 1) keeps it, until somebody drops the collection.
pub(super) fn expire(calls: &Calls) -> Result<(), Unavailable> {
    let shadows = calls.collections.shadows;
    let index = doc! { "key": { "ScoredAt": 1 }, "name": "ScoredAt_expires", "expireAfterSeconds": KEPT_S };
    let command = doc! { "createIndexes": shadows, "indexes": [index] };
    let doing = format!("cannot have {shadows} expire");
    let refused = calls.call(&doing, INDEX, |database| async move {
        match database.run_command(command).await {
            Ok(_) => Ok(None),
            // It was asked, and will not: asking again changes nothing.
            Err(error) if code(&error).is_some() => Ok(Some(error)),
            Err(error) => Err(error),
        }
    })?;
    if let Some(error) = refused {
        tracing::warn!("{shadows} is kept until somebody drops it: {}", error.kind);
    }
    Ok(())
}

/// All that is kept, by the two models.
pub(super) fn compared(calls: &Calls) -> Result<Vec<Comparison>, Unavailable> {
    // One sum at a time: of several in a group FerretDB 1 gets all but the first wrong.
    let (count, agreed, change) =
        (sums(calls, 1.into())?, sums(calls, "$Agrees".into())?, sums(calls, "$ProbabilityChange".into())?);
    let of = |sums: &Sums, models: &Models| sums.get(models).copied().unwrap_or_default();
    let comparisons = count.iter().map(|(models, &compared)| Comparison {
        shadow: models.0.clone(),
        current: models.1.clone(),
        compared: compared as u64,
        agreed: of(&agreed, models) as u64,
        mean_change: of(&change, models) / compared.max(1.0),
    });
    Ok(comparisons.collect())
}

/// A shadow, and the model that answers.
type Models = (String, String);
type Sums = BTreeMap<Models, f64>;

/// Something summed up over all that is kept, by the two models.
fn sums(calls: &Calls, summand: Bson) -> Result<Sums, Unavailable> {
    let shadows = calls.collections.shadows;
    let models = doc! { "shadow": "$ModelVersion", "current": "$CurrentModelVersion" };
    let pipeline = vec![Bson::Document(doc! { "$group": { "_id": models, "sum": { "$sum": summand } } })];
    let command = doc! { "aggregate": shadows, "pipeline": pipeline, "cursor": { "batchSize": MODELS_MAX } };
    let doing = format!("cannot sum up {shadows}");
    let reply = calls.call(&doing, COMPARE, |database| async move { database.run_command(command).await })?;
    let groups = reply.get_document("cursor").and_then(|cursor| cursor.get_array("firstBatch")).cloned();
    Ok(groups.unwrap_or_default().iter().filter_map(|group| sum(group.as_document()?)).collect())
}

fn sum(group: &Document) -> Option<(Models, f64)> {
    let models = group.get_document("_id").ok()?;
    let name = |field| models.get_str(field).ok().map(str::to_owned);
    Some(((name("shadow")?, name("current")?), number(group, "sum")?))
}

/// Servers differ in which type they give their numbers.
fn number(document: &Document, name: &str) -> Option<f64> {
    match document.get(name)? {
        Bson::Int32(number) => Some(f64::from(*number)),
        Bson::Int64(number) => Some(*number as f64),
        Bson::Double(number) => Some(*number),
        _ => None,
    }
}
