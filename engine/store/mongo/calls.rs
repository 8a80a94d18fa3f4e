//! Calls to the driver, each with a deadline.
//!
//! The driver has no timeout on a reply, and its synchronous interface none at all: a server that hangs would hang its
//! callers for as long as TCP lasts. So the calls run on a small runtime of our own, and whoever calls waits for a
//! bounded time. A call given up is dropped midway, which the driver does not promise to bear: so the client is replaced.

use std::{
    sync::mpsc::{RecvTimeoutError, sync_channel},
    time::Duration,
};

use mongodb::{
    Client, Database,
    bson::{Bson, Document, doc},
    options::ClientOptions,
};
use tokio::runtime::Runtime;

use super::fault::{code, unavailable};
use crate::{
    delivery::Unavailable,
    domain::Collections,
    runtime::{Mutex, MutexGuard},
};

/// Making an index on a large collection takes a while; it goes on where it was given up.
pub(super) const INDEX: Duration = Duration::from_secs(30);

/// Unauthorized, IndexOptionsConflict, IndexKeySpecsConflict.
const NOT_OURS_TO_INDEX: [i32; 3] = [13, 85, 86];

/// Unauthorized, CommandNotFound.
const NOT_OURS_TO_LIST: [i32; 2] = [13, 59];
/// NamespaceNotFound: the collection is not there, and so has no index.
const NAMESPACE_NOT_FOUND: i32 = 26;
/// Upper bound on listing indexes.
const LIST: Duration = Duration::from_secs(6);

/// Returns whether a reply to `listIndexes` is whole and has no unique index but the one on `_id`.
fn lists_only_the_id(reply: &Document) -> bool {
    let Ok(cursor) = reply.get_document("cursor") else { return false };
    let is_whole = matches!(cursor.get("id"), Some(Bson::Int64(0) | Bson::Int32(0)));
    let is_of_the_id = |index: &Document| index.get_document("key").is_ok_and(|key| key.keys().eq(["_id"]));
    let is_unique = |index: &Document| match index.get("unique") {
        None | Some(Bson::Boolean(false)) => false,
        Some(_) => true,
    };
    let harmless = |index: &Bson| index.as_document().is_some_and(|index| is_of_the_id(index) || !is_unique(index));
    is_whole && cursor.get_array("firstBatch").is_ok_and(|indexes| indexes.iter().all(harmless))
}

/// A client, and how many there were before it.
struct Current {
    generation: u64,
    client: Client,
}

/// A database, reached through one pool of connections.
pub(super) struct Calls {
    /// Taken when this is dropped: a runtime may not be dropped everywhere, but it may be told to end.
    runtime: Option<Runtime>,
    options: ClientOptions,
    database: String,
    /// The names of the domain's collections.
    pub(super) collections: Collections,
    current: Mutex<Option<Current>>,
}

impl Calls {
    pub(super) fn new(runtime: Runtime, options: ClientOptions, database: String, collections: Collections) -> Self {
        Calls { runtime: Some(runtime), options, database, collections, current: Mutex::new(None) }
    }

    pub(super) fn database(&self) -> &str {
        &self.database
    }

    pub(super) fn options(&self) -> &ClientOptions {
        &self.options
    }

    /// Runs a call and waits for its result, `limit` at most. `doing` says what it does, as in "cannot write answers".
    pub(super) fn call<T, F>(
        &self,
        doing: &str,
        limit: Duration,
        make: impl FnOnce(Database) -> F,
    ) -> Result<T, Unavailable>
    where
        T: Send + 'static,
        F: Future<Output = mongodb::error::Result<T>> + Send + 'static,
    {
        let Some(runtime) = &self.runtime else { return Err(Unavailable::transient("the store is closed")) };
        let (generation, client) = self.client(runtime).map_err(|error| unavailable(doing, &error))?;
        let call = make(client.database(&self.database));
        let (reply, result) = sync_channel(1);
        // It has room for the one reply, and nobody listens after the limit.
        let task = runtime.spawn(async move { drop(reply.try_send(call.await)) });
        match result.recv_timeout(limit) {
            Ok(result) => result.map_err(|error| unavailable(doing, &error)),
            Err(RecvTimeoutError::Disconnected) => {
                Err(Unavailable::transient(format!("{doing}: the call ended without a result")))
            }
            Err(RecvTimeoutError::Timeout) => {
                task.abort();
                self.give_up(generation);
                Err(Unavailable::transient(format!("{doing}: no answer within {} s", limit.as_secs())))
            }
        }
    }

    /// Makes an index, unless it is there.
    pub(super) fn index(&self, collection: &'static str, index: Document) -> Result<(), Unavailable> {
        let name = index.get_str("name").unwrap_or_default().to_owned();
        let command = doc! { "createIndexes": collection, "indexes": [index] };
        let doing = format!("cannot make the index {name} on {collection}");
        let refused = self.call(&doing, INDEX, |database| async move {
            match database.run_command(command).await {
                Ok(_) => Ok(None),
                // Somebody has made another one, or reserves that for himself: both are his to decide.
                Err(error) if code(&error).is_some_and(|code| NOT_OURS_TO_INDEX.contains(&code)) => Ok(Some(error)),
                Err(error) => Err(error),
            }
        })?;
        if let Some(error) = refused {
            tracing::warn!("no index {name} on {collection}, so look-ups may be slow: {}", error.kind);
        }
        Ok(())
    }

    /// Returns whether the server lists no unique index of a collection but the one on `_id`.
    pub(super) fn only_id_is_unique(&self, collection: &'static str) -> Result<bool, Unavailable> {
        let doing = format!("cannot list the indexes of {collection}");
        self.call(&doing, LIST, |database| async move {
            match database.run_command(doc! { "listIndexes": collection }).await {
                Ok(reply) => Ok(lists_only_the_id(&reply)),
                Err(error) if code(&error) == Some(NAMESPACE_NOT_FOUND) => Ok(true),
                // Not told: a look-up decides.
                Err(error) if code(&error).is_some_and(|code| NOT_OURS_TO_LIST.contains(&code)) => Ok(false),
                Err(error) => Err(error),
            }
        })
    }

    fn current(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock()
    }

    /// The client, made when it is first needed. It connects in the background.
    fn client(&self, runtime: &Runtime) -> mongodb::error::Result<(u64, Client)> {
        let mut current = self.current();
        if let Some(Current { generation, client }) = &*current {
            return Ok((*generation, client.clone()));
        }
        let _entered = runtime.enter();
        let client = Client::with_options(self.options.clone())?;
        *current = Some(Current { generation: 0, client: client.clone() });
        Ok((0, client))
    }

    /// Puts a new client in the place of that of a generation; of several that give up the same, the first does.
    fn give_up(&self, generation: u64) {
        let (Some(runtime), mut current) = (&self.runtime, self.current()) else { return };
        let _entered = runtime.enter();
        if let Some(old) = &mut *current
            && old.generation == generation
            && let Ok(client) = Client::with_options(self.options.clone())
        {
            *old = Current { generation: generation + 1, client };
        }
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            let entered = runtime.enter();
            *self.current() = None;
            drop(entered);
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_indexes_tells_whether_the_id_alone_is_unique() {
        let reply = |id: i64, index: Document| {
            let of_the_id = doc! { "v": 2, "key": { "_id": 1 }, "name": "_id_" };
            doc! { "cursor": { "id": id, "ns": "d.c", "firstBatch": [of_the_id, index] }, "ok": 1.0 }
        };
        let on_uuid = |unique: Bson| doc! { "key": { "UUID": 1 }, "name": "UUID_1", "unique": unique };
        assert!(lists_only_the_id(&reply(0, doc! { "key": { "UUID": 1 }, "name": "UUID_1" })));
        assert!(lists_only_the_id(&reply(0, on_uuid(Bson::Boolean(false)))));
        assert!(lists_only_the_id(&reply(0, doc! { "key": { "_id": 1 }, "name": "_id_", "unique": true })));
        for unique in [Bson::Boolean(true), Bson::Int32(1), Bson::Double(1.0)] {
            assert!(!lists_only_the_id(&reply(0, on_uuid(unique))));
        }
        assert!(!lists_only_the_id(&reply(7, doc! { "key": { "UUID": 1 }, "name": "UUID_1" })), "there are more");
        assert!(!lists_only_the_id(&doc! { "ok": 1.0 }));
    }
}
