//! The real server on a free port, on a thread of its own.

use std::{net::SocketAddr, thread::JoinHandle};

use delaycast_web::{Config, bind, serve};
use tokio::sync::oneshot;

use super::{World, world_with_an_in_memory_log_and_store};

pub(crate) struct Server {
    pub(crate) world: World,
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start_with_an_in_memory_log_and_store(config: Config) -> Self {
        let world = world_with_an_in_memory_log_and_store(config);
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let parts = world.parts.clone();
        let run = move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            let shutdown = async move {
                let _ = stopped.await;
            };
            runtime.block_on(serve(listener, parts, shutdown)).unwrap();
        };
        Server { world, address, stop: Some(stop), thread: Some(std::thread::spawn(run)) }
    }

    /// Gives the word to stop and waits for the end.
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
