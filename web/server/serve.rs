//! The server: from a listener to its shutdown.

use std::{
    future::Future,
    io,
    net::{SocketAddr, TcpListener},
};

use warp::{filters::BoxedFilter, reply::Response};

use crate::connections::{self, accept, config::ConnectionConfig};

/// The server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address}: is another program using it, and is it an address of this machine? Port 0 takes a free one"
    )]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The listener cannot be used.
    #[error("cannot use the listener")]
    Listener(#[source] io::Error),
}

/// Listens on an address. warp would panic if the port is taken.
pub fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    connections::bind(address).map_err(|source| ServeError::Bind { address, source })
}

/// Serves until `shutdown` is ready, then finishes requests in flight, within [`ConnectionConfig::drain_within`]:
/// a client that keeps its connection busy or silent cannot delay the process's end.
pub async fn serve(
    listener: TcpListener,
    routes: BoxedFilter<(Response,)>,
    config: &ConnectionConfig,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    listener.set_nonblocking(true).map_err(ServeError::Listener)?;
    let listener = tokio::net::TcpListener::from_std(listener).map_err(ServeError::Listener)?;
    accept(listener, routes, config, shutdown).await;
    Ok(())
}
