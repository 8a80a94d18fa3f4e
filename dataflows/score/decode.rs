//! From messages to requests, and what becomes of those that are none.

use chrono::Utc;
use delaycast::{
    answer::Rejection,
    log::{DeadLetter, Message},
    request::{self, MESSAGE_BYTES_MAX, Request, RequestId},
};
use timely::dataflow::{StreamVec, operators::core::OkErr};

use super::{Timestamp, land::Returned};

/// A record that will have no answer (rule 6).
#[derive(Clone)]
pub(super) struct Dead {
    message: Message,
    id: Option<RequestId>,
    reason: String,
}

impl Dead {
    /// An answer that the store will never take.
    pub(super) fn refused(returned: Returned<delaycast::answer::Answer, Message>) -> Self {
        Dead {
            message: returned.context,
            id: Some(returned.row.request.id),
            reason: format!("the store refuses the answer: {}", returned.reason),
        }
    }

    /// What the asker is told, if it is known who asked.
    pub(super) fn rejection(self) -> Option<(Rejection, ())> {
        self.id.map(|id| (Rejection { id, reason: self.reason, rejected_at: Utc::now() }, ()))
    }

    /// What is kept of the record.
    pub(super) fn into_dead_letter(self) -> (DeadLetter, ()) {
        let Dead { message: Message { position, payload, attempt }, id, reason } = self;
        (DeadLetter { position, id, reason, payload, found_at: Utc::now(), attempt }, ())
    }
}

/// Splits messages into requests and those that cannot be read. The message travels on with its request.
// The error is as large as the success beside it, and both move once.
#[allow(clippy::type_complexity, clippy::result_large_err)]
pub(super) fn decode<'scope>(
    messages: StreamVec<'scope, Timestamp, Message>,
) -> (StreamVec<'scope, Timestamp, (Request, Message)>, StreamVec<'scope, Timestamp, Dead>) {
    messages.ok_err(|message| {
        // A payload that was cut is longer than any request may be, so its kept part is refused for its length.
        match request::decode(message.payload.bytes()) {
            Ok(request) => Ok((request, message)),
            Err(malformed) => {
                let (len, kept) = (message.payload.len(), message.payload.bytes().len());
                let was_cut =
                    (len > kept).then(|| format!("the message has {len} bytes, more than {MESSAGE_BYTES_MAX}"));
                Err(Dead { message, id: malformed.id, reason: was_cut.unwrap_or(malformed.reason) })
            }
        }
    })
}
