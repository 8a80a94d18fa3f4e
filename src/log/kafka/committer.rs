//! The thread that commits offsets. A commit blocks: librdkafka reports the end of a commit that does not only to who
//! has set a callback for it, and this binding sets none.

use std::sync::Arc;

use rdkafka::{
    Offset as KafkaOffset, TopicPartitionList,
    consumer::{CommitMode, Consumer},
};

use super::{fault::unavailable, office::Office, reader::Shared};
use crate::{delivery::Unavailable, log::Offsets};

/// The thread's state.
pub(super) struct Committer {
    pub(super) office: Arc<Office>,
    pub(super) topic: String,
    pub(super) shared: Arc<Shared>,
}

impl Committer {
    pub(super) fn run(&self) {
        while let Some(offsets) = self.shared.next_commit() {
            let outcome = self.commit(&offsets);
            self.shared.commit_ended(&offsets, outcome);
        }
    }

    /// Commits all of these offsets, or fails. Blocks while the group's coordinator is looked for, for
    /// `session.timeout.ms`, and while it is waited for, for `socket.timeout.ms`.
    fn commit(&self, offsets: &Offsets) -> Result<(), Unavailable> {
        let failed = |error| unavailable("cannot commit offsets", &error);
        let mut list = TopicPartitionList::with_capacity(offsets.len());
        for (partition, offset) in offsets {
            let offset = KafkaOffset::Offset(offset.0.cast_signed());
            list.add_partition_offset(&self.topic, partition.0.cast_signed(), offset).map_err(failed)?;
        }
        self.office.call(|client| client.commit(&list, CommitMode::Sync).map_err(failed))
    }
}
