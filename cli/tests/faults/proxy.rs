//! A proxy between a scorer and its store that injects faults: MongoDB's wire protocol, OP_MSG with one document.
//! Source: MongoDB Wire Protocol, message header and OP_MSG.

use std::{
    collections::HashMap,
    io::{self, Cursor, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use mongodb::bson::{Array, Bson, Document, doc};

const HEADER_BYTES: usize = 16;
const OP_MSG: i32 = 2013;
/// Bytes before the document: flags and the kind of the section.
const BODY_AT: usize = HEADER_BYTES + 5;
/// The error code DocumentValidationFailure.
const REFUSED: i32 = 121;

/// A fault that the proxy injects.
#[derive(Clone)]
pub(crate) enum Fault {
    /// Every reply is delayed by this.
    Delay(Duration),
    /// The document with this `_id` is refused permanently.
    Refuse(String),
}

/// Pending inserts from which a document was removed: the request id, and the index of the document.
type TakenOut = Arc<Mutex<HashMap<i32, i32>>>;

/// Listens until the process ends. Each connection has two threads.
pub(crate) struct Proxy {
    port: u16,
    faults: Arc<AtomicUsize>,
}

impl Proxy {
    pub(crate) fn start(server: u16, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, faults) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&faults);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(("127.0.0.1", server)).unwrap());
                connect(client, server, &fault, &count);
            }
        });
        Proxy { port, faults }
    }

    /// Returns the URL of this database through the proxy.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("mongodb://127.0.0.1:{}/{database}", self.port)
    }

    /// Returns the number of replies with a fault.
    pub(crate) fn faults(&self) -> usize {
        self.faults.load(Ordering::Acquire)
    }
}

fn connect(client: TcpStream, server: TcpStream, fault: &Fault, count: &Arc<AtomicUsize>) {
    let taken_out = TakenOut::default();
    let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (pending, request_fault) = (Arc::clone(&taken_out), fault.clone());
    thread::spawn(move || forward(from, to, |message| request(message, &request_fault, &pending)));
    let (fault, count) = (fault.clone(), Arc::clone(count));
    thread::spawn(move || forward(server, client, |message| reply(message, &fault, &taken_out, &count)));
}

/// Forwards messages, each after `change`, until either end closes.
fn forward(mut from: TcpStream, mut to: TcpStream, mut change: impl FnMut(&mut Vec<u8>)) {
    let mut pass_one = || -> io::Result<()> {
        let mut message = vec![0; HEADER_BYTES];
        from.read_exact(&mut message)?;
        let length = i32::from_le_bytes(message[..4].try_into().unwrap()) as usize;
        message.resize(length, 0);
        from.read_exact(&mut message[HEADER_BYTES..])?;
        change(&mut message);
        to.write_all(&message)
    };
    while pass_one().is_ok() {}
    let _ = (from.shutdown(std::net::Shutdown::Both), to.shutdown(std::net::Shutdown::Both));
}

fn number(message: &[u8], at: usize) -> i32 {
    i32::from_le_bytes(message[at..at + 4].try_into().unwrap())
}

/// Returns the document of an OP_MSG with one section.
fn body(message: &[u8]) -> Option<Document> {
    if number(message, 12) != OP_MSG || message[BODY_AT - 1] != 0 {
        return None;
    }
    Document::from_reader(Cursor::new(&message[BODY_AT..])).ok()
}

fn replace_body(message: &mut Vec<u8>, body: &Document) {
    message.truncate(BODY_AT);
    body.to_writer(&mut *message).unwrap();
    let length = (message.len() as i32).to_le_bytes();
    message[..4].copy_from_slice(&length);
}

fn request(message: &mut Vec<u8>, fault: &Fault, taken_out: &TakenOut) {
    let (Fault::Refuse(id), Some(mut body)) = (fault, body(message)) else { return };
    if !body.get_str("insert").is_ok_and(|collection| collection.ends_with("_response")) {
        return;
    }
    let documents = body.get_array_mut("documents").unwrap();
    let is_it = |document: &Bson| document.as_document().and_then(|it| it.get_str("_id").ok()) == Some(id);
    if let Some(index) = documents.iter().position(is_it) {
        documents.remove(index);
        if documents.is_empty() {
            // An insert without documents is an error, so a command without effect replaces it.
            body = doc! { "ping": 1, "$db": body.get_str("$db").unwrap() };
        }
        taken_out.lock().unwrap().insert(number(message, 4), index as i32);
        replace_body(message, &body);
    }
}

fn reply(message: &mut Vec<u8>, fault: &Fault, taken_out: &TakenOut, count: &AtomicUsize) {
    match fault {
        Fault::Delay(delay) => {
            thread::sleep(*delay);
            count.fetch_add(1, Ordering::AcqRel);
        }
        Fault::Refuse(_) => {
            let Some(index) = taken_out.lock().unwrap().remove(&number(message, 8)) else { return };
            let mut body = body(message).unwrap();
            body.entry("n".to_owned()).or_insert(Bson::Int32(0));
            let mut errors: Array = body.get_array("writeErrors").cloned().unwrap_or_default();
            for error in &mut errors {
                let error = error.as_document_mut().unwrap();
                let at = error.get_i32("index").unwrap();
                error.insert("index", at + i32::from(at >= index));
            }
            errors.push(doc! { "index": index, "code": REFUSED, "errmsg": "Document failed validation" }.into());
            body.insert("writeErrors", errors);
            replace_body(message, &body);
            count.fetch_add(1, Ordering::AcqRel);
        }
    }
}
