//! The versions of a followed answer.

use engine::follow::FollowedVersion;
use serde_json::{Value, json};

use super::{
    call::Call,
    questions::{path_of, read_id},
    reply,
};
use crate::{follow, problem::HandlerResult, query::Query};

/// Upper bound on the number of a version in a query, beyond all that are made.
const NUMBER_MAX: u32 = 999_999;

/// `GET /api/v1/questions/{id}/versions`: the versions with numbers above `after`, in their order.
pub(super) async fn list(call: Call) -> HandlerResult {
    let id = read_id(&call)?;
    let mut query = Query::of_client(&call.query, &["after", "limit"])?;
    let after = query.number("after", 0, NUMBER_MAX).unwrap_or(0);
    let limit = query.limit();
    query.check()?;
    let mut versions = follow::find(&call.state, &id, after).await?;
    let has_more = versions.len() > limit as usize;
    versions.truncate(limit as usize);
    let path = format!("{}/versions", path_of(&id));
    let last = versions.last().filter(|_| has_more).map(|last| FollowedVersion::of(last).number);
    let next = last.map(|last| query.link(&path, &[("after", last), ("limit", limit)]));
    let versions = versions.into_iter().map(Value::Object).collect();
    Ok(reply::list("versions", versions, json!({ "id": id.as_str() }), &query.link(&path, &[]), next))
}

/// `GET /api/v1/questions/{id}/events`: the versions as server-sent events when they land.
pub(super) async fn events(call: Call) -> HandlerResult {
    let id = read_id(&call)?;
    Query::of_client(&call.query, &[])?.check()?;
    follow::stream(id, &call.headers, call.state).await
}
