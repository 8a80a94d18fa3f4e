//! Compressed responses of the real server, and the weight of a first visit.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests count as tests")]

mod common;

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
};

use common::{answer_to, doubles, http_server::Server};
use delaycast::{airports::Route, flight::Code, history::bundled};
use delaycast_web::Config;
use engine::request::RequestId;
use flate2::read::GzDecoder;
use serde_json::json;

const FORM: &str = "/flights/delays/predict_kafka";

/// A response as it is on the wire.
struct Wire {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Its bytes with the head.
    bytes: usize,
}

impl Wire {
    /// The values of a header, separated by commas.
    fn header(&self, name: &str) -> String {
        let values = self.headers.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str());
        values.collect::<Vec<_>>().join(", ")
    }

    fn decoded(&self) -> Vec<u8> {
        match self.header("content-encoding").as_str() {
            "gzip" => {
                let mut decoded = Vec::new();
                GzDecoder::new(&*self.body).read_to_end(&mut decoded).unwrap();
                decoded
            }
            "zstd" => zstd::stream::decode_all(&*self.body).unwrap(),
            "" => self.body.clone(),
            other => panic!("{other} was not asked for"),
        }
    }
}

fn ask(server: &Server, method: &str, path: &str, accept_encoding: Option<&str>, more: &str) -> Wire {
    let mut connection = TcpStream::connect(server.address).unwrap();
    let accept = accept_encoding.map(|accept| format!("Accept-Encoding: {accept}\r\n")).unwrap_or_default();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{accept}{more}\r\n");
    connection.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    let (first, lines) = head.split_once("\r\n").unwrap();
    let status = first.split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.lines().map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_ascii_lowercase(), value.to_owned())
    });
    Wire { status, headers: headers.collect(), body: answer[end + 4..].to_vec(), bytes: answer.len() }
}

fn get(server: &Server, path: &str, accept_encoding: Option<&str>) -> Wire {
    ask(server, "GET", path, accept_encoding, "")
}

/// Puts an answer into the store, and returns its id.
fn answered(server: &Server) -> String {
    let id = RequestId::new("0b6a4a52-62a4-4a3f-9d2e-6f1f0a52d7a1".to_owned()).unwrap();
    let request = json!({
        "UUID": id.as_str(), "Carrier": "AA", "Origin": "ATL", "Dest": "SFO", "FlightDate": "2016-12-25",
        "DepDelay": 5.0, "Timestamp": "2016-12-25T10:00:00.000000",
    });
    let request = delaycast::request::decode(request.to_string().as_bytes()).unwrap();
    server.doubles.store.put(id.as_str(), answer_to(&request));
    id.as_str().to_owned()
}

/// The addresses of the files that a page loads.
fn files_of(html: &str) -> BTreeSet<String> {
    let html = html.replace("&#x3D;", "=");
    html.match_indices("\"/static/").map(|(at, _)| html[at + 1..].split('"').next().unwrap().to_owned()).collect()
}

#[test]
fn each_encoding_decodes_to_the_bytes_without_one() {
    let server = Server::start(Config::default());
    let id = answered(&server);
    let form = get(&server, FORM, None);
    let files = files_of(std::str::from_utf8(&form.body).unwrap());
    assert_eq!(files.len(), 3, "{files:?}");
    let json = format!("/flights/delays/predict/classify_realtime/response/{id}");
    let others = [FORM.to_owned(), format!("{FORM}?id={id}"), json, "/ops.json".to_owned(), "/ops".to_owned()];
    for path in files.into_iter().filter(|path| !path.contains(".svg")).chain(others) {
        let plain = get(&server, &path, None);
        assert_eq!((plain.status, plain.header("content-encoding").as_str()), (200, ""), "{path}");
        for (accept, encoding) in [
            ("gzip, deflate, br, zstd", "zstd"),
            ("gzip, deflate, br", "gzip"),
            ("identity;q=0, gzip;q=0.1", "gzip"),
            ("identity", ""),
            ("identity;q=0", ""),
            ("*;q=0", ""),
        ] {
            let sent = get(&server, &path, Some(accept));
            assert_eq!(sent.header("content-encoding"), encoding, "{path} {accept}");
            assert_eq!(sent.header("content-length"), sent.body.len().to_string(), "{path} {accept}");
            assert!(sent.header("vary").to_ascii_lowercase().contains("accept-encoding"), "{path} {accept}");
            assert_eq!(sent.header("content-type"), plain.header("content-type"), "{path} {accept}");
            if path != "/ops.json" && path != "/ops" {
                assert!(sent.decoded() == plain.body, "{path} {accept}");
            }
            assert!(encoding.is_empty() || sent.body.len() < plain.body.len(), "{path} {accept}");
            let head = ask(&server, "HEAD", &path, Some(accept), "");
            assert!(head.body.is_empty());
            assert_eq!(head.header("content-encoding"), encoding, "HEAD {path} {accept}");
        }
    }
}

#[test]
fn a_file_that_did_not_change_is_not_sent_again_in_any_encoding() {
    let server = Server::start(Config::default());
    for accept in ["gzip", "zstd", "identity"] {
        let first = get(&server, "/static/delaycast.css", Some(accept));
        let tag = format!("If-None-Match: {}\r\n", first.header("etag"));
        for again in ["gzip", "zstd", "identity"] {
            let again = ask(&server, "GET", "/static/delaycast.css", Some(again), &tag);
            assert_eq!((again.status, again.body.len()), (304, 0));
            assert_eq!((again.header("content-encoding"), again.header("etag")), (String::new(), first.header("etag")));
        }
    }
}

#[test]
fn a_stream_of_events_and_a_short_text_are_not_compressed() {
    let server = Server::start(Config::default());
    let mut connection = TcpStream::connect(server.address).unwrap();
    let path = "/flights/delays/predict/classify_realtime/response/0b6a4a52-62a4-4a3f-9d2e-6f1f0a52d7a1/events";
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip, zstd\r\n\r\n");
    connection.write_all(head.as_bytes()).unwrap();
    let (mut answer, mut buffer) = (Vec::new(), [0; 1024]);
    while !answer.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        let read = connection.read(&mut buffer).unwrap();
        assert!(read > 0, "the connection ended");
        answer.extend(&buffer[..read]);
    }
    let head = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    assert!(head.contains("text/event-stream") && !head.contains("content-encoding"), "{head}");
    let short = get(&server, "/flights/delays/predict/classify_realtime/response/none", Some("gzip"));
    assert_eq!((short.status, short.header("content-encoding").as_str()), (200, ""));
}

/// A site of 400 airports: those of the United States with passenger flights are fewer. The form offers all of them.
fn site_of_many_airports() -> Server {
    let mut doubles = doubles(Config::default());
    let airports = bundled().unwrap().airports().unwrap();
    let codes: Vec<Code> = airports.all().filter(|(_, name)| name.is_some()).map(|(code, _)| code).take(400).collect();
    let routes = codes.windows(2).map(|pair| Route { origin: pair[0], dest: pair[1], miles: 500.0 });
    let airports = airports.with_routes(&routes.collect::<Vec<_>>());
    assert!(airports.served().count() >= 400);
    doubles.parts.airports = Arc::new(airports);
    Server::with(doubles)
}

/// The first visit of the form with all files that it loads, by a browser. A phone at 400 kbit/s has 50 kB in a second.
#[test]
fn a_first_visit_weighs_at_most_60_kb_and_a_second_one_a_third_of_that() {
    let server = site_of_many_airports();
    for accept in ["gzip, deflate, br, zstd", "gzip, deflate"] {
        let form = get(&server, FORM, Some(accept));
        let files = files_of(std::str::from_utf8(&form.decoded()).unwrap());
        let mut first = form.bytes;
        for file in &files {
            let sent = get(&server, file, Some(accept));
            assert_eq!(sent.header("cache-control"), "public, max-age=31536000, immutable", "not loaded again: {file}");
            first += sent.bytes;
        }
        println!("{accept}: {first} bytes with {} files, then {} bytes", files.len(), form.bytes);
        assert!(first <= 60_000 && form.bytes <= 20_000, "{accept}: {first} and {} bytes", form.bytes);
    }
}
