//! The client: calls to the driver, each with a deadline, and their errors.
//!
//! The driver has no timeout on a reply, and its synchronous interface has none at all: a hung server would block
//! callers for as long as TCP lasts. The calls therefore run on a small runtime, and callers wait for a bounded time. A
//! call that times out is dropped midway, which the driver does not promise to support: the driver's client is then
//! replaced.

use std::{
    sync::mpsc::{RecvTimeoutError, sync_channel},
    time::Duration,
};

use mongodb::{
    Client, Database,
    bson::{Bson, Document, doc},
    error::{Error, ErrorKind},
    options::ClientOptions,
};
use tokio::runtime::Runtime;

use crate::{
    delivery::Unavailable,
    domain::Collections,
    runtime::{Mutex, MutexGuard},
};

/// Timeout of creating an index. On a large collection it takes longer, and goes on at the server.
pub(super) const INDEX_TIMEOUT: Duration = Duration::from_secs(30);

/// Timeout of a look-up.
pub(super) const FIND_TIMEOUT: Duration = Duration::from_secs(5);
/// Timeout of a query at the server.
pub(super) const QUERY_TIMEOUT: Duration = Duration::from_secs(3);
/// Unauthorized, IndexOptionsConflict, IndexKeySpecsConflict.
const INDEX_REFUSED: [i32; 3] = [13, 85, 86];

/// Unauthorized, CommandNotFound.
const LIST_REFUSED: [i32; 2] = [13, 59];
/// NamespaceNotFound: the collection does not exist, so it has no index.
const NAMESPACE_NOT_FOUND: i32 = 26;
/// Timeout of listing indexes.
const LIST_TIMEOUT: Duration = Duration::from_secs(6);

/// Upper bound on a reason: the driver describes a whole topology in some.
const REASON_CHARS_MAX: usize = 300;

/// Returns the outage of an error; `doing` is the failed call, as in "cannot write answers".
pub(super) fn unavailable(doing: &str, error: &Error) -> Unavailable {
    let needs_operator = match error.kind.as_ref() {
        ErrorKind::Command(command) => code_needs_operator(command.code),
        ErrorKind::Authentication { .. }
        | ErrorKind::InvalidArgument { .. }
        | ErrorKind::IncompatibleServer { .. }
        | ErrorKind::InvalidTlsConfig { .. } => true,
        _ => false,
    };
    // The error's own text includes the server's whole reply.
    let reason: String = format!("{doing}: {}", error.kind).chars().take(REASON_CHARS_MAX).collect();
    Unavailable { reason, needs_operator }
}

/// Returns the code with which a server refused a command.
pub(super) fn code(error: &Error) -> Option<i32> {
    match error.kind.as_ref() {
        ErrorKind::Command(command) => Some(command.code),
        _ => None,
    }
}

/// Returns whether an error with this code needs an operator. Source of names: the server's `error_codes.yml`.
pub(super) fn code_needs_operator(code: i32) -> bool {
    const UNAUTHORIZED: i32 = 13;
    const AUTHENTICATION_FAILED: i32 = 18;
    const COMMAND_NOT_FOUND: i32 = 59;
    const INVALID_NAMESPACE: i32 = 73;
    const UNKNOWN_REPL_WRITE_CONCERN: i32 = 79;
    const UNSATISFIABLE_WRITE_CONCERN: i32 = 100;
    const COMMAND_NOT_SUPPORTED_ON_VIEW: i32 = 166;
    const ATLAS_ERROR: i32 = 8000;
    matches!(
        code,
        UNAUTHORIZED
            | AUTHENTICATION_FAILED
            | COMMAND_NOT_FOUND
            | INVALID_NAMESPACE
            | UNKNOWN_REPL_WRITE_CONCERN
            | UNSATISFIABLE_WRITE_CONCERN
            | COMMAND_NOT_SUPPORTED_ON_VIEW
            | ATLAS_ERROR
    )
}

/// Returns whether a reply to `listIndexes` is complete and has no unique index but the one on `_id`.
fn lists_only_unique_id(reply: &Document) -> bool {
    let Ok(cursor) = reply.get_document("cursor") else { return false };
    let is_complete = matches!(cursor.get("id"), Some(Bson::Int64(0) | Bson::Int32(0)));
    let is_on_id = |index: &Document| index.get_document("key").is_ok_and(|key| key.keys().eq(["_id"]));
    let is_unique = |index: &Document| match index.get("unique") {
        None | Some(Bson::Boolean(false)) => false,
        Some(_) => true,
    };
    let is_allowed = |index: &Bson| index.as_document().is_some_and(|index| is_on_id(index) || !is_unique(index));
    is_complete && cursor.get_array("firstBatch").is_ok_and(|indexes| indexes.iter().all(is_allowed))
}

/// The driver's current client, and the number of clients before it.
struct Current {
    generation: u64,
    client: Client,
}

/// A database, reached through one pool of connections.
pub(super) struct MongoClient {
    /// Taken when this is dropped: a runtime must not be dropped in asynchronous code, but can be shut down there.
    runtime: Option<Runtime>,
    options: ClientOptions,
    database: String,
    /// The names of the domain's collections.
    pub(super) collections: Collections,
    current: Mutex<Option<Current>>,
}

impl MongoClient {
    pub(super) fn new(runtime: Runtime, options: ClientOptions, database: String, collections: Collections) -> Self {
        MongoClient { runtime: Some(runtime), options, database, collections, current: Mutex::new(None) }
    }

    pub(super) fn database(&self) -> &str {
        &self.database
    }

    pub(super) fn options(&self) -> &ClientOptions {
        &self.options
    }

    /// Makes a call and waits for its result, `limit` at most. `doing` is for errors, as in "cannot write answers".
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
        // The channel has room for the reply; after the limit the receiver is gone.
        let task = runtime.spawn(async move { drop(reply.try_send(call.await)) });
        match result.recv_timeout(limit) {
            Ok(result) => result.map_err(|error| unavailable(doing, &error)),
            Err(RecvTimeoutError::Disconnected) => {
                Err(Unavailable::transient(format!("{doing}: the call ended without a result")))
            }
            Err(RecvTimeoutError::Timeout) => {
                task.abort();
                self.replace(generation);
                Err(Unavailable::transient(format!("{doing}: no answer within {} s", limit.as_secs())))
            }
        }
    }

    /// Creates an index, unless it exists.
    pub(super) fn create_index(&self, collection: &'static str, index: Document) -> Result<(), Unavailable> {
        let name = index.get_str("name").unwrap_or_default().to_owned();
        let command = doc! { "createIndexes": collection, "indexes": [index] };
        let doing = format!("cannot make the index {name} on {collection}");
        let refused = self.call(&doing, INDEX_TIMEOUT, |database| async move {
            match database.run_command(command).await {
                Ok(_) => Ok(None),
                // Another index exists or its creation is forbidden: leave it.
                Err(error) if code(&error).is_some_and(|code| INDEX_REFUSED.contains(&code)) => Ok(Some(error)),
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
        self.call(&doing, LIST_TIMEOUT, |database| async move {
            match database.run_command(doc! { "listIndexes": collection }).await {
                Ok(reply) => Ok(lists_only_unique_id(&reply)),
                Err(error) if code(&error) == Some(NAMESPACE_NOT_FOUND) => Ok(true),
                // Unknown: a look-up decides.
                Err(error) if code(&error).is_some_and(|code| LIST_REFUSED.contains(&code)) => Ok(false),
                Err(error) => Err(error),
            }
        })
    }

    fn current(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock()
    }

    /// Returns the driver's client, created at first use. It connects in the background.
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

    /// Replaces the driver's client of a generation, once if several callers do so.
    fn replace(&self, generation: u64) {
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

impl Drop for MongoClient {
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
    fn a_list_of_indexes_shows_whether_only_the_id_is_unique() {
        let reply = |id: i64, index: Document| {
            let on_id = doc! { "v": 2, "key": { "_id": 1 }, "name": "_id_" };
            doc! { "cursor": { "id": id, "ns": "d.c", "firstBatch": [on_id, index] }, "ok": 1.0 }
        };
        let on_uuid = |unique: Bson| doc! { "key": { "UUID": 1 }, "name": "UUID_1", "unique": unique };
        assert!(lists_only_unique_id(&reply(0, doc! { "key": { "UUID": 1 }, "name": "UUID_1" })));
        assert!(lists_only_unique_id(&reply(0, on_uuid(Bson::Boolean(false)))));
        assert!(lists_only_unique_id(&reply(0, doc! { "key": { "_id": 1 }, "name": "_id_", "unique": true })));
        for unique in [Bson::Boolean(true), Bson::Int32(1), Bson::Double(1.0)] {
            assert!(!lists_only_unique_id(&reply(0, on_uuid(unique))));
        }
        assert!(!lists_only_unique_id(&reply(7, doc! { "key": { "UUID": 1 }, "name": "UUID_1" })), "there are more");
        assert!(!lists_only_unique_id(&doc! { "ok": 1.0 }));
    }
}
