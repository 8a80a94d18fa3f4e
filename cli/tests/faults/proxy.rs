//! Stands between a scorer and its store, and makes trouble: MongoDB's wire protocol, OP_MSG with one document.
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
/// Flags and the kind of the one section stand before the document.
const BODY_AT: usize = HEADER_BYTES + 5;
/// DocumentValidationFailure.
const REFUSED: i32 = 121;

/// What it does.
#[derive(Clone)]
pub(crate) enum Trouble {
    /// Every reply comes so much later.
    Delay(Duration),
    /// The document with this `_id` is refused for good.
    Refuse(String),
}

/// Inserts on their way from which a document was taken out: the request's number, and which document it was.
type TakenOut = Arc<Mutex<HashMap<i32, i32>>>;

/// Listens until the process ends; there is one connection's worth of threads for each connection.
pub(crate) struct Proxy {
    port: u16,
    troubled: Arc<AtomicUsize>,
}

impl Proxy {
    pub(crate) fn start(server: u16, trouble: Trouble) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, troubled) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&troubled);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(("127.0.0.1", server)).unwrap());
                connect(client, server, &trouble, &count);
            }
        });
        Proxy { port, troubled }
    }

    /// The database of this name, through the proxy.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("mongodb://127.0.0.1:{}/{database}", self.port)
    }

    /// How many replies were troubled.
    pub(crate) fn troubled(&self) -> usize {
        self.troubled.load(Ordering::Acquire)
    }
}

fn connect(client: TcpStream, server: TcpStream, trouble: &Trouble, count: &Arc<AtomicUsize>) {
    let taken_out = TakenOut::default();
    let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (asked, trouble_asked) = (Arc::clone(&taken_out), trouble.clone());
    thread::spawn(move || pass(from, to, |message| request(message, &trouble_asked, &asked)));
    let (trouble, count) = (trouble.clone(), Arc::clone(count));
    thread::spawn(move || pass(server, client, |message| reply(message, &trouble, &taken_out, &count)));
}

/// Passes messages on, each changed as it may be, until either end is gone.
fn pass(mut from: TcpStream, mut to: TcpStream, mut change: impl FnMut(&mut Vec<u8>)) {
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

/// The document of an OP_MSG that has one section.
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

fn request(message: &mut Vec<u8>, trouble: &Trouble, taken_out: &TakenOut) {
    let (Trouble::Refuse(id), Some(mut body)) = (trouble, body(message)) else { return };
    if !body.get_str("insert").is_ok_and(|collection| collection.ends_with("_response")) {
        return;
    }
    let documents = body.get_array_mut("documents").unwrap();
    let is_it = |document: &Bson| document.as_document().and_then(|it| it.get_str("_id").ok()) == Some(id);
    if let Some(index) = documents.iter().position(is_it) {
        documents.remove(index);
        if documents.is_empty() {
            // An insert of nothing is refused as such: so another one is made of it, that does nothing.
            body = doc! { "ping": 1, "$db": body.get_str("$db").unwrap() };
        }
        taken_out.lock().unwrap().insert(number(message, 4), index as i32);
        replace_body(message, &body);
    }
}

fn reply(message: &mut Vec<u8>, trouble: &Trouble, taken_out: &TakenOut, count: &AtomicUsize) {
    match trouble {
        Trouble::Delay(delay) => {
            thread::sleep(*delay);
            count.fetch_add(1, Ordering::AcqRel);
        }
        Trouble::Refuse(_) => {
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
