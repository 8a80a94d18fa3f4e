//! From messages to requests, and what becomes of those that are none.

use engine::{
    answer::{Answer, Rejection},
    clock,
    domain::Domain,
    log::{DeadLetter, DeadLetterReason, Message},
    request::{MalformedKind, RequestId},
};
use timely::dataflow::{StreamVec, operators::core::OkErr};

use super::{Timestamp, land::RefusedRow, source::Record};

/// A record that will have no answer (rule 6).
#[derive(Clone)]
pub(super) struct DeadRecord {
    message: Message,
    id: Option<RequestId>,
    reason: String,
    kind: DeadLetterReason,
}

impl DeadRecord {
    /// An answer that the store will never take.
    pub(super) fn refused<D: Domain>(returned: RefusedRow<Answer<D>, Record>) -> Self {
        DeadRecord {
            message: returned.context.message,
            id: Some(returned.row.id().clone()),
            reason: format!("the store refuses the answer: {}", returned.reason),
            kind: DeadLetterReason::RefusedByStore,
        }
    }

    /// What the asker is told, if it is known who asked.
    pub(super) fn rejection(self) -> Option<(Rejection, ())> {
        self.id.map(|id| (Rejection { id, reason: self.reason, rejected_at: clock::now() }, ()))
    }

    /// What is kept of the record, and how it counts.
    pub(super) fn into_dead_letter(self) -> (DeadLetter, DeadLetterReason) {
        let DeadRecord { message: Message { position, payload, attempt, topic_id }, id, reason, kind } = self;
        (
            DeadLetter { position, id, reason, kind: kind.clone(), payload, found_at: clock::now(), attempt, topic_id },
            kind,
        )
    }
}

/// Splits records into requests and those that cannot be read. The record travels on with its request.
// The error is as large as the success beside it, and both move once.
#[allow(clippy::type_complexity, clippy::result_large_err)]
pub(super) fn decode<'scope, D: Domain>(
    records: StreamVec<'scope, Timestamp, Record>,
) -> (StreamVec<'scope, Timestamp, (D::Request, Record)>, StreamVec<'scope, Timestamp, DeadRecord>) {
    records.ok_err(|record| {
        let message = &record.message;
        // A payload that was cut is longer than any request may be, so its kept part is refused for its length.
        match D::decode(message.payload.bytes()) {
            Ok(request) => Ok((request, record)),
            Err(malformed) => {
                let (len, kept) = (message.payload.len(), message.payload.bytes().len());
                let was_cut =
                    (len > kept).then(|| format!("the message has {len} bytes, more than {}", D::MESSAGE_BYTES_MAX));
                let kind = if was_cut.is_some() { MalformedKind::TooLong } else { malformed.kind };
                let reason = was_cut.unwrap_or(malformed.reason);
                Err(DeadRecord { message: record.message, id: malformed.id, reason, kind: kind.into() })
            }
        }
    })
}
