//! The tables of one worker: what timely logs of its operators and channels.

use std::{collections::BTreeMap, time::Duration};

use engine::status::{CHANNELS_MAX, ChannelStatus, DataflowStatus, OPERATORS_MAX, OperatorStatus};
use timely::{
    logging::{ChannelsEvent, MessagesEvent, OperatesEvent, ParkEvent, StartStop, TimelyEvent, TimelyProgressEvent},
    progress::reachability::logging::TrackerEvent,
};

use super::{Timestamp, pointstamps::Pointstamps};

/// The tables.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    dataflows: BTreeMap<usize, Dataflow>,
    /// The operator of each id that timely gave.
    operators: Vec<Option<Operator>>,
    /// The channel of each id that timely gave.
    channels: Vec<Option<Channel>>,
    /// The pointstamps of each dataflow, by the id of its scope.
    pointstamps: BTreeMap<usize, Pointstamps>,
    parked_at: Option<Duration>,
    parked: Duration,
    progress: Progress,
}

/// The messages about progress of one worker: each tells all workers, itself included, how pointstamps have changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Those that it has broadcast.
    pub(crate) sent: usize,
    /// Those that it has received, of itself, too.
    pub(crate) received: usize,
}

#[derive(Debug)]
struct Dataflow {
    name: String,
    /// The id of its scope.
    id: usize,
}

#[derive(Debug)]
struct Operator {
    dataflow: usize,
    index: usize,
    name: String,
    scheduled: u64,
    started_at: Option<Duration>,
    busy: Duration,
    received: u64,
}

#[derive(Debug)]
struct Channel {
    dataflow: usize,
    source: usize,
    target: usize,
    /// The id of the operator that receives.
    target_id: Option<usize>,
    records: u64,
    messages: u64,
}

impl Recorder {
    pub(super) fn event(&mut self, at: Duration, event: TimelyEvent) {
        match event {
            TimelyEvent::Schedule(event) => {
                let Some(Some(operator)) = self.operators.get_mut(event.id) else { return };
                match event.start_stop {
                    StartStop::Start => {
                        operator.scheduled += 1;
                        operator.started_at = Some(at);
                    }
                    StartStop::Stop => {
                        let started_at = operator.started_at.take();
                        operator.busy += started_at.map_or(Duration::ZERO, |started_at| at.saturating_sub(started_at));
                    }
                }
            }
            TimelyEvent::Messages(event) => self.messages(&event),
            TimelyEvent::Park(ParkEvent::Park(_)) => self.parked_at = Some(at),
            TimelyEvent::Park(ParkEvent::Unpark) => {
                let parked_at = self.parked_at.take();
                self.parked += parked_at.map_or(Duration::ZERO, |parked_at| at.saturating_sub(parked_at));
            }
            TimelyEvent::Operates(event) => self.operates(event),
            TimelyEvent::Channels(event) => self.connects(&event),
            TimelyEvent::PushProgress(_)
            | TimelyEvent::Shutdown(_)
            | TimelyEvent::CommChannels(_)
            | TimelyEvent::Text(_) => {}
        }
    }

    pub(super) fn pointstamps(&mut self, event: TrackerEvent<Timestamp>) {
        let id = match &event {
            TrackerEvent::SourceUpdate(update) => update.tracker_id,
            TrackerEvent::TargetUpdate(update) => update.tracker_id,
        };
        self.pointstamps.entry(id).or_default().apply(event);
    }

    pub(super) fn progress_event(&mut self, event: &TimelyProgressEvent<Timestamp>) {
        let count = if event.is_send { &mut self.progress.sent } else { &mut self.progress.received };
        *count += 1;
    }

    /// Returns the messages about progress since the last call.
    pub(super) fn take_progress(&mut self) -> Progress {
        std::mem::take(&mut self.progress)
    }

    pub(super) fn parked(&self) -> Duration {
        self.parked
    }

    fn operates(&mut self, OperatesEvent { id, addr, name }: OperatesEvent) {
        match *addr {
            [dataflow] => {
                self.dataflows.insert(dataflow, Dataflow { name, id });
            }
            [dataflow, index] => {
                let operator = Operator {
                    dataflow,
                    index,
                    name,
                    scheduled: 0,
                    started_at: None,
                    busy: Duration::ZERO,
                    received: 0,
                };
                put(&mut self.operators, id, operator);
            }
            // Those of a nested scope count as the operator that the scope is.
            _ => {}
        }
    }

    fn connects(&mut self, event: &ChannelsEvent) {
        let [dataflow] = *event.scope_addr else { return };
        let (source, target) = (event.source.0, event.target.0);
        let channel = Channel { dataflow, source, target, target_id: None, records: 0, messages: 0 };
        put(&mut self.channels, event.id, channel);
    }

    fn messages(&mut self, event: &MessagesEvent) {
        let Some(Some(channel)) = self.channels.get_mut(event.channel) else { return };
        let records = u64::try_from(event.record_count).unwrap_or(0);
        if event.is_send {
            channel.records += records;
            channel.messages += 1;
            return;
        }
        // Operators are logged after their channels, so the id is looked for when it is needed.
        if channel.target_id.is_none() {
            let of = |it: &Operator| it.dataflow == channel.dataflow && it.index == channel.target;
            channel.target_id = self.operators.iter().position(|operator| operator.as_ref().is_some_and(of));
        }
        if let Some(Some(operator)) = channel.target_id.and_then(|id| self.operators.get_mut(id)) {
            operator.received += records;
        }
    }

    /// Returns the dataflows, each with its operators by index; the time for which a frontier stands is not known here.
    pub(super) fn dataflows(&self) -> Vec<DataflowStatus> {
        let of = |(index, dataflow)| self.dataflow(index, dataflow);
        self.dataflows.iter().map(of).collect()
    }

    fn dataflow(&self, index: &usize, Dataflow { name, id }: &Dataflow) -> DataflowStatus {
        let none = Pointstamps::default();
        let pointstamps = self.pointstamps.get(id).unwrap_or(&none);
        let channels = || self.channels.iter().flatten().filter(|channel| channel.dataflow == *index);
        let ends: Vec<(usize, usize)> = channels().map(|channel| (channel.source, channel.target)).collect();
        let (frontier, frontiers) = (pointstamps.least(), pointstamps.frontiers(&ends));
        let status = |operator: &Operator| {
            let at = pointstamps.at(operator.index);
            OperatorStatus {
                index: operator.index,
                name: operator.name.clone(),
                scheduled: operator.scheduled,
                busy_us: operator.busy.as_micros() as u64,
                received: operator.received,
                waiting: at.map_or(0, |at| at.waiting()),
                frontier: frontiers.get(&operator.index).copied(),
                holds_frontier: frontier.is_some() && at.and_then(|at| at.least()) == frontier,
            }
        };
        let operators = self.operators.iter().flatten().filter(|operator| operator.dataflow == *index);
        let mut operators: Vec<_> = operators.map(status).take(OPERATORS_MAX).collect();
        operators.sort_by_key(|operator| operator.index);
        let channel = |channel: &Channel| ChannelStatus {
            source: channel.source,
            target: channel.target,
            records: channel.records,
            messages: channel.messages,
        };
        DataflowStatus {
            name: name.clone(),
            operators,
            channels: channels().map(channel).take(CHANNELS_MAX).collect(),
            frontier,
            frontier_for_ms: 0,
        }
    }
}

/// Puts a value at an index. Ids are small: a worker counts them up from 0.
fn put<T>(table: &mut Vec<Option<T>>, at: usize, value: T) {
    if table.len() <= at {
        table.resize_with(at + 1, || None);
    }
    table[at] = Some(value);
}
