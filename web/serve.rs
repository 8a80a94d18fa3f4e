//! The server: from a listener to its orderly end.

use std::{
    future::Future,
    io,
    net::{SocketAddr, TcpListener},
};

use tokio::sync::oneshot;

use crate::{filters::routes, render::BadTemplate, site::Parts};

/// Why the server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address}: is another program using it? Choose another address, or port 0 for a free one"
    )]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The listener cannot be used.
    #[error("cannot use the listener")]
    Listener(#[source] io::Error),
    /// A page cannot be made.
    #[error(transparent)]
    Template(#[from] BadTemplate),
}

/// Listens on an address. warp would panic if the port is taken; this says so.
pub fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).map_err(|source| ServeError::Bind { address, source })
}

/// Serves until `shutdown` is ready, then finishes what is under way, within [`Config::drain_within`](crate::Config): a
/// client that keeps its connection busy or silent cannot hold the process.
pub async fn serve(
    listener: TcpListener,
    parts: Parts,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let drain_within = parts.config.drain_within;
    let routes = routes(parts)?;
    listener.set_nonblocking(true).map_err(ServeError::Listener)?;
    let listener = tokio::net::TcpListener::from_std(listener).map_err(ServeError::Listener)?;
    let (stopping, stopped) = oneshot::channel();
    let signal = async move {
        shutdown.await;
        // The receiver lives as long as the server.
        let _ = stopping.send(());
    };
    let deadline = async {
        let _ = stopped.await;
        tokio::time::sleep(drain_within).await;
    };
    tokio::select! {
        () = warp::serve(routes).incoming(listener).graceful(signal).run() => {}
        () = deadline => tracing::warn!("connections were still open {drain_within:?} after the word to stop; they are cut"),
    }
    Ok(())
}
