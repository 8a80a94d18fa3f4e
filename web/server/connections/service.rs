//! The service of one connection: tracks its phase, compresses responses, and marks the last one.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use engine::clock;
use hyper::{
    Request,
    body::{Body, Bytes, Frame, Incoming, SizeHint},
    service::Service,
};
use warp::{
    http::{HeaderValue, header},
    reply::Response,
};

use super::{ConnectionConfig, PeerAddress, table::ConnectionState};
use crate::compression::{Encoding, compress};

/// The routes, for one connection.
pub(super) struct ConnectionService<S> {
    routes: S,
    state: Arc<ConnectionState>,
    peer: PeerAddress,
    opened_at: Instant,
    life_max: Duration,
    requests_max: u64,
    requests: AtomicU64,
}

impl<S> ConnectionService<S> {
    pub(super) fn new(routes: S, state: Arc<ConnectionState>, peer: PeerAddress, config: &ConnectionConfig) -> Self {
        ConnectionService {
            routes,
            state,
            peer,
            opened_at: Instant::now(),
            life_max: config.life_max,
            requests_max: config.requests_max,
            requests: AtomicU64::new(0),
        }
    }
}

impl<S> Service<Request<Incoming>> for ConnectionService<S>
where
    S: Service<Request<TrackedBody>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let is_last = number >= self.requests_max || self.opened_at.elapsed() >= self.life_max;
        let (state, routes) = (Arc::clone(&self.state), self.routes.clone());
        Box::pin(async move {
            // Until then the client is awaited: it has not read the previous response.
            state.drained().await;
            if request.body().is_end_stream() {
                state.set_working();
            } else {
                state.set_waiting();
            }
            let body_state = Arc::clone(&state);
            let encoding = Encoding::of(request.headers());
            let response = routes.call(request.map(|body| TrackedBody { body, state: body_state })).await?;
            let mut response = compress(encoding, response).await;
            let headers = response.headers_mut();
            if is_last {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            if let Some(date) = clock::wall().ok().and_then(http_date) {
                headers.insert(header::DATE, date);
            }
            state.set_waiting();
            Ok(response)
        })
    }
}

/// Formats a moment as an HTTP date (IMF-fixdate).
fn http_date(at: DateTime<Utc>) -> Option<HeaderValue> {
    HeaderValue::from_str(&at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
}

/// A body: while it arrives, the client is awaited.
pub(super) struct TrackedBody {
    body: Incoming,
    state: Arc<ConnectionState>,
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if self.body.is_end_stream() || !matches!(frame, Some(Ok(_))) {
            self.state.set_working();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_has_the_format_of_http() {
        let at = DateTime::from_timestamp(784_111_777, 0).unwrap();
        assert_eq!(http_date(at).unwrap(), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
