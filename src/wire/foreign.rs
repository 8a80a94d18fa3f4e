//! Recognizes messages in another encoding or format than the wire's by their first bytes.

use engine::{log::DEAD_LETTER_BYTES_MAX, request::MalformedKind};

/// Upper bound on the bytes of a damaged message that are looked at: those that are kept of a dead letter.
pub(crate) const SCAN_BYTES_MAX: usize = DEAD_LETTER_BYTES_MAX;

/// The encoding or format of a message that is not JSON in UTF-8.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// Text in another encoding, with the text up to [`SCAN_BYTES_MAX`].
    Encoded { encoding: &'static str, text: String },
    /// JSON behind the five bytes of a Schema Registry's serializer.
    Framed,
    /// A format that is not read here.
    Format { kind: MalformedKind, what: &'static str, instead: &'static str },
}

/// Length of the frame of Confluent's wire format: a zero and the schema id in four bytes.
pub(crate) const FRAME_BYTES: usize = 5;

const PLAIN_JSON: &str = "send the JSON object alone, in UTF-8";
const PLAIN_SERIALIZER: &str = "send the JSON object alone, written with a plain string serializer";
const UNCOMPRESSED: &str = "send it uncompressed: the client library compresses by itself, if told to";

/// First bytes, the format that begins with them, and the advice.
const MAGIC: [(&[u8], &str, &str); 14] = [
    (b"Obj\x01", "an Avro container file", PLAIN_JSON),
    (b"\xc3\x01", "Avro's single-object encoding", PLAIN_JSON),
    (b"\x1f\x8b", "compressed with gzip", UNCOMPRESSED),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard", UNCOMPRESSED),
    (b"\x04\x22\x4d\x18", "compressed with LZ4", UNCOMPRESSED),
    (b"\xff\x06\x00\x00sNaPpY", "compressed with Snappy", UNCOMPRESSED),
    (b"BZh", "compressed with bzip2", UNCOMPRESSED),
    (b"PK\x03\x04", "a zip archive", UNCOMPRESSED),
    (b"PAR1", "a Parquet file", PLAIN_JSON),
    (b"\xac\xed\x00\x05", "a serialized Java object", PLAIN_JSON),
    (b"\x80\x02", "a pickled Python object", PLAIN_JSON),
    (b"\x80\x03", "a pickled Python object", PLAIN_JSON),
    (b"\x80\x04", "a pickled Python object", PLAIN_JSON),
    (b"\x80\x05", "a pickled Python object", PLAIN_JSON),
];

impl Foreign {
    /// Recognizes a message that is not JSON in UTF-8; `None` if it can be damaged JSON.
    pub(super) fn recognize(bytes: &[u8]) -> Option<Self> {
        let format = |what, instead| Some(Foreign::Format { kind: MalformedKind::NotUtf8, what, instead });
        let text_format = |what, instead| Some(Foreign::Format { kind: MalformedKind::NotJson, what, instead });
        if let Some(encoded) = encoded(bytes) {
            return Some(encoded);
        }
        if let Some((_, what, instead)) = MAGIC.into_iter().find(|(magic, ..)| bytes.starts_with(magic)) {
            return format(what, instead);
        }
        match bytes {
            [0, _, _, _, _, b'{', ..] => Some(Foreign::Framed),
            // A length prefix of four bytes is not of the wire, but the object behind it can be searched.
            [0, _, _, _, b'{', rest @ ..] if number(bytes) == Some(rest.len() + 1) => None,
            [0, _, _, _, _, _, ..] => {
                format("framed for a Schema Registry (magic byte 0), with Avro or Protobuf in it", PLAIN_SERIALIZER)
            }
            [0x80..=0x8f | 0xde | 0xdf, 0xa0..=0xbf | 0xd9, ..]
            | [0xde, _, _, 0xa0..=0xbf | 0xd9, ..]
            | [0xdf, _, _, _, _, 0xa0..=0xbf | 0xd9, ..] => format("MessagePack", PLAIN_JSON),
            [0xa0..=0xb7 | 0xbf, 0x60..=0x77, ..] | [0xb8, _, 0x60..=0x77, ..] => format("CBOR", PLAIN_JSON),
            [a, b, c, d, .., 0] if u32::from_le_bytes([*a, *b, *c, *d]) as usize == bytes.len() => {
                format("BSON", PLAIN_JSON)
            }
            [b'e', b'y' | b'w', ..] if bytes.trim_ascii_end().iter().all(is_base64) => {
                text_format("JSON in Base64", "send its text as it is")
            }
            [b'<', ..] => text_format("XML", PLAIN_JSON),
            _ => None,
        }
    }

    /// The kind of the defect, and the reason with the advice.
    pub(super) fn reason(&self) -> (MalformedKind, String) {
        match self {
            Foreign::Encoded { encoding, .. } => {
                (MalformedKind::NotUtf8, format!("the message is {encoding}: send it in UTF-8"))
            }
            Foreign::Framed => {
                let reason = "the message is framed for a Schema Registry (magic byte 0), with JSON in it";
                (MalformedKind::NotJson, format!("{reason}: {PLAIN_SERIALIZER}"))
            }
            Foreign::Format { kind, what, instead } => (*kind, format!("the message is {what}, not JSON: {instead}")),
        }
    }
}

/// The big-endian number in the first four bytes.
fn number(bytes: &[u8]) -> Option<usize> {
    bytes.first_chunk().map(|bytes| u32::from_be_bytes(*bytes) as usize)
}

fn is_base64(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte)
}

/// Recognizes UTF-16 and UTF-32 by the byte order mark, or by the zeros beside the first character.
fn encoded(bytes: &[u8]) -> Option<Foreign> {
    let head = &bytes[..bytes.len().min(SCAN_BYTES_MAX)];
    let utf_16 = |encoding, unit: fn([u8; 2]) -> u16, skip: usize| {
        let units: Vec<u16> = head[skip..].as_chunks().0.iter().map(|pair| unit(*pair)).collect();
        Some(Foreign::Encoded { encoding, text: String::from_utf16_lossy(&units) })
    };
    let utf_32 = |encoding, unit: fn([u8; 4]) -> u32, skip: usize| {
        let units = head[skip..].as_chunks().0.iter().map(|four| unit(*four));
        let text = units.map(|unit| char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        Some(Foreign::Encoded { encoding, text })
    };
    let starts_json = |byte: u8| b"{[\" \t\r\n".contains(&byte);
    match *bytes {
        [0xff, 0xfe, 0, 0, ..] => utf_32("UTF-32 (little endian)", u32::from_le_bytes, 4),
        [0, 0, 0xfe, 0xff, ..] => utf_32("UTF-32 (big endian)", u32::from_be_bytes, 4),
        [0xff, 0xfe, ..] => utf_16("UTF-16 (little endian)", u16::from_le_bytes, 2),
        [0xfe, 0xff, ..] => utf_16("UTF-16 (big endian)", u16::from_be_bytes, 2),
        [first, 0, 0, 0, _, 0, 0, 0, ..] if starts_json(first) => {
            utf_32("UTF-32 (little endian)", u32::from_le_bytes, 0)
        }
        [0, 0, 0, first, 0, 0, 0, _, ..] if starts_json(first) => utf_32("UTF-32 (big endian)", u32::from_be_bytes, 0),
        [first, 0, second, 0, ..] if starts_json(first) && second > 0 => {
            utf_16("UTF-16 (little endian)", u16::from_le_bytes, 0)
        }
        [0, first, 0, second, ..] if starts_json(first) && second > 0 => {
            utf_16("UTF-16 (big endian)", u16::from_be_bytes, 0)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(bytes: &[u8]) -> Option<String> {
        Foreign::recognize(bytes).map(|foreign| foreign.reason().1)
    }

    #[test]
    fn formats_are_named_by_their_first_bytes() {
        let bson = b"\x15\0\0\0\x02UUID\0\x06\0\0\0a-uid\0\0";
        for (bytes, words) in [
            (&b"Obj\x01\x04\x14avro.codec"[..], "an Avro container file"),
            (b"\xc3\x01\x01\x02\x03\x04\x05\x06\x07\x08", "Avro's single-object encoding"),
            (b"\0\0\0\0\x07{\"UUID\":\"u\"}", "framed for a Schema Registry (magic byte 0), with JSON in it"),
            (b"\0\0\0\0{{\"UUID\":\"u\"}", "with JSON in it"),
            (b"\0\0\0\0\x07\x06abc\x02", "framed for a Schema Registry (magic byte 0), with Avro or Protobuf in it"),
            (b"\0\0\0\0{\x06abc\x02", "with Avro or Protobuf in it"),
            (b"\x1f\x8b\x08\0\0", "compressed with gzip"),
            (b"\x28\xb5\x2f\xfd\0", "Zstandard"),
            (b"PK\x03\x04", "a zip archive"),
            (b"\x84\xa4UUID\xa1u", "MessagePack"),
            (b"\xde\0\x14\xa4UUID", "MessagePack"),
            (b"\xa2\x64UUID\x61u", "CBOR"),
            (b"\x80\x04\x95\x10", "a pickled Python object"),
            (b"\xac\xed\0\x05t\0", "a serialized Java object"),
            (b"eyJVVUlEIjoidSJ9", "Base64"),
            (b"<?xml version=\"1.0\"?><a/>", "XML"),
            (bson, "BSON"),
        ] {
            let reason = reason(bytes).unwrap_or_default();
            assert!(reason.contains(words), "{reason}: {bytes:?}");
            assert!(reason.contains(": send "), "without advice: {reason}");
        }
    }

    #[test]
    fn text_in_another_encoding_is_named_and_decoded() {
        let json = "{\"UUID\":\"ü😀\"}";
        let mark = |mark: &str| format!("{mark}{json}");
        let utf_16 = |text: &str, bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        let utf_32 =
            |text: &str, bytes: fn(u32) -> [u8; 4]| text.chars().flat_map(|c| bytes(c.into())).collect::<Vec<u8>>();
        for mark in [mark(""), mark("\u{feff}")] {
            for (bytes, name) in [
                (utf_16(&mark, u16::to_le_bytes), "UTF-16 (little endian)"),
                (utf_16(&mark, u16::to_be_bytes), "UTF-16 (big endian)"),
                (utf_32(&mark, u32::to_le_bytes), "UTF-32 (little endian)"),
                (utf_32(&mark, u32::to_be_bytes), "UTF-32 (big endian)"),
            ] {
                let expected = Foreign::Encoded { encoding: name, text: json.to_owned() };
                assert_eq!(Foreign::recognize(&bytes), Some(expected));
            }
        }
    }

    #[test]
    fn possibly_damaged_json_is_not_recognized_as_another_format() {
        let length_before = [&12u32.to_be_bytes()[..], b"{\"UUID\":\"u\"}"].concat();
        for bytes in [
            &b"{\"UUID\":\"u\""[..],
            b"[{}]",
            b"\"{}\"",
            b"",
            b"\0",
            b"\0\0\0\0",
            b"data: {}",
            b"eyJ, not Base64",
            &length_before,
        ] {
            assert_eq!(reason(bytes), None, "{bytes:?}");
        }
    }
}
