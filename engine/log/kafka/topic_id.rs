//! Asks a broker for the id and the number of partitions of a topic.
//!
//! The id comes with librdkafka's `DescribeTopics`, for which the binding has no safe call. This file makes that call
//! and is the only one with unsafe code. A guard frees each owned pointer, and borrowed data are copied while their
//! owner lives.
#![allow(unsafe_code, reason = "the binding has no safe call that returns the id of a topic")]

use std::{
    ffi::{CString, c_char},
    ptr::NonNull,
    time::Duration,
};

use rdkafka::{
    bindings as native,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::RDKafkaErrorCode as Code,
};

use super::{client::unavailable_by_code, config::CALL_TIMEOUT};
use crate::{delivery::Unavailable, log::TopicId};

/// Additional time to wait for the result: librdkafka itself reports a timeout of the broker.
const GRACE: Duration = Duration::from_secs(2);

/// A broker's description of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Description {
    /// `None` if the broker is too old to give topics ids.
    pub(super) id: Option<TopicId>,
    pub(super) partitions: u32,
}

/// Describes a topic; `None` if there is no such topic. Asks `leader`, the leader of one of its partitions: by default
/// librdkafka asks only the controller, which may be down while reading goes on. Blocks, [`CALL_TIMEOUT`] and [`GRACE`]
/// at most.
pub(super) fn describe<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    leader: i32,
) -> Result<Option<Description>, Unavailable> {
    let doing = format!("cannot learn the partitions of topic {topic}");
    let failed = |code: Code| unavailable_by_code(&doing, code);
    let out_of_memory = || Unavailable::transient(format!("{doing}: librdkafka has no memory for the call"));
    let name = CString::new(topic).map_err(|_| failed(Code::InvalidTopic))?;
    let client = consumer.client().native_ptr();
    let operation = native::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;

    // SAFETY: `client` is valid while `consumer` is borrowed, so during this whole function.
    let options = unsafe { native::rd_kafka_AdminOptions_new(client, operation) };
    let options = Owned::new(options, native::rd_kafka_AdminOptions_destroy).ok_or_else(out_of_memory)?;
    // SAFETY: as above; the queue belongs to `client`, and its guard is dropped while that is valid.
    let queue = Owned::new(unsafe { native::rd_kafka_queue_new(client) }, native::rd_kafka_queue_destroy);
    let queue = queue.ok_or_else(out_of_memory)?;
    let mut names = [name.as_ptr()];
    // SAFETY: the array has one name, which ends with a zero byte; librdkafka copies it.
    let topics = unsafe { native::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len()) };
    let topics = Owned::new(topics, native::rd_kafka_TopicCollection_destroy).ok_or_else(out_of_memory)?;
    let mut reason: [c_char; 256] = [0; 256];
    let (reason, len) = (reason.as_mut_ptr(), reason.len());
    // SAFETY: the options are valid, and `reason` points to `len` bytes that live as long as this function.
    let (timeout, broker) = unsafe {
        (
            native::rd_kafka_AdminOptions_set_request_timeout(options.pointer(), millis(CALL_TIMEOUT), reason, len),
            native::rd_kafka_AdminOptions_set_broker(options.pointer(), leader, reason, len),
        )
    };
    succeeded(timeout).and(succeeded(broker)).map_err(failed)?;
    // SAFETY: all four are valid. librdkafka copies topics and options, and holds a reference to the queue of its own.
    unsafe { native::rd_kafka_DescribeTopics(client, topics.pointer(), options.pointer(), queue.pointer()) };
    // SAFETY: the queue is valid; nothing else reads from it.
    let event = unsafe { native::rd_kafka_queue_poll(queue.pointer(), millis(CALL_TIMEOUT + GRACE)) };
    let event = Owned::new(event, native::rd_kafka_event_destroy).ok_or_else(|| failed(Code::OperationTimedOut))?;
    // SAFETY: the event is valid.
    succeeded(unsafe { native::rd_kafka_event_error(event.pointer()) }).map_err(failed)?;
    // SAFETY: the event is valid. The result belongs to it; it is null if the event is of another kind.
    let result = unsafe { native::rd_kafka_event_DescribeTopics_result(event.pointer()) };
    if result.is_null() {
        return Err(failed(Code::BadMessage));
    }
    let mut count = 0;
    // SAFETY: the result is valid while the event is.
    let list = unsafe { native::rd_kafka_DescribeTopics_result_topics(result, &raw mut count) };
    if list.is_null() || count == 0 {
        return Err(failed(Code::BadMessage));
    }
    // SAFETY: the list has `count` elements, so at least one. It and what it points to belong to the event.
    let topic = unsafe { *list };
    if topic.is_null() {
        return Err(failed(Code::BadMessage));
    }
    // SAFETY: the description is valid while the event is; its error belongs to it and may be null, which is no error.
    let error = unsafe {
        let error = native::rd_kafka_TopicDescription_error(topic);
        if error.is_null() {
            native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
        } else {
            native::rd_kafka_error_code(error)
        }
    };
    match succeeded(error) {
        Err(Code::UnknownTopicOrPartition) => return Ok(None),
        Err(code) => return Err(failed(code)),
        Ok(()) => {}
    }
    let mut partitions = 0;
    // SAFETY: the description is valid; only the number of its partitions is used.
    unsafe { native::rd_kafka_TopicDescription_partitions(topic, &raw mut partitions) };
    if partitions == 0 {
        return Err(Unavailable::transient(format!("{doing}: it has none yet")));
    }
    // SAFETY: the description is valid, and the id belongs to it.
    let id = unsafe {
        let id = native::rd_kafka_TopicDescription_topic_id(topic);
        (!id.is_null()).then(|| {
            [native::rd_kafka_Uuid_most_significant_bits(id), native::rd_kafka_Uuid_least_significant_bits(id)]
        })
    };
    let id = id.filter(|halves| *halves != [0, 0]).map(|[high, low]| topic_id_of(high, low));
    Ok(Some(Description { id, partitions: u32::try_from(partitions).unwrap_or(u32::MAX) }))
}

fn topic_id_of(high: i64, low: i64) -> TopicId {
    let (high, low) = (u128::from(high.cast_unsigned()), u128::from(low.cast_unsigned()));
    TopicId((high << 64 | low).to_be_bytes())
}

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}

fn succeeded(error: native::rd_kafka_resp_err_t) -> Result<(), Code> {
    if error == native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR { Ok(()) } else { Err(error.into()) }
}

/// A pointer owned by this program, and the function that frees it.
struct Owned<T> {
    pointer: NonNull<T>,
    destroy: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// `None` for a null pointer.
    fn new(pointer: *mut T, destroy: unsafe extern "C" fn(*mut T)) -> Option<Self> {
        Some(Owned { pointer: NonNull::new(pointer)?, destroy })
    }

    fn pointer(&self) -> *mut T {
        self.pointer.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: the pointer came from the function that `destroy` belongs to, nothing else frees it, and it is used
        // no more.
        unsafe { (self.destroy)(self.pointer.as_ptr()) }
    }
}
