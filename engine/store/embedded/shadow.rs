//! The answers of shadows, in their own table.

use rusqlite::{Connection, params};

use crate::{
    document::Json,
    domain::Domain,
    shadow::{Comparison, ShadowAnswer},
    sqlite::Row,
};

pub(super) struct ShadowRow {
    id: String,
    shadow: String,
    current: String,
    agrees: bool,
    change: f64,
    scored_at_ms: i64,
    document: String,
}

impl ShadowRow {
    pub(super) fn new<D: Domain>(shadow: &ShadowAnswer<D>) -> Self {
        ShadowRow {
            id: shadow.answer.id().as_str().to_owned(),
            shadow: shadow.answer.model.to_string(),
            current: shadow.current.to_string(),
            agrees: shadow.agrees(),
            change: shadow.change(),
            scored_at_ms: shadow.answer.scored_at.timestamp_millis(),
            // A document is a map of values that all have a JSON form.
            document: serde_json::to_string(&Json(&shadow.to_document())).unwrap_or_default(),
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

/// All that is kept, by the two models.
pub(super) fn compared(connection: &Connection) -> rusqlite::Result<Vec<Comparison>> {
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
