//! Decodes the bytes of a message to a request, or to the reason of its rejection.
//!
//! The rules, each with a test of its number:
//!
//! 1. A message is one JSON object in UTF-8, at most [`MESSAGE_BYTES_MAX`] long; nothing may follow it. A byte order
//!    mark before it is skipped.
//! 2. Unknown fields are ignored, but nothing may nest deeper than 127 levels.
//! 3. A known field appears once: of two values it is unknown which was meant.
//! 4. `null` is the same as absent, and so is a NaN: a bare `NaN`, which is not JSON, and the string `"NaN"`. A bare
//!    `Infinity` is a number beyond all limits.
//! 5. The days of the year, the month and the week are derived from `FlightDate`; the message's own are not read.
//! 6. The reason names the field and repeats nothing of the message. Whatever is wrong, the `UUID` is found where it is
//!    unambiguous (`find_id.rs`); another encoding or format is named (`wire/foreign.rs`).
//! 7. `CRSDepTime` and `CRSArrTime` are both present or both absent: half a schedule is useless, and its producer
//!    should know.
//! 8. In the object `Weather`, which can have any of its fields or none, rules 2 to 4 and 9 hold again.
//! 9. Texts are read as the page reads them: surrounding blanks do not count, an empty text is absent, codes may be in
//!    lower case, a number may be in a string.
//! 10. `FlightDate` has any form of ISO 8601 (`wire/iso.rs`); its day is taken as written.
//! 11. No answer depends on `Timestamp`: anything but an ISO time of the years 1 to 9999 is absent, whatever its type.
//! 12. `AsOf` has a zone: without one it is not known which moment is meant.
//! 13. `Follow` is true or false, as a boolean or as a string in any case. Nothing is false.

use engine::request::{Malformed, MalformedKind};

use super::{
    find_id::find_id,
    schema::{MESSAGE_BYTES_MAX, Request},
    wire::RequestFields,
};
use crate::wire::{self, Damage, FRAME_BYTES, Foreign};

/// Decodes a message of the wire contract.
pub fn decode(bytes: &[u8]) -> Result<Request, Malformed> {
    wire::read(bytes, MESSAGE_BYTES_MAX, to_request).unwrap_or_else(|damage| Err(with_id(damage)))
}

fn to_request(fields: RequestFields<'_>) -> Result<Request, Malformed> {
    let id = fields.id();
    fields.into_request().map_err(|invalid| {
        let (reason, kind) = (invalid.to_string(), MalformedKind::Field(invalid.field));
        Malformed { id, reason, kind }
    })
}

/// Finds the id of a request in a damaged message.
fn with_id(Damage { bytes, foreign, kind, reason }: Damage<'_>) -> Malformed {
    let id = match &foreign {
        None => find_id(bytes),
        Some(Foreign::Encoded { text, .. }) => find_id(text.as_bytes()),
        Some(Foreign::Framed) => find_id(&bytes[FRAME_BYTES..]),
        Some(Foreign::Format { .. }) => None,
    };
    Malformed { id, reason, kind }
}
