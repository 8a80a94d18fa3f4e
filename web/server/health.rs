//! Health and metrics, on a separate port.
//!
//! 1. `/livez` is 200 while the process's threads make progress. 503 means that only a restart helps.
//! 2. `/readyz` is 200 when the process can do its work; otherwise 503, with a line for each dependency that it awaits.
//! 3. `/metrics` is Prometheus text, rendered on request. `/status.json` is the status of the process's scorer: its
//!    workers and dataflows, as the page of operations shows them; 404 without one.
//! 4. There are no other paths, and no methods but GET and HEAD.
//! 5. Connections and their phases are bounded, and idle ones are evicted (see `connections`): probes are served beside
//!    any number of silent, slow or non-reading clients.
//! 6. `Host` is not checked: probes use the address of a pod or a machine. A script of another site, by DNS
//!    rebinding, would read metrics, but no request and no answer.
//!
//! Tests carry the number of the rule that they hold.

use std::{future::Future, net::TcpListener, sync::Arc, time::Duration};

use engine::status::Status;
use serde_json::json;
use warp::{
    Filter,
    filters::{BoxedFilter, path::FullPath},
    http::{HeaderValue, Method, StatusCode, header},
    reply::Response,
};

use crate::connections::{ConnectionConfig, ServeError, serve};

/// The content type of `/metrics`.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// The health of a process. Called on the server's thread, so it must not block for long.
pub trait HealthChecks: Send + Sync + 'static {
    /// Liveness; an error if only a restart helps.
    fn live(&self) -> Result<(), String>;

    /// Readiness: one line for each dependency that is awaited; ready if there is none.
    fn ready(&self) -> Vec<String>;

    /// The metrics in the text format of Prometheus, version 0.0.4.
    fn metrics(&self) -> String;

    /// The status of the scorer of this process, if it has one.
    fn status(&self) -> Option<Status> {
        None
    }
}

/// Serves the paths until `shutdown` is ready, within the bounds of a port for probes. Runs on
/// a tokio runtime; one thread suffices.
pub async fn serve_health(
    listener: TcpListener,
    checks: Arc<dyn HealthChecks>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let config = ConnectionConfig {
        connections_max: 64,
        address_share: 16,
        head_within: Duration::from_secs(10),
        write_within: Duration::from_secs(10),
        requests_max: 100,
        // Responses are short, and all are made by one thread.
        kernel_buffer_bytes: 16 << 10,
        drain_within: Duration::from_secs(1),
        ..ConnectionConfig::default()
    };
    serve(listener, health_routes(checks), &config, shutdown).await
}

/// Returns the routes of the health port. They respond to every path, so they come after other routes.
pub fn health_routes(checks: Arc<dyn HealthChecks>) -> BoxedFilter<(Response,)> {
    let answer = move |method: Method, path: FullPath| answer(&*checks, &method, path.as_str());
    warp::method().and(warp::path::full()).map(answer).boxed()
}

fn answer(checks: &dyn HealthChecks, method: &Method, path: &str) -> Response {
    let known = ["/livez", "/readyz", "/metrics", "/status.json"].contains(&path);
    if known && method != Method::GET && method != Method::HEAD {
        let mut response = say(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD\n".into());
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let lines_or_ok = |lines: &[String]| match lines {
        [] => say(StatusCode::OK, TEXT, "ok\n".into()),
        _ => say(StatusCode::SERVICE_UNAVAILABLE, TEXT, lines.iter().map(|line| one_line(line) + "\n").collect()),
    };
    match path {
        "/livez" => lines_or_ok(&checks.live().err().into_iter().collect::<Vec<_>>()),
        "/readyz" => lines_or_ok(&checks.ready()),
        "/metrics" => say(StatusCode::OK, EXPOSITION, checks.metrics()),
        "/status.json" => match checks.status() {
            Some(status) => say(StatusCode::OK, "application/json", json!(status).to_string()),
            None => say(StatusCode::NOT_FOUND, TEXT, "this process has no scorer\n".into()),
        },
        _ => say(StatusCode::NOT_FOUND, TEXT, "there are /livez, /readyz, /metrics and /status.json\n".into()),
    }
}

/// Removes line breaks: a reason may come from another system.
fn one_line(text: &str) -> String {
    text.split(['\n', '\r']).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

fn say(status: StatusCode, content_type: &'static str, body: String) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests;
