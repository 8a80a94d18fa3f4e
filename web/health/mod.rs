//! Health and metrics, on a port of its own.
//!
//! 1. `/livez` is 200 while the process's own threads turn. 503 means that only a new start helps.
//! 2. `/readyz` is 200 when the process can do its work; else 503, with one line for each thing that is waited for.
//! 3. `/metrics` is Prometheus text. It is made when it is asked for.
//! 4. Nothing else is there, and nothing is taken: GET and HEAD alone.
//! 5. As on the page's port, connections and their phases are bounded, and one that keeps us waiting is dropped to make
//!    room (see `connections`): probes are served, however many clients are silent, slow, or never read.
//! 6. `Host` is not checked: probes come by the address of a pod or a machine. A script of another site that got here
//!    by DNS rebinding would read numbers of operation, no request and no answer.
//!
//! Tests carry the number of the rule that they hold.

use std::{future::Future, net::TcpListener, sync::Arc, time::Duration};

use warp::{
    Filter,
    filters::{BoxedFilter, path::FullPath},
    http::{HeaderValue, Method, StatusCode, header},
    reply::Response,
};

use crate::{Config, ServeError, connections};

/// What `/metrics` is sent as.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// How a process is. Asked on the server's own thread, so nothing here may block for long.
pub trait Vitals: Send + Sync + 'static {
    /// Why the process can only be started again, if so.
    fn live(&self) -> Result<(), String>;

    /// What is waited for, a line each; ready if there is nothing.
    fn ready(&self) -> Vec<String>;

    /// The metrics, in the text format of Prometheus, version 0.0.4.
    fn metrics(&self) -> String;
}

/// Serves `/livez`, `/readyz` and `/metrics` until `shutdown` is ready. Wants a tokio runtime around it; one thread will do.
pub async fn serve_health(
    listener: TcpListener,
    vitals: Arc<dyn Vitals>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let bounds = Config {
        connections_max: 64,
        address_share: 16,
        head_within: Duration::from_secs(10),
        write_within: Duration::from_secs(10),
        requests_max: 100,
        // The answers are short, and one thread makes them all.
        kernel_buffer_bytes: 16 << 10,
        drain_within: Duration::from_secs(1),
        ..Config::default()
    };
    listener.set_nonblocking(true).map_err(ServeError::Listener)?;
    let listener = tokio::net::TcpListener::from_std(listener).map_err(ServeError::Listener)?;
    connections::accept(listener, routes(vitals), &bounds, shutdown).await;
    Ok(())
}

fn routes(vitals: Arc<dyn Vitals>) -> BoxedFilter<(Response,)> {
    let answer = move |method: Method, path: FullPath| answer(&*vitals, &method, path.as_str());
    warp::method().and(warp::path::full()).map(answer).boxed()
}

fn answer(vitals: &dyn Vitals, method: &Method, path: &str) -> Response {
    let known = ["/livez", "/readyz", "/metrics"].contains(&path);
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
        "/livez" => lines_or_ok(&vitals.live().err().into_iter().collect::<Vec<_>>()),
        "/readyz" => lines_or_ok(&vitals.ready()),
        "/metrics" => say(StatusCode::OK, EXPOSITION, vitals.metrics()),
        _ => say(StatusCode::NOT_FOUND, TEXT, "there are /livez, /readyz and /metrics\n".into()),
    }
}

/// A reason may come from far away, with line breaks in it.
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
