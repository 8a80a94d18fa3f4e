//! The real server on a free port, in a thread.

use std::{net::SocketAddr, thread::JoinHandle};

use delaycast_web::{Config, serve};
use server::bind;
use tokio::sync::oneshot;

use super::{TestDoubles, doubles};

pub(crate) struct Server {
    pub(crate) doubles: TestDoubles,
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(config: Config) -> Self {
        Self::with(doubles(config))
    }

    pub(crate) fn with(doubles: TestDoubles) -> Self {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let parts = doubles.parts.clone();
        let run = move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            let shutdown = async move {
                let _ = stopped.await;
            };
            runtime.block_on(serve(listener, parts, shutdown)).unwrap();
        };
        Server { doubles, address, stop: Some(stop), thread: Some(std::thread::spawn(run)) }
    }

    /// Shuts the server down and waits for its end.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
