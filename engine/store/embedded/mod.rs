//! The embedded store: documents by id in an SQLite file. For its rules see [`crate::sqlite`].

mod batches;
mod tail;
mod versions;

use std::{marker::PhantomData, sync::Arc};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use super::{Batches, Lookup, Outcome, Store, Tail};
use crate::{
    address::{Address, OpenError},
    answer::Rejection,
    batch::BatchAnswer,
    delivery::{Unavailable, Writer},
    document::to_text,
    domain::{Answer, Domain},
    finding::Finding,
    follow::{Followed, Version},
    runtime::Mutex,
    shadow::{Comparison, ShadowAnswer},
    sqlite::{Database, Inspector, Row, RowWriter, unavailable},
};

/// The answers and rejections of an embedded database.
pub struct EmbeddedStore<D> {
    database: Arc<Database>,
    domain: PhantomData<D>,
}

impl<D: Domain> EmbeddedStore<D> {
    /// Opens `sqlite:PATH`; creates the file if there is none. The parameters of a log are accepted and have no effect,
    /// so that one URL can name both log and store.
    pub(crate) fn open(address: &Address) -> Result<Self, OpenError> {
        Ok(EmbeddedStore { database: Database::at(address)?, domain: PhantomData })
    }

    /// Opens an existing file.
    pub(crate) fn open_existing(address: &Address) -> Result<Self, OpenError> {
        Ok(EmbeddedStore { database: Database::at_existing(address)?, domain: PhantomData })
    }
}

/// Examines the store that a URL names as [`Store::inspect`] does; creates and changes nothing.
pub(super) fn inspect_at(address: &Address) -> Result<Vec<Finding>, OpenError> {
    Ok(inspect(&Inspector::at(address)?))
}

fn inspect(inspector: &Inspector) -> Vec<Finding> {
    let path = inspector.path().display();
    let mut findings = inspector.findings();
    findings.push(match inspector.answers() {
        Ok(answers) => Finding::ok("store", format!("{path} can be read, and holds {answers} answers")),
        Err(error) => Finding::fail("store", error.to_string(), format!("look after {path}")),
    });
    findings
}

impl<D: Domain> Store<D> for EmbeddedStore<D> {
    fn describe(&self) -> String {
        format!("answers in {}", self.database.path().display())
    }

    fn answers(&self) -> Result<Box<dyn Writer<Answer<D>>>, Unavailable> {
        Ok(Box::new(RowWriter::new(&self.database, AnswerRow::new)))
    }

    fn rejections(&self) -> Result<Box<dyn Writer<Rejection>>, Unavailable> {
        Ok(Box::new(RowWriter::new(&self.database, RejectionRow::new)))
    }

    fn shadows(&self) -> Result<Box<dyn Writer<ShadowAnswer<D>>>, Unavailable> {
        Ok(Box::new(RowWriter::new(&self.database, ShadowRow::new)))
    }

    fn compared(&self) -> Result<Vec<Comparison>, Unavailable> {
        compared(&self.database.connect()?).map_err(|error| unavailable(&error, self.database.path()))
    }

    fn versions(&self) -> Result<Box<dyn Writer<Version<D>>>, Unavailable> {
        Ok(Box::new(RowWriter::new(&self.database, versions::VersionRow::new)))
    }

    fn followed(&self) -> Result<Vec<Followed>, Unavailable> {
        versions::followed(&self.database.connect()?).map_err(|error| unavailable(&error, self.database.path()))
    }

    fn batches(&self) -> Result<Box<dyn Batches>, Unavailable> {
        Ok(Box::new(batches::EmbeddedBatches::new(&self.database)?))
    }

    fn results(&self) -> Result<Box<dyn Writer<BatchAnswer<D>>>, Unavailable> {
        Ok(Box::new(RowWriter::new(&self.database, batches::ResultRow::new)))
    }

    fn lookup(&self) -> Result<Box<dyn Lookup>, Unavailable> {
        let connection = Mutex::new(self.database.connect()?);
        Ok(Box::new(EmbeddedLookup { connection, database: Arc::clone(&self.database) }))
    }

    fn inspect(&self) -> Vec<Finding> {
        match Inspector::open(self.database.path()) {
            Ok(inspector) => inspect(&inspector),
            Err(error) => vec![Finding::fail("store", error.to_string(), "see the file that is named")],
        }
    }

    fn tail(&self, since: DateTime<Utc>) -> Result<Box<dyn Tail<D>>, Unavailable> {
        Ok(Box::new(tail::EmbeddedTail::start(&self.database, since)?))
    }
}

struct AnswerRow {
    id: String,
    document: String,
}

impl AnswerRow {
    fn new<D: Domain>(answer: &Answer<D>) -> Self {
        // A document is a map of values that all have a JSON form.
        let document = to_text(&answer.to_document());
        AnswerRow { id: answer.id().as_str().to_owned(), document }
    }
}

impl Row for AnswerRow {
    fn bytes(&self) -> usize {
        self.id.len() + self.document.len() + size_of::<Self>()
    }

    /// The first answer wins.
    fn insert(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection
            .prepare_cached("INSERT INTO answers (id, document) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING")?
            .execute(params![self.id, self.document])
            .map(drop)
    }
}

struct RejectionRow(Rejection);

impl RejectionRow {
    fn new(rejection: &Rejection) -> Self {
        RejectionRow(rejection.clone())
    }
}

impl Row for RejectionRow {
    fn bytes(&self) -> usize {
        self.0.id.as_str().len() + self.0.reason.len() + size_of::<Self>()
    }

    fn insert(&self, connection: &Connection) -> rusqlite::Result<()> {
        let Rejection { id, reason, rejected_at } = &self.0;
        connection
            .prepare_cached(
                "INSERT INTO rejections (id, reason, rejected_at_ms) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING",
            )?
            .execute(params![id.as_str(), reason, rejected_at.timestamp_millis()])
            .map(drop)
    }
}

struct ShadowRow {
    id: String,
    shadow: String,
    current: String,
    agrees: bool,
    change: f64,
    scored_at_ms: i64,
    document: String,
}

impl ShadowRow {
    fn new<D: Domain>(shadow: &ShadowAnswer<D>) -> Self {
        ShadowRow {
            id: shadow.answer.id().as_str().to_owned(),
            shadow: shadow.answer.model.to_string(),
            current: shadow.current.to_string(),
            agrees: shadow.agrees(),
            change: shadow.change(),
            scored_at_ms: shadow.answer.scored_at.timestamp_millis(),
            // A document is a map of values that all have a JSON form.
            document: to_text(&shadow.to_document()),
        }
    }
}

impl Row for ShadowRow {
    fn bytes(&self) -> usize {
        self.id.len() + self.shadow.len() + self.current.len() + self.document.len() + size_of::<Self>()
    }

    fn insert(&self, connection: &Connection) -> rusqlite::Result<()> {
        let ShadowRow { id, shadow, current, agrees, change, scored_at_ms, document } = self;
        connection
            .prepare_cached(
                "INSERT INTO shadow_answers (id, shadow, current, agrees, change, scored_at_ms, document)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO NOTHING",
            )?
            .execute(params![id, shadow, current, agrees, change, scored_at_ms, document])
            .map(drop)
    }
}

/// Returns the comparisons of all stored shadow answers, by pair of models.
fn compared(connection: &Connection) -> rusqlite::Result<Vec<Comparison>> {
    let mut query = connection.prepare(
        "SELECT shadow, current, count(*), sum(agrees), avg(change) FROM shadow_answers GROUP BY 1, 2 ORDER BY 1, 2",
    )?;
    let rows = query.query_map([], |row| {
        let number = |column| row.get::<_, i64>(column).map(|number| number.unsigned_abs());
        let (compared, agreed) = (number(2)?, number(3)?);
        Ok(Comparison { shadow: row.get(0)?, current: row.get(1)?, compared, agreed, mean_change: row.get(4)? })
    })?;
    rows.collect()
}

/// The mark of a rejection in the result of [`FIND`].
const REJECTED: i64 = 1;
/// The query of a lookup: a prediction outranks a rejection.
const FIND: &str = "SELECT 0, document FROM answers WHERE id = ?1
    UNION ALL SELECT 1, reason FROM rejections WHERE id = ?1 ORDER BY 1 LIMIT 1";

/// Looks up with a connection of its own. It holds the database, which is closed after the last connection.
struct EmbeddedLookup {
    connection: Mutex<Connection>,
    database: Arc<Database>,
}

impl Lookup for EmbeddedLookup {
    fn find(&self, id: &str) -> Result<Option<Outcome>, Unavailable> {
        self.database.intact()?;
        let connection = self.connection.lock();
        let found =
            || connection.prepare_cached(FIND)?.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional();
        match found().map_err(|error| unavailable(&error, self.database.path()))? {
            None => Ok(None),
            Some((REJECTED, reason)) => Ok(Some(Outcome::Rejected(reason))),
            Some((_, document)) => document_of(&document, id).map(Outcome::Answered).map(Some),
        }
    }

    fn versions(&self, id: &str, after: u32) -> Result<Vec<serde_json::Map<String, serde_json::Value>>, Unavailable> {
        self.database.intact()?;
        let found = versions::find(&self.connection.lock(), id, after);
        let documents = found.map_err(|error| unavailable(&error, self.database.path()))?;
        documents.iter().map(|document| document_of(document, id)).collect()
    }
}

fn document_of(document: &str, id: &str) -> Result<serde_json::Map<String, serde_json::Value>, Unavailable> {
    serde_json::from_str(document)
        .map_err(|error| Unavailable::needs_operator(format!("the stored answer to {id} is not JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use crate::{
        store::{
            self, Store,
            promises::{self, rejection},
        },
        testing::{Toy, answer},
    };

    use super::*;

    fn with_store(test: impl FnOnce(&dyn Store<Toy>)) {
        let dir = tempfile::tempdir().unwrap();
        test(&*store::open(&format!("sqlite:{}/test.db", dir.path().display())).unwrap());
    }

    #[test]
    fn promise_1_the_first_answer_wins() {
        with_store(promises::promise_1_the_first_answer_wins);
    }

    #[test]
    fn promise_2_a_refused_row_is_named_and_the_others_land() {
        let too_long = answer("long", &"m".repeat(16 << 20));
        with_store(|store| promises::promise_2_a_refused_row_is_named_and_the_others_land(store, too_long));
    }

    #[test]
    fn promise_2_rows_of_several_parts_keep_their_index() {
        with_store(|store| {
            let mut rejections = store.rejections().unwrap();
            let reason = |n| "r".repeat(if n % 10 == 3 { 1 << 21 } else { 1 << 19 });
            let rows: Vec<_> = (0..30).map(|n| rejection(&n.to_string(), &reason(n))).collect();
            let refusals = rejections.write(&rows).unwrap();
            assert_eq!(refusals.iter().map(|refusal| refusal.row).collect::<Vec<_>>(), [3, 13, 23]);
            assert!(refusals[0].reason.contains("reason_has_at_most_1_mib"), "{}", refusals[0].reason);
        });
    }

    #[test]
    fn promise_3_a_prediction_outranks_a_rejection() {
        with_store(promises::promise_3_a_prediction_outranks_a_rejection);
    }

    #[test]
    fn promise_5_a_tail_yields_every_answer_since_a_timestamp_once() {
        with_store(promises::promise_5_a_tail_yields_every_answer_since_a_timestamp_once);
    }

    #[test]
    fn promise_6_shadow_answers_are_kept_apart() {
        with_store(promises::promise_6_shadow_answers_are_kept_apart);
    }

    #[test]
    fn promise_7_versions_of_followed_answers() {
        with_store(promises::promise_7_versions_are_kept_apart_and_the_first_of_a_number_wins);
        with_store(promises::promise_7_a_followed_request_is_recorded_until_its_last_version);
    }

    #[test]
    fn promise_8_tasks_and_results() {
        with_store(promises::promise_8_the_first_task_and_the_first_result_of_an_id_win);
        with_store(promises::promise_8_pages_of_a_day_yield_each_row_once);
    }

    #[test]
    fn promise_4_answers_are_found_without_a_scan() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("test.db");
        let connection = Database::open(&path).unwrap().connect().unwrap();
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {FIND}")).unwrap();
        let steps = plan.query_map(["id"], |row| row.get(3)).unwrap().collect::<Result<Vec<String>, _>>().unwrap();
        assert_eq!(steps.iter().filter(|step| step.starts_with("SEARCH") && step.contains("(id=?)")).count(), 2);
        assert!(!steps.iter().any(|step| step.starts_with("SCAN")), "{steps:?}");
    }
}
