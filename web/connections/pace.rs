//! The service of one connection: it keeps the connection's turn, and marks the last response.

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
use delaycast::clock;
use hyper::{
    Request,
    body::{Body, Bytes, Frame, Incoming, SizeHint},
    service::Service,
};
use warp::{
    http::{HeaderValue, header},
    reply::Response,
};

use super::table::Turn;
use crate::Config;

/// The routes, as one connection calls them.
pub(super) struct Paced<S> {
    routes: S,
    turn: Arc<Turn>,
    opened_at: Instant,
    life_max: Duration,
    requests_max: u64,
    requests: AtomicU64,
}

impl<S> Paced<S> {
    pub(super) fn new(routes: S, turn: Arc<Turn>, config: &Config) -> Self {
        Paced {
            routes,
            turn,
            opened_at: Instant::now(),
            life_max: config.life_max,
            requests_max: config.requests_max,
            requests: AtomicU64::new(0),
        }
    }
}

impl<S> Service<Request<Incoming>> for Paced<S>
where
    S: Service<Request<Timed>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let is_last = number >= self.requests_max || self.opened_at.elapsed() >= self.life_max;
        let (turn, routes) = (Arc::clone(&self.turn), self.routes.clone());
        Box::pin(async move {
            // Until then the client is waited for: it does not take the response before.
            turn.unblocked().await;
            if request.body().is_end_stream() {
                turn.is_ours();
            } else {
                turn.is_clients();
            }
            let body_turn = Arc::clone(&turn);
            let mut response = routes.call(request.map(|body| Timed { body, turn: body_turn })).await?;
            let headers = response.headers_mut();
            if is_last {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            if let Some(date) = clock::wall().ok().and_then(http_date) {
                headers.insert(header::DATE, date);
            }
            turn.is_clients();
            Ok(response)
        })
    }
}

/// A moment as HTTP says it (IMF-fixdate).
fn http_date(at: DateTime<Utc>) -> Option<HeaderValue> {
    HeaderValue::from_str(&at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
}

/// A body: while it arrives, the client is waited for.
pub(super) struct Timed {
    body: Incoming,
    turn: Arc<Turn>,
}

impl Body for Timed {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if self.body.is_end_stream() || !matches!(frame, Some(Ok(_))) {
            self.turn.is_ours();
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
    fn a_date_is_written_as_http_writes_it() {
        let at = DateTime::from_timestamp(784_111_777, 0).unwrap();
        assert_eq!(http_date(at).unwrap(), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
