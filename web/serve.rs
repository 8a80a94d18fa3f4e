//! The server: from a listener to its orderly end.

use std::{
    future::Future,
    io,
    net::{SocketAddr, TcpListener},
};

use crate::{
    connections::{self, accept},
    render::BadTemplate,
    routes::routes,
    state::Parts,
};

/// Why the server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address}: is another program using it, and is it an address of this machine? Port 0 takes a free one"
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
    connections::bind(address).map_err(|source| ServeError::Bind { address, source })
}

/// Serves until `shutdown` is ready, then finishes what is under way, within [`Config::drain_within`](crate::Config): a
/// client that keeps its connection busy or silent cannot hold the process.
pub async fn serve(
    listener: TcpListener,
    parts: Parts,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let config = parts.config.clone();
    let routes = routes(parts)?;
    listener.set_nonblocking(true).map_err(ServeError::Listener)?;
    let listener = tokio::net::TcpListener::from_std(listener).map_err(ServeError::Listener)?;
    accept(listener, routes, &config, shutdown).await;
    Ok(())
}
