//! Decodes messages to requests, and turns malformed messages into dead letters.

use engine::{
    answer::Rejection,
    clock,
    domain::{Answer, Domain},
    log::{DeadLetter, DeadLetterReason, Message},
    request::{MalformedKind, RequestId},
};
use timely::dataflow::{StreamVec, operators::core::OkErr};

use super::{Timestamp, land::RefusedRow, source::Record};

/// A record that gets no answer (rule 6).
#[derive(Clone)]
pub(super) struct DeadRecord {
    message: Message,
    id: Option<RequestId>,
    reason: String,
    kind: DeadLetterReason,
}

impl DeadRecord {
    /// Returns the record of an answer that the store refuses permanently.
    pub(super) fn refused<D: Domain>(returned: RefusedRow<Answer<D>, Record>) -> Self {
        DeadRecord {
            message: returned.context.message,
            id: Some(returned.row.id().clone()),
            reason: format!("the store refuses the answer: {}", returned.reason),
            kind: DeadLetterReason::RefusedByStore,
        }
    }

    /// Returns the rejection, if the request's ID is known.
    pub(super) fn rejection(self) -> Option<(Rejection, ())> {
        self.id.map(|id| (Rejection { id, reason: self.reason, rejected_at: clock::now() }, ()))
    }

    /// Returns the dead letter, and the reason that it is counted under.
    pub(super) fn into_dead_letter(self) -> (DeadLetter, DeadLetterReason) {
        let DeadRecord { message: Message { position, payload, attempt, topic_id }, id, reason, kind } = self;
        (
            DeadLetter { position, id, reason, kind: kind.clone(), payload, found_at: clock::now(), attempt, topic_id },
            kind,
        )
    }
}

/// Splits records into requests and malformed records. Each request is sent on with its record.
// The error is as large as the value, and both are moved once.
#[allow(clippy::type_complexity, clippy::result_large_err)]
pub(super) fn decode<'scope, D: Domain>(
    records: StreamVec<'scope, Timestamp, Record>,
) -> (StreamVec<'scope, Timestamp, (D::Request, Record)>, StreamVec<'scope, Timestamp, DeadRecord>) {
    records.ok_err(|record| {
        let message = &record.message;
        // A truncated payload is longer than any request may be, so the rest is refused for its length.
        match D::decode(message.payload.bytes()) {
            Ok(request) => Ok((request, record)),
            Err(malformed) => {
                let (len, kept) = (message.payload.len(), message.payload.bytes().len());
                let too_long =
                    (len > kept).then(|| format!("the message has {len} bytes, more than {}", D::MESSAGE_BYTES_MAX));
                let kind = if too_long.is_some() { MalformedKind::TooLong } else { malformed.kind };
                let reason = too_long.unwrap_or(malformed.reason);
                Err(DeadRecord { message: record.message, id: malformed.id, reason, kind: kind.into() })
            }
        }
    })
}
