//! An HTTP server for any domain: bounded connections, health, metrics, and the state of operations as JSON.
//!
//! It serves the routes that it is given, and knows neither pages nor what a request asks.
//!
//! ```no_run
//! # use std::{future::pending, sync::Arc};
//! # use server::{ConnectionConfig, HealthChecks, Operations, ServeError};
//! # use server::{bind, health_routes, operations_route, serve};
//! # async fn run(checks: Arc<dyn HealthChecks>, operations: Arc<dyn Operations>) -> Result<(), ServeError> {
//! use warp::Filter;
//!
//! let listener = bind("127.0.0.1:9090".parse().unwrap())?;
//! let routes = operations_route(operations).or(health_routes(checks)).unify().boxed();
//! serve(listener, routes, &ConnectionConfig::default(), pending()).await
//! # }
//! ```
//!
//! # Layout
//!
//! * [`bind`], [`serve()`]: from a listener to the shutdown; `connections`: the bounds on connections, as numbered
//!   rules.
//! * [`serve_health`], [`HealthChecks`]: `/livez`, `/readyz` and `/metrics`.
//! * [`operations_route`], [`Operations`]: `/ops.json`, counts by the dimensions of a domain; [`Samples`]: an hour of
//!   them, for charts.
//! * `compression`: every response as its client can read it; [`Encoding`] for those that are compressed once.
//! * [`AllowedHosts`]: the guard against DNS rebinding; [`Accepts`], [`preferred_language`]: content negotiation.

mod accept;
mod allowed_hosts;
mod compression;
mod connections;
mod health;
mod language;
mod operations;
mod quality;
mod samples;

pub use accept::{Accepts, HTML};
pub use allowed_hosts::{AllowedHosts, HostError, HostName};
pub use compression::{Effort, Encoding};
pub use connections::{ConnectionConfig, PeerAddress, ServeError, bind, serve, table::DropCounters};
pub use health::{HealthChecks, health_routes, serve_health};
pub use language::preferred_language;
pub use operations::{
    AnswerCounts, Breakdown, DeadLetterCounts, NamedCount, Operations, OperationsStatus, operations_json,
    operations_route,
};
pub use samples::{SAMPLE_INTERVAL_S, SAMPLES_MAX, Sample, Samples};
