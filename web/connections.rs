//! Accepting connections, with a bound on how many there are and how long a silent one stays.
//!
//! warp's own server has neither: enough idle sockets would shut everybody out. It also logs whatever garbage a client
//! sends as an error of ours.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore, time::sleep};
use warp::{filters::BoxedFilter, reply::Response};

use crate::Config;

/// How long to wait after the system could not give us a connection, as when files run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves connections until `shutdown` is ready; then finishes the requests under way, within [`Config::drain_within`].
pub(crate) async fn accept(
    listener: TcpListener,
    routes: BoxedFilter<(Response,)>,
    config: &Config,
    shutdown: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    // The time runs while a connection is idle between requests, too.
    http.timer(TokioTimer::new()).header_read_timeout(config.head_within);
    let service = TowerToHyperService::new(warp::service(routes));
    let (graceful, permits) = (GracefulShutdown::new(), Arc::new(Semaphore::new(config.connections_max)));
    let mut shutdown = pin!(shutdown);
    loop {
        let next = async { (Arc::clone(&permits).acquire_owned().await, listener.accept().await) };
        let (permit, accepted) = tokio::select! {
            next = next => next,
            () = &mut shutdown => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!("cannot accept a connection: {error}");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Answers are small, and each waits for none after it. Where it cannot be set, they are later, not wrong.
        let _ = stream.set_nodelay(true);
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service.clone()));
        tokio::spawn(async move {
            let _permit = permit;
            if let Err(error) = connection.await {
                tracing::debug!("a connection ended: {error}");
            }
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = sleep(config.drain_within) => {
            tracing::warn!("connections were still open {:?} after the word to stop; they are cut", config.drain_within);
        }
    }
}
