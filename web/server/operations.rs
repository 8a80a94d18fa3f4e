//! The state of the system as plain data, and `/ops.json`, its JSON.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use engine::status::{Status, Wait};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::json;
use warp::{
    Filter, Rejection,
    http::{HeaderValue, header},
    reply::Response,
};

use crate::samples::Sample;

/// A source of the system's state.
pub trait Operations: Send + Sync {
    /// Returns the present state. Never blocks.
    fn now(&self) -> OperationsStatus;

    /// Returns the samples of the last hour, oldest first. Never blocks.
    fn samples(&self) -> Vec<Sample> {
        Vec::new()
    }

    /// Returns the state of the scorers, if it is known here. Never blocks.
    fn scorers(&self) -> Option<Status> {
        None
    }
}

/// The state of the system at a moment.
#[derive(Debug, Clone, Default, Serialize)]
pub struct OperationsStatus {
    /// The moment; `None` before the first count.
    pub at: Option<DateTime<Utc>>,
    /// Length of the window that is counted, in seconds.
    pub window_s: u64,
    /// Lag of the counts behind the store; `None` while the window is being read for the first time.
    pub behind_s: Option<u64>,
    /// Messages read and not yet durable as answer or dead letter; `None` without a scorer in this process.
    pub in_flight: Option<u64>,
    /// Messages of the log that are not yet committed; `None` without a scorer in this process.
    pub lag: Option<u64>,
    /// The dependencies that do not serve.
    pub waiting: Vec<Wait>,
    /// The answers.
    pub answers: AnswerCounts,
    /// The dead letters of requests.
    pub dead_letters: DeadLetterCounts,
    /// The dead letters of events, if the domain has some and their log is known here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letters_of_events: Option<DeadLetterCounts>,
}

/// Answers in the window. In JSON each breakdown is a field `by_DIMENSION`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct AnswerCounts {
    /// All.
    pub total: u64,
    /// Rate per second over the last 10 full seconds.
    pub per_second_10_s: f64,
    /// Rate per second over the last 60 full seconds.
    pub per_second_60_s: f64,
    /// The counts by each dimension, in the order of the JSON.
    #[serde(flatten, serialize_with = "by_dimension")]
    pub breakdowns: Vec<Breakdown>,
}

/// The counts of answers by one dimension: the model, the hour, or one of the domain's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breakdown {
    /// The dimension's name.
    pub dimension: &'static str,
    /// The counts.
    pub counts: Vec<NamedCount>,
}

/// Dead letters in the window.
#[derive(Debug, Clone, Default, Serialize)]
pub struct DeadLetterCounts {
    /// All.
    pub total: u64,
    /// By reason, largest first.
    pub by_reason: Vec<NamedCount>,
    /// By the hour of their detection, latest first.
    pub by_hour: Vec<NamedCount>,
}

/// The count of a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamedCount {
    /// The name.
    pub name: String,
    /// The count.
    pub count: u64,
}

impl AnswerCounts {
    /// Returns the counts by a dimension; none if it is unknown.
    pub fn by(&self, dimension: &str) -> &[NamedCount] {
        let found = self.breakdowns.iter().find(|breakdown| breakdown.dimension == dimension);
        found.map_or(&[], |breakdown| &breakdown.counts)
    }
}

fn by_dimension<S: Serializer>(breakdowns: &[Breakdown], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(breakdowns.len()))?;
    for Breakdown { dimension, counts } in breakdowns {
        map.serialize_entry(&format!("by_{dimension}"), counts)?;
    }
    map.end()
}

/// Returns the state as a JSON response that no cache keeps.
pub fn operations_json(operations: &dyn Operations) -> Response {
    let mut response = Response::new(json!(operations.now()).to_string().into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    response
}

/// Returns the route `GET /ops.json`.
pub fn operations_route(
    operations: Arc<dyn Operations>,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone {
    let read = warp::get().or(warp::head()).unify();
    warp::path!("ops.json").and(read).map(move || operations_json(&*operations))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Busy;

    impl Operations for Busy {
        fn now(&self) -> OperationsStatus {
            let counts = |name: &str, count| vec![NamedCount { name: name.into(), count }];
            OperationsStatus {
                at: DateTime::from_timestamp(1_700_000_000, 0),
                window_s: 60,
                lag: Some(2),
                waiting: vec![Wait { what: "the store".into(), for_s: 3 }],
                answers: AnswerCounts {
                    total: 4,
                    per_second_10_s: 0.4,
                    breakdowns: vec![
                        Breakdown { dimension: "risk", counts: counts("high", 4) },
                        Breakdown { dimension: "hour", counts: vec![] },
                    ],
                    ..AnswerCounts::default()
                },
                dead_letters: DeadLetterCounts { total: 1, by_reason: counts("not JSON", 1), by_hour: vec![] },
                ..OperationsStatus::default()
            }
        }
    }

    #[tokio::test]
    async fn the_state_is_served_as_json_with_a_field_for_each_dimension() {
        let route = operations_route(Arc::new(Busy));
        let response = warp::test::request().path("/ops.json").reply(&route).await;
        let expected = "{\"at\":\"2023-11-14T22:13:20Z\",\"window_s\":60,\"behind_s\":null,\"in_flight\":null,\"lag\":2,\
            \"waiting\":[{\"what\":\"the store\",\"for_s\":3}],\
            \"answers\":{\"total\":4,\"per_second_10_s\":0.4,\"per_second_60_s\":0.0,\
            \"by_risk\":[{\"name\":\"high\",\"count\":4}],\"by_hour\":[]},\
            \"dead_letters\":{\"total\":1,\"by_reason\":[{\"name\":\"not JSON\",\"count\":1}],\"by_hour\":[]}}";
        assert_eq!(std::str::from_utf8(response.body()).unwrap(), expected);
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &"application/json".parse().unwrap())
        );
        assert_eq!(warp::test::request().method("POST").path("/ops.json").reply(&route).await.status(), 405);
    }
}
