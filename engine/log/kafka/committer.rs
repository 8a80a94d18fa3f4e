//! The thread that commits offsets. A commit blocks: librdkafka reports the end of a commit that does not only to who
//! has set a callback for it, and this binding sets none.

use std::sync::Arc;

use rdkafka::{
    Offset as KafkaOffset, TopicPartitionList,
    consumer::{CommitMode, Consumer},
};

use super::{commits::Due, fault::unavailable, office::Office, reader::Shared};
use crate::delivery::Unavailable;

/// The thread's state.
pub(super) struct Committer {
    pub(super) office: Arc<Office>,
    pub(super) topic: String,
    pub(super) shared: Arc<Shared>,
}

impl Committer {
    pub(super) fn run(&self) {
        while let Some(due) = self.shared.next_commit() {
            let outcome = self.commit(&due);
            self.shared.commit_ended(&due, outcome);
        }
    }

    /// Commits all of these offsets, or fails. Blocks while the group's coordinator is looked for, for
    /// `session.timeout.ms`, and while it is waited for, for `socket.timeout.ms`.
    fn commit(&self, due: &Due) -> Result<(), Unavailable> {
        let failed = |error| unavailable("cannot commit offsets", &error);
        let mut list = TopicPartitionList::with_capacity(due.offsets.len());
        let metadata = due.metadata();
        for (partition, offset) in &due.offsets {
            let mut element = list.add_partition(&self.topic, partition.0.cast_signed());
            element.set_offset(KafkaOffset::Offset(offset.0.cast_signed())).map_err(failed)?;
            element.set_metadata(&metadata);
        }
        self.office.call(|client| client.commit(&list, CommitMode::Sync).map_err(failed))
    }
}
