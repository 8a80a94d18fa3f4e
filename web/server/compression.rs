//! Compresses responses with zstd or gzip, as the client's `Accept-Encoding` allows.
//!
//! Compressed are texts whose whole body is at hand: a stream of events has no length, and each event must leave at
//! once. A handler that compresses its responses itself, or gives them an `ETag`, is left alone.
//!
//! The length of a compressed body tells an attacker who can put text into it what else is in there (BREACH). So
//! routes behind this must put no secret into a body: those of delaycast have neither sessions nor tokens.

use std::io::{self, Write};

use flate2::{Compression, write::GzEncoder};
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes};
use warp::{
    http::{HeaderMap, HeaderValue, header},
    reply::Response,
};

use crate::quality::qualities;

/// Smallest body that is compressed: with its headers it fits into one packet anyway.
const BODY_BYTES_MIN: u64 = 860;
/// Largest body that is compressed: a larger one would occupy the thread for too long.
const BODY_BYTES_MAX: u64 = 4 << 20;

/// An encoding of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Zstandard (RFC 8878).
    Zstd,
    /// gzip (RFC 1952).
    Gzip,
}

/// The time that a compression may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// A body that is sent once.
    Quick,
    /// A body that is kept and sent many times.
    Thorough,
}

impl Encoding {
    /// All encodings; of those that a client likes equally, the first is taken.
    pub const ALL: [Encoding; 2] = [Encoding::Zstd, Encoding::Gzip];

    /// The value of `Content-Encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Zstd => "zstd",
            Encoding::Gzip => "gzip",
        }
    }

    /// Returns the encoding that a request likes best; `None` if that is no encoding at all. A request that takes
    /// nothing gets its body without an encoding, too: that is what a client can read most likely.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let liked = Liked::of(headers);
        let best = Encoding::ALL.into_iter().rev().max_by_key(|encoding| liked.quality(*encoding))?;
        let quality = liked.quality(best);
        (quality > 0 && quality >= liked.identity.unwrap_or(0)).then_some(best)
    }

    /// Compresses a body. Fails if no memory is left for it.
    pub fn encode(self, body: &[u8], effort: Effort) -> io::Result<Vec<u8>> {
        match (self, effort) {
            (Encoding::Zstd, Effort::Quick) => zstd::bulk::compress(body, 3),
            (Encoding::Zstd, Effort::Thorough) => zstd::bulk::compress(body, 19),
            (Encoding::Gzip, Effort::Quick) => gzip(body, Compression::default()),
            (Encoding::Gzip, Effort::Thorough) => gzip(body, Compression::best()),
        }
    }
}

fn gzip(body: &[u8], level: Compression) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 3), level);
    encoder.write_all(body)?;
    encoder.finish()
}

/// The encodings that a request names, each with its quality in thousandths.
#[derive(Debug, Default)]
struct Liked {
    zstd: Option<u16>,
    gzip: Option<u16>,
    identity: Option<u16>,
    /// Of all that are not named.
    others: Option<u16>,
}

impl Liked {
    fn of(headers: &HeaderMap) -> Self {
        let mut liked = Liked::default();
        for (name, quality) in qualities(headers, &header::ACCEPT_ENCODING) {
            let place = match name.as_str() {
                "zstd" => &mut liked.zstd,
                "gzip" | "x-gzip" => &mut liked.gzip,
                "identity" => &mut liked.identity,
                "*" => &mut liked.others,
                _ => continue,
            };
            *place = Some(quality);
        }
        liked
    }

    fn quality(&self, encoding: Encoding) -> u16 {
        match encoding {
            Encoding::Zstd => self.zstd.or(self.others),
            Encoding::Gzip => self.gzip.or(self.others),
        }
        .unwrap_or(0)
    }
}

/// Compresses a response to a request that likes `encoding` best.
pub(crate) async fn compress(encoding: Option<Encoding>, mut response: Response) -> Response {
    let length = response.body().size_hint().exact();
    if !length.is_some_and(|length| (BODY_BYTES_MIN..=BODY_BYTES_MAX).contains(&length)) || !is_text(&response) {
        return response;
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    let Some(encoding) = encoding else { return response };
    let (mut head, body) = response.into_parts();
    // The whole body is in memory: this neither waits nor fails.
    let Ok(body) = body.collect().await.map(|body| body.to_bytes()) else {
        return Response::from_parts(head, Bytes::new().into());
    };
    match encoding.encode(&body, Effort::Quick) {
        Ok(encoded) if encoded.len() < body.len() => {
            head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
            head.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(head, encoded.into())
        }
        Ok(_) => Response::from_parts(head, body.into()),
        Err(error) => {
            tracing::warn!(%error, "a response could not be compressed");
            Response::from_parts(head, body.into())
        }
    }
}

/// Returns whether a response is a text that may be compressed here.
fn is_text(response: &Response) -> bool {
    let headers = response.headers();
    let is_settled = [header::CONTENT_ENCODING, header::CONTENT_RANGE, header::ETAG];
    if is_settled.iter().any(|name| headers.contains_key(name)) {
        return false;
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.starts_with("text/") || media_type.ends_with("json") || media_type.ends_with("xml")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(accept: &str) -> Option<Encoding> {
        Encoding::of(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, accept.parse().unwrap())]))
    }

    #[test]
    fn the_encoding_that_the_client_likes_best_is_taken() {
        for (accept, expected) in [
            ("gzip, deflate, br, zstd", Some(Encoding::Zstd)),
            ("gzip, deflate, br", Some(Encoding::Gzip)),
            ("zstd;q=0.4, GZIP; q=0.5", Some(Encoding::Gzip)),
            ("x-gzip", Some(Encoding::Gzip)),
            ("*", Some(Encoding::Zstd)),
            ("zstd;q=0, *", Some(Encoding::Gzip)),
            ("gzip;q=0.3, identity;q=0.2", Some(Encoding::Gzip)),
            ("gzip, identity;q=0", Some(Encoding::Gzip)),
            ("gzip;q=0.3, identity", None),
            ("identity;q=0", None),
            ("*;q=0", None),
            ("gzip;q=0", None),
            ("gzip;q=much", None),
            ("gzip;q=2", None),
            ("br, deflate", None),
            ("", None),
        ] {
            assert_eq!(best(accept), expected, "{accept}");
        }
        assert_eq!(Encoding::of(&HeaderMap::new()), None);
    }

    fn page(body: impl Into<String>) -> Response {
        let mut response = Response::new(body.into().into());
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        response
    }

    async fn encoding_of(response: Response) -> Option<String> {
        let response = compress(Some(Encoding::Gzip), response).await;
        response.headers().get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap().to_owned())
    }

    #[tokio::test]
    async fn a_small_body_a_picture_and_a_settled_response_stay_as_they_are() {
        let text = "a ".repeat(1000);
        assert_eq!(encoding_of(page(&text)).await.as_deref(), Some("gzip"));
        assert_eq!(encoding_of(page("a ".repeat(400))).await, None);
        for (name, value) in [
            (header::CONTENT_TYPE, "image/png"),
            (header::CONTENT_ENCODING, "br"),
            (header::ETAG, "\"1\""),
            (header::CONTENT_RANGE, "bytes 0-1999/4000"),
        ] {
            let mut response = page(&text);
            response.headers_mut().insert(name.clone(), HeaderValue::from_static(value));
            let before = response.headers().clone();
            assert_eq!(compress(Some(Encoding::Gzip), response).await.headers(), &before, "{name}");
        }
    }

    #[tokio::test]
    async fn caches_keep_a_response_by_encoding_also_one_without() {
        let response = compress(None, page("a ".repeat(1000))).await;
        assert_eq!(response.headers()[header::VARY], "accept-encoding");
        assert!(!response.headers().contains_key(header::CONTENT_ENCODING));
    }
}
