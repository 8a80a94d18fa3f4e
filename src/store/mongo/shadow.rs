//! What a shadow says, in a collection of its own.

use std::time::Duration;

use mongodb::bson::{Bson, Document, doc};

use super::{
    SHADOWS,
    calls::{Calls, INDEX},
    fault::code,
};
use crate::{delivery::Unavailable, shadow::Comparison};

/// It is kept for 30 days, in seconds.
const KEPT_S: i32 = 30 * 24 * 3600;
/// It may be a large collection.
const COMPARE: Duration = Duration::from_secs(30);

/// Has the server drop what is old. One that knows no such index (FerretDB 1) keeps it, until somebody drops the collection.
pub(super) fn expire(calls: &Calls) -> Result<(), Unavailable> {
    let index = doc! { "key": { "ScoredAt": 1 }, "name": "ScoredAt_expires", "expireAfterSeconds": KEPT_S };
    let command = doc! { "createIndexes": SHADOWS, "indexes": [index] };
    let doing = format!("cannot have {SHADOWS} expire");
    let refused = calls.call(&doing, INDEX, |database| async move {
        match database.run_command(command).await {
            Ok(_) => Ok(None),
            // It was asked, and will not: asking again changes nothing.
            Err(error) if code(&error).is_some() => Ok(Some(error)),
            Err(error) => Err(error),
        }
    })?;
    if let Some(error) = refused {
        tracing::warn!("{SHADOWS} is kept until somebody drops it: {}", error.kind);
    }
    Ok(())
}

/// All that is kept, by the two models.
pub(super) fn compared(calls: &Calls) -> Result<Vec<Comparison>, Unavailable> {
    let by_models = doc! {
        "_id": { "shadow": "$ModelVersion", "current": "$CurrentModelVersion" },
        "compared": { "$sum": 1 }, "agreed": { "$sum": "$Agrees" }, "change": { "$sum": "$ProbabilityChange" },
    };
    let pipeline = vec![Bson::Document(doc! { "$group": by_models })];
    let command = doc! { "aggregate": SHADOWS, "pipeline": pipeline, "cursor": { "batchSize": 1000 } };
    let doing = format!("cannot sum up {SHADOWS}");
    let reply = calls.call(&doing, COMPARE, |database| async move { database.run_command(command).await })?;
    let groups = reply.get_document("cursor").and_then(|cursor| cursor.get_array("firstBatch")).cloned();
    let mut found: Vec<Comparison> =
        groups.unwrap_or_default().iter().filter_map(|group| comparison(group.as_document()?)).collect();
    found.sort_by(|one, other| (&one.shadow, &one.current).cmp(&(&other.shadow, &other.current)));
    Ok(found)
}

fn comparison(group: &Document) -> Option<Comparison> {
    let models = group.get_document("_id").ok()?;
    let name = |field| models.get_str(field).ok().map(str::to_owned);
    let (compared, agreed) = (number(group, "compared")?, number(group, "agreed")?);
    let mean_change = number(group, "change")? / compared.max(1.0);
    Some(Comparison {
        shadow: name("shadow")?,
        current: name("current")?,
        compared: compared as u64,
        agreed: agreed as u64,
        mean_change,
    })
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
