//! Shadow answers, in their own collection.

use std::{collections::BTreeMap, time::Duration};

use mongodb::bson::{Bson, Document, doc};

use super::client::{INDEX_TIMEOUT, MongoClient, code};
use crate::{delivery::Unavailable, shadow::Comparison};

/// Retention of 30 days, in seconds.
const RETENTION_S: i32 = 30 * 24 * 3600;
/// Timeout of each sum over the collection, which may be large.
const SUM_TIMEOUT: Duration = Duration::from_secs(10);
/// Upper bound on the pairs of models.
const MODELS_MAX: i32 = 1000;

/// Creates a TTL index on the time of scoring. A server without such indexes (FerretDB 1) keeps all documents until an
/// operator drops the collection.
pub(super) fn expire(client: &MongoClient, collection: &'static str) -> Result<(), Unavailable> {
    let index = doc! { "key": { "ScoredAt": 1 }, "name": "ScoredAt_expires", "expireAfterSeconds": RETENTION_S };
    let command = doc! { "createIndexes": collection, "indexes": [index] };
    let doing = format!("cannot have {collection} expire");
    let refused = client.call(&doing, INDEX_TIMEOUT, |database| async move {
        match database.run_command(command).await {
            Ok(_) => Ok(None),
            // Refused: another attempt would be refused, too.
            Err(error) if code(&error).is_some() => Ok(Some(error)),
            Err(error) => Err(error),
        }
    })?;
    if let Some(error) = refused {
        tracing::warn!("{collection} is kept until somebody drops it: {}", error.kind);
    }
    Ok(())
}

/// Returns the comparisons by pair of models.
pub(super) fn compared(client: &MongoClient) -> Result<Vec<Comparison>, Unavailable> {
    // One sum a query: FerretDB 1 computes only the first one of a group correctly.
    let (count, agreed, change) =
        (sums(client, 1.into())?, sums(client, "$Agrees".into())?, sums(client, "$ProbabilityChange".into())?);
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

/// A shadow model, and the model that answered.
type Models = (String, String);
type Sums = BTreeMap<Models, f64>;

/// Returns the sums of an expression by pair of models.
fn sums(client: &MongoClient, summand: Bson) -> Result<Sums, Unavailable> {
    let shadows = client.collections.shadows;
    let models = doc! { "shadow": "$ModelVersion", "current": "$CurrentModelVersion" };
    let pipeline = vec![Bson::Document(doc! { "$group": { "_id": models, "sum": { "$sum": summand } } })];
    let command = doc! { "aggregate": shadows, "pipeline": pipeline, "cursor": { "batchSize": MODELS_MAX } };
    let doing = format!("cannot sum up {shadows}");
    let reply = client.call(&doing, SUM_TIMEOUT, |database| async move { database.run_command(command).await })?;
    let groups = reply.get_document("cursor").and_then(|cursor| cursor.get_array("firstBatch")).cloned();
    Ok(groups.unwrap_or_default().iter().filter_map(|group| sum(group.as_document()?)).collect())
}

fn sum(group: &Document) -> Option<(Models, f64)> {
    let models = group.get_document("_id").ok()?;
    let name = |field| models.get_str(field).ok().map(str::to_owned);
    Some(((name("shadow")?, name("current")?), number(group, "sum")?))
}

/// Parses a number; its type differs between servers.
fn number(document: &Document, name: &str) -> Option<f64> {
    match document.get(name)? {
        Bson::Int32(number) => Some(f64::from(*number)),
        Bson::Int64(number) => Some(*number as f64),
        Bson::Double(number) => Some(*number),
        _ => None,
    }
}
