//! The files of `static/`, compiled in, and compressed once.
//!
//! Pages link to a file together with its version (`?v=`), so that browsers may cache it for a year; without the
//! version, a file is revalidated by its ETag every time.

use std::{collections::BTreeMap, sync::LazyLock};

use engine::runtime::hex;
use server::{Effort, Encoding};
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
    /// The content in each encoding that makes it shorter.
    encoded: Vec<(Encoding, &'static [u8])>,
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
    let encode = |encoding: Encoding| {
        // Without memory for it, the file is served as it is.
        let encoded = encoding.encode(bytes, Effort::Thorough).ok().filter(|encoded| encoded.len() < bytes.len())?;
        // Kept as long as the program runs, like the file itself.
        Some((encoding, &*encoded.leak()))
    };
    Asset { name, content_type, bytes, version, encoded: Encoding::ALL.into_iter().filter_map(encode).collect() }
}

/// Returns the address of each file with its version, by the file's name.
pub(crate) fn links() -> BTreeMap<&'static str, String> {
    ASSETS.iter().map(|asset| (asset.name, format!("/static/{}?v={}", asset.name, asset.version))).collect()
}

/// `GET /static/<name>`.
pub(crate) fn serve(name: String, query: String, headers: HeaderMap) -> HandlerResult {
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or_else(|| Box::new(Problem::not_found()))?;
    // Weak: the same for all encodings, whose bytes differ.
    let etag = format!("W/\"{}\"", asset.version);
    let mut response = Response::default();
    if is_known(&headers, &etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        let wanted = Encoding::of(&headers);
        let encoded = asset.encoded.iter().find(|(encoding, _)| Some(*encoding) == wanted);
        if let Some((encoding, _)) = encoded {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
        }
        *response.body_mut() = encoded.map_or(asset.bytes, |(_, bytes)| bytes).into();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    }
    let is_versioned = query.strip_prefix("v=") == Some(&asset.version);
    let cache_control = if is_versioned { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    Ok(response)
}

/// Returns whether the client's cache has this version: by the weak comparison, as `If-None-Match` asks for.
pub(crate) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let opaque = |tag: &str| tag.trim_start_matches("W/").to_owned();
    let sent = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    sent.flat_map(|value| value.split(',')).map(str::trim).any(|tag| tag == "*" || opaque(tag) == opaque(etag))
}
