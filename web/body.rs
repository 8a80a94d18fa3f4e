//! Parses the body of a POST into the form's fields. Ambiguous input is rejected, not guessed.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use delaycast::request::MESSAGE_BYTES_MAX;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use percent_encoding::percent_decode_str;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use warp::http::{HeaderMap, header};

use crate::{
    field_error::FieldError,
    texts::{Message, message},
};

/// Upper bound on a body: no form needs more than the message that is made of it.
pub const BODY_BYTES_MAX: usize = MESSAGE_BYTES_MAX;
/// The name of the whole body in an error, where a field's name would be.
const BODY: &str = "body";

/// A body as it arrives.
pub(crate) type SentBody = BoxStream<'static, Result<Bytes, warp::Error>>;

/// A form's fields in the order sent: the name, and the value or its error. `null` is an empty text.
pub(crate) type Pairs = Vec<(String, Result<String, Message>)>;

/// Reads the body in any of the three content types; gives up a body that has not arrived within a time.
pub(crate) async fn read_form(headers: &HeaderMap, body: SentBody, within: Duration) -> Result<Pairs, FieldError> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/x-www-form-urlencoded" => urlencoded(text(&read(body, within).await?)?, BODY),
        "application/json" => json(text(&read(body, within).await?)?),
        "multipart/form-data" => multipart(content_type, read(body, within).await?).await,
        _ => Err(FieldError::format("Content-Type", message!("wrong-content-type"))),
    }
}

/// A file as it was sent: as the body, or as the field `file` of a form.
pub(crate) struct SentFile {
    /// The content type; empty if a form does not tell it.
    pub(crate) content_type: String,
    pub(crate) text: String,
}

/// Reads a file of at most `bytes_max`; gives up one that has not arrived within a time.
pub(crate) async fn read_file(
    headers: &HeaderMap,
    body: SentBody,
    within: Duration,
    bytes_max: usize,
) -> Result<SentFile, FieldError> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let bytes = read_up_to(body, within, bytes_max).await?;
    if !content_type.trim().to_ascii_lowercase().starts_with("multipart/form-data") {
        return Ok(SentFile { content_type: content_type.to_owned(), text: text(&bytes)?.to_owned() });
    }
    let mut pairs = multipart(content_type, bytes).await?;
    let Some(at) = pairs.iter().position(|(name, _)| name == "file") else {
        return Err(FieldError::missing("file"));
    };
    let text = pairs.swap_remove(at).1.map_err(|reason| FieldError::new("file", reason))?;
    // Browsers tell the type of a file by its name, each in its own way.
    Ok(SentFile { content_type: String::new(), text })
}

/// Reads a body as text; gives up one that has not arrived within a time.
pub(crate) async fn read_text(body: SentBody, within: Duration) -> Result<String, FieldError> {
    Ok(text(&read(body, within).await?)?.to_owned())
}

async fn read(body: SentBody, within: Duration) -> Result<Vec<u8>, FieldError> {
    read_up_to(body, within, BODY_BYTES_MAX).await
}

async fn read_up_to(body: SentBody, within: Duration, bytes_max: usize) -> Result<Vec<u8>, FieldError> {
    let collect = async {
        let (mut body, mut bytes) = (body, Vec::new());
        while let Some(piece) = body.next().await {
            let piece =
                piece.map_err(|error| FieldError::new(BODY, message!("broken-off", error = error.to_string())))?;
            if bytes.len() + piece.len() > bytes_max {
                return Err(FieldError::new(BODY, message!("too-many-bytes", bytes = bytes_max.to_string())));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    };
    let too_slow = |_| FieldError::new(BODY, message!("too-slow", within = format!("{within:?}")));
    tokio::time::timeout(within, collect).await.map_err(too_slow)?
}

fn text(bytes: &[u8]) -> Result<&str, FieldError> {
    std::str::from_utf8(bytes)
        .map_err(|error| FieldError::new(BODY, message!("not-utf8-at", byte = error.valid_up_to().to_string())))
}

/// Reads `name=value&…`; `part` names the input in errors.
pub(crate) fn urlencoded(text: &str, part: &'static str) -> Result<Pairs, FieldError> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((percent_decoded(&name.replace('+', " "), part)?, Ok(percent_decoded(&value.replace('+', " "), part)?)))
    };
    text.split('&').filter(|text| !text.is_empty()).map(pair).collect()
}

/// Undoes percent-encoding. Unlike browsers and most libraries it takes no `%` for itself and no broken UTF-8.
pub(crate) fn percent_decoded(text: &str, part: &'static str) -> Result<String, FieldError> {
    for (at, _) in text.match_indices('%') {
        let is_hex = text.as_bytes().get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        if !is_hex {
            return Err(FieldError::new(part, message!("lone-percent")));
        }
    }
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| FieldError::new(part, message!("not-utf8-decoded")))
}

async fn multipart(content_type: &str, bytes: Vec<u8>) -> Result<Pairs, FieldError> {
    let malformed = |error: multer::Error| FieldError::new(BODY, message!("not-multipart", error = error.to_string()));
    let boundary = multer::parse_boundary(content_type).map_err(malformed)?;
    let whole = stream::iter([Ok::<_, Infallible>(Bytes::from(bytes))]);
    let mut parts = multer::Multipart::new(whole, boundary);
    let mut pairs = Pairs::new();
    while let Some(part) = parts.next_field().await.map_err(malformed)? {
        let name = part.name().unwrap_or_default().to_owned();
        let value = part.bytes().await.map_err(malformed)?;
        pairs.push((name, String::from_utf8(value.to_vec()).map_err(|_| message!("not-utf8"))));
    }
    Ok(pairs)
}

fn json(text: &str) -> Result<Pairs, FieldError> {
    Ok(json_object(text)?.into_iter().map(|(name, value)| (name, scalar(value))).collect())
}

/// Reads a JSON object as pairs: a map would hide a name that stands twice.
pub(crate) fn json_object(text: &str) -> Result<Vec<(String, serde_json::Value)>, FieldError> {
    let JsonPairs(pairs) = serde_json::from_str(text)
        .map_err(|error| FieldError::new(BODY, message!("not-object", error = error.to_string())))?;
    Ok(pairs)
}

struct JsonPairs(Vec<(String, serde_json::Value)>);

impl<'de> Deserialize<'de> for JsonPairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor).map(JsonPairs)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Vec<(String, serde_json::Value)>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(pairs)
    }
}

fn scalar(value: serde_json::Value) -> Result<String, Message> {
    match value {
        serde_json::Value::Null => Ok(String::new()),
        serde_json::Value::String(text) => Ok(text),
        serde_json::Value::Number(number) => Ok(number.to_string()),
        _ => Err(message!("not-scalar")),
    }
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    fn ok(name: &str, value: &str) -> (String, Result<String, Message>) {
        (name.to_owned(), Ok(value.to_owned()))
    }

    #[test]
    fn percent_encoding_is_decoded_once_and_strictly() {
        assert_eq!(urlencoded("a=1+2&b=%C3%A9%2525&&c", BODY), Ok(vec![ok("a", "1 2"), ok("b", "é%25"), ok("c", "")]));
        for text in ["a=%", "a=%4", "a=%zz", "a=%é", "a=%ff"] {
            assert_eq!(urlencoded(text, BODY).unwrap_err().field, BODY, "{text}");
        }
    }

    #[test]
    fn json_keeps_repeated_fields() {
        let pairs = json(r#"{"a": 5, "a": null, "b": [1]}"#).unwrap();
        assert_eq!(pairs[..2], [ok("a", "5"), ok("a", "")]);
        assert!(pairs[2].1.is_err());
        assert!(json("[]").is_err() && json("{} {}").is_err());
    }

    proptest! {
        #[test]
        fn a_form_encoded_by_a_browser_is_read(fields in prop::collection::vec(("\\PC{1,8}", "\\PC{0,8}"), 0..6)) {
            let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string().replace("%20", "+");
            let sent: Vec<String> = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
            let expected: Pairs = fields.iter().map(|(name, value)| ok(name, value)).collect();
            prop_assert_eq!(urlencoded(&sent.join("&"), BODY), Ok(expected));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}|[%=&+a-f0-9]{0,40}") {
            let _ = (urlencoded(&text, BODY), json(&text));
        }
    }
}
