//! The files of `static/`, compiled in.
//!
//! Pages name a file together with its version (`?v=`), so that browsers may keep it for a year; asked for without it,
//! a file is checked by its ETag every time.

use std::sync::LazyLock;

use serde::Serialize;
use sha2::{Digest, Sha256};
use warp::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    reply::Response,
};

use crate::problem::{Handled, Problem};

struct File {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
    /// The first 16 hexadecimal digits of the content's SHA-256.
    version: String,
}

static FILES: LazyLock<[File; 4]> = LazyLock::new(|| {
    [
        file("delaycast.css", "text/css; charset=utf-8", include_bytes!("static/delaycast.css")),
        file("delaycast.js", "text/javascript; charset=utf-8", include_bytes!("static/delaycast.js")),
        file("operations.js", "text/javascript; charset=utf-8", include_bytes!("static/operations.js")),
        file("delaycast.svg", "image/svg+xml", include_bytes!("static/delaycast.svg")),
    ]
});

fn file(name: &'static str, content_type: &'static str, bytes: &'static [u8]) -> File {
    let version = Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    File { name, content_type, bytes, version }
}

/// The addresses of the files, for the templates.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Links {
    style: String,
    script: String,
    operations: String,
    icon: String,
}

pub(crate) fn links() -> Links {
    let [style, script, operations, icon] =
        FILES.each_ref().map(|file| format!("/static/{}?v={}", file.name, file.version));
    Links { style, script, operations, icon }
}

/// `GET /static/<name>`.
pub(crate) fn reply(name: String, query: String, headers: HeaderMap) -> Handled {
    let file = FILES.iter().find(|file| file.name == name).ok_or_else(|| Box::new(Problem::not_found()))?;
    let etag = format!("\"{}\"", file.version);
    let mut response = Response::default();
    if matches(&headers, &etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        *response.body_mut() = file.bytes.into();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(file.content_type));
    }
    let of_this_version = query.strip_prefix("v=") == Some(&file.version);
    let keep = if of_this_version { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    Ok(response)
}

/// Whether the client has this version already.
fn matches(headers: &HeaderMap, etag: &str) -> bool {
    let sent = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    sent.flat_map(|value| value.split(',')).map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}
