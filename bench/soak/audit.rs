//! The counts at the end of a soak.

use std::collections::HashMap;

use delaycast::domain::Flights;
use engine::domain::Domain;
use mongodb::bson::{Document, doc};

use crate::services::mongo::TestDatabase;

/// The versions of followed answers in a store.
pub(super) struct Versions {
    /// Requests with versions.
    pub(super) followed: u64,
    pub(super) versions: u64,
    /// Requests whose versions are not 1, 2, 3 and so on, each once.
    pub(super) broken: u64,
}

/// Counts the versions.
pub(super) fn versions(database: &TestDatabase) -> anyhow::Result<Versions> {
    let Some(collections) = Flights::COLLECTIONS.followed else { anyhow::bail!("no answers can be followed") };
    let mut numbers: HashMap<String, Vec<i32>> = HashMap::new();
    database.runtime.block_on(async {
        let collection = database.handle.collection::<Document>(collections.versions);
        let mut found = collection.find(doc! {}).projection(doc! { "UUID": 1, "Version": 1 }).await?;
        while found.advance().await? {
            let version = found.deserialize_current()?;
            numbers.entry(version.get_str("UUID")?.to_owned()).or_default().push(version.get_i32("Version")?);
        }
        anyhow::Ok(())
    })?;
    numbers.values_mut().for_each(|numbers| numbers.sort_unstable());
    let is_broken = |numbers: &&Vec<i32>| !numbers.iter().copied().eq(1..=numbers.len() as i32);
    let (followed, versions) = (numbers.len() as u64, numbers.values().map(Vec::len).sum::<usize>() as u64);
    Ok(Versions { followed, versions, broken: numbers.values().filter(is_broken).count() as u64 })
}
