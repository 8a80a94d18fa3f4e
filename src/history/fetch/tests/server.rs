//! An HTTP server on loopback that does to its clients what it is told to. One request a connection, one at a time.

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

/// What was asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The path, without the leading slash.
    pub path: String,
    headers: BTreeMap<String, String>,
}

impl Request {
    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Where the range begins that is asked for.
    pub fn from(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Only so many bytes of the body are sent.
    sent: usize,
    stalls: bool,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let headers = vec![("Content-Length".to_owned(), body.len().to_string())];
        Reply { status, headers, sent: body.len(), body, stalls: false }
    }

    /// A file as a good server has it: with a tag, and in parts if that is asked for and the tag is still the same.
    pub fn file(request: &Request, bytes: &[u8], etag: &str) -> Self {
        match request.from().filter(|_| request.header("if-range").is_none_or(|tag| tag == etag)) {
            Some(from) => Self::part(from, bytes).header("ETag", etag),
            None => Self::new(200, bytes).header("ETag", etag),
        }
    }

    /// The rest of a file, whatever the condition was.
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

    /// Breaks off after so many bytes of the body.
    pub fn cut(mut self, bytes: usize) -> Self {
        self.sent = bytes.min(self.body.len());
        self
    }

    /// Says nothing more after that, and leaves the connection open.
    pub fn stall(mut self) -> Self {
        self.stalls = true;
        self
    }

    /// Does not say how long it is.
    pub fn without_length(mut self) -> Self {
        self.headers.retain(|(name, _)| name != "Content-Length");
        self
    }

    /// Changes a byte of the body on its way.
    pub fn garbled(mut self, position: usize) -> Self {
        if let Some(byte) = self.body.get_mut(position) {
            *byte ^= 0x55;
        }
        self
    }
}

/// The server; it ends when this is dropped.
pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves on a port of its own.
    pub fn start(mut answer: impl FnMut(&Request) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, over) = (Arc::<Mutex<Vec<Request>>>::default(), Arc::<AtomicBool>::default());
        let (seen, is_over) = (requests.clone(), over.clone());
        let serve = move || {
            let mut stalled = Vec::new();
            for stream in listener.incoming() {
                if is_over.load(Ordering::Acquire) {
                    break;
                }
                // A client may leave at any time.
                let Ok(stream) = stream else { continue };
                let Some(request) = read(&stream) else { continue };
                seen.lock().unwrap().push(request.clone());
                let reply = answer(&request);
                if write(&stream, &reply).is_some() && reply.stalls {
                    stalled.push(stream);
                }
            }
        };
        let thread = Some(thread::spawn(serve));
        Server { address, requests, over, thread }
    }

    /// The folder that it serves.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// What it was asked so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        // Wakes it. If that fails it is gone already.
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
