//! The files of `static/`, compiled in.
//!
//! Pages link to a file together with its version (`?v=`), so that browsers may cache it for a year; without the
//! version, a file is revalidated by its ETag every time.

use std::{collections::BTreeMap, sync::LazyLock};

use engine::runtime::hex;
use sha2::{Digest, Sha256};
use warp::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    reply::Response,
};

use crate::problem::{HandlerResult, Problem};

struct Asset {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
    /// The first 16 hexadecimal digits of the content's SHA-256.
    version: String,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    vec![
        asset("delaycast.css", "text/css; charset=utf-8", include_bytes!("static/delaycast.css")),
        asset("delaycast.js", "text/javascript; charset=utf-8", include_bytes!("static/delaycast.js")),
        asset("bulk.js", "text/javascript; charset=utf-8", include_bytes!("static/bulk.js")),
        asset("operations.js", "text/javascript; charset=utf-8", include_bytes!("static/operations.js")),
        asset("delaycast.svg", "image/svg+xml", include_bytes!("static/delaycast.svg")),
    ]
});

fn asset(name: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Asset {
    let version = hex::encode(&Sha256::digest(bytes)[..8]);
    Asset { name, content_type, bytes, version }
}

/// Returns the address of each file with its version, by the file's name.
pub(crate) fn links() -> BTreeMap<&'static str, String> {
    ASSETS.iter().map(|asset| (asset.name, format!("/static/{}?v={}", asset.name, asset.version))).collect()
}

/// `GET /static/<name>`.
pub(crate) fn serve(name: String, query: String, headers: HeaderMap) -> HandlerResult {
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or_else(|| Box::new(Problem::not_found()))?;
    let etag = format!("\"{}\"", asset.version);
    let mut response = Response::default();
    if matches(&headers, &etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        *response.body_mut() = asset.bytes.into();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    }
    let is_versioned = query.strip_prefix("v=") == Some(&asset.version);
    let cache_control = if is_versioned { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    Ok(response)
}

/// Returns whether the client's cache has this version.
fn matches(headers: &HeaderMap, etag: &str) -> bool {
    let sent = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    sent.flat_map(|value| value.split(',')).map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}
