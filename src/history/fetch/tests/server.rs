//! An HTTP server on loopback with scripted answers and faults. It serves one request at a time, each on its
//! connection.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The path, without the leading slash.
    pub path: String,
    headers: BTreeMap<String, String>,
}

impl Request {
    /// Returns a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Returns the first byte of the requested range.
    pub fn range_start(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Number of bytes of the body that are sent.
    sent: usize,
    stalls: bool,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let headers = vec![("Content-Length".to_owned(), body.len().to_string())];
        Reply { status, headers, sent: body.len(), body, stalls: false }
    }

    /// Serves a file correctly: with a tag, and as a part if a range is requested and the tag matches.
    pub fn file(request: &Request, bytes: &[u8], etag: &str) -> Self {
        match request.range_start().filter(|_| request.header("if-range").is_none_or(|tag| tag == etag)) {
            Some(from) => Self::part(from, bytes).header("ETag", etag),
            None => Self::new(200, bytes).header("ETag", etag),
        }
    }

    /// Serves the rest of a file and ignores the condition.
    pub fn part(from: usize, bytes: &[u8]) -> Self {
        if from >= bytes.len() {
            return Self::new(416, "").header("Content-Range", format!("bytes */{}", bytes.len()));
        }
        let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
        Self::new(206, &bytes[from..]).header("Content-Range", range)
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Closes the connection after this many bytes of the body.
    pub fn truncate(mut self, bytes: usize) -> Self {
        self.sent = bytes.min(self.body.len());
        self
    }

    /// Sends nothing more after that, and leaves the connection open.
    pub fn stall(mut self) -> Self {
        self.stalls = true;
        self
    }

    /// Removes the length.
    pub fn without_length(mut self) -> Self {
        self.headers.retain(|(name, _)| name != "Content-Length");
        self
    }

    /// Changes a byte of the body.
    pub fn corrupt(mut self, position: usize) -> Self {
        if let Some(byte) = self.body.get_mut(position) {
            *byte ^= 0x55;
        }
        self
    }
}

/// A server. It ends when it is dropped.
pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    is_stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves on a free port.
    pub fn start(mut answer: impl FnMut(&Request) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, is_stopped) = (Arc::<Mutex<Vec<Request>>>::default(), Arc::<AtomicBool>::default());
        let (received, stopped) = (requests.clone(), is_stopped.clone());
        let serve = move || {
            let mut stalled = Vec::new();
            for stream in listener.incoming() {
                if stopped.load(Ordering::Acquire) {
                    break;
                }
                // A client may disconnect at any time.
                let Ok(stream) = stream else { continue };
                let Some(request) = read(&stream) else { continue };
                received.lock().unwrap().push(request.clone());
                let reply = answer(&request);
                if write(&stream, &reply).is_some() && reply.stalls {
                    stalled.push(stream);
                }
            }
        };
        let thread = Some(thread::spawn(serve));
        Server { address, requests, is_stopped, thread }
    }

    /// Returns the URL of the folder.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Returns the requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Release);
        // The connection ends its accept. If it fails, the thread has ended already.
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines();
    let path = lines.next()?.ok()?.strip_prefix("GET /")?.split(' ').next()?.to_owned();
    let mut headers = BTreeMap::new();
    for line in lines {
        let line = line.ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    Some(Request { path, headers })
}

fn write(mut stream: &TcpStream, reply: &Reply) -> Option<()> {
    let mut head = format!("HTTP/1.1 {} -\r\nConnection: close\r\n", reply.status);
    reply.headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
    stream.write_all(format!("{head}\r\n").as_bytes()).ok()?;
    stream.write_all(&reply.body[..reply.sent]).ok()
}
