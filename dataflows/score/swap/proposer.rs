//! Worker 0 proposes a model and counts the votes of the processes.

use std::{cell::RefCell, collections::BTreeSet, rc::Rc, sync::Arc};

use engine::{
    answer::ModelVersion,
    model::{Candidate, DesiredModel, DesiredModels, Role},
};
use serde::{Deserialize, Serialize};
use timely::dataflow::{StreamVec, channels::pact::Exchange, operators::generic::operator::Operator};

use super::CHUNK_BYTES;
use crate::score::{Counters, Timestamp, generation::ProposalNumber};

/// A chunk of a model file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Chunk {
    pub(super) proposal: ProposalNumber,
    pub(super) version: String,
    /// How long the file is.
    pub(super) length: usize,
    /// Where in it this chunk begins.
    pub(super) at: usize,
    pub(super) bytes: Vec<u8>,
}

/// What a process says to a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Vote {
    pub(super) proposal: ProposalNumber,
    pub(super) process: usize,
    /// Why it cannot use the model, if it cannot.
    pub(super) refused: Option<String>,
}

/// What holds from the timestamp on that this is sent at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Announcement {
    pub(super) role: Role,
    /// What is to be used; nothing if there is none.
    pub(super) proposal: Option<ProposalNumber>,
}

/// A model that a process has refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) version: ModelVersion,
    pub(super) process: usize,
    pub(super) reason: String,
}

/// What is proposed, and how that goes.
pub(super) struct Proposer {
    processes: usize,
    /// What was announced last, by role.
    used: [Option<ModelVersion>; Role::ALL.len()],
    number: ProposalNumber,
    proposal: Option<Proposal>,
}

struct Proposal {
    role: Role,
    candidate: Option<Candidate>,
    sent: usize,
    ready: BTreeSet<usize>,
    announced: Option<Timestamp>,
}

impl Proposer {
    pub(super) fn new(processes: usize, first: &ModelVersion) -> Self {
        Proposer { processes, used: [Some(first.clone()), None], number: 0, proposal: None }
    }

    /// What was announced last for a role.
    pub(super) fn used(&self, role: Role) -> Option<&ModelVersion> {
        self.used[role as usize].as_ref()
    }

    /// Takes up what is wished for, if it is time (rule 5).
    pub(super) fn take_up(&mut self, desired: &DesiredModels) {
        for role in Role::ALL {
            // One that is announced is waited for, and one of another role, too.
            if self.proposal.as_ref().is_some_and(|under_way| under_way.announced.is_some() || under_way.role != role) {
                continue;
            }
            let Some(DesiredModel { role, candidate }) = desired.take(role) else { continue };
            self.proposal = None;
            if candidate.as_ref().map(|candidate| &candidate.version) != self.used(role) {
                self.number += 1;
                let (ready, announced) = (BTreeSet::new(), None);
                self.proposal = Some(Proposal { role, candidate, sent: 0, ready, announced });
            }
        }
    }

    /// The next chunk to be sent.
    pub(super) fn next_piece(&mut self) -> Option<Chunk> {
        let Proposal { candidate, sent, .. } = self.proposal.as_mut()?;
        let Candidate { version, bytes } = candidate.as_ref()?;
        let chunk = bytes.get(*sent..)?.chunks(CHUNK_BYTES).next()?;
        let at = std::mem::replace(sent, *sent + chunk.len());
        let (version, length) = (version.to_string(), bytes.len());
        Some(Chunk { proposal: self.number, version, length, at, bytes: chunk.to_vec() })
    }

    /// Whether there is more to be sent.
    pub(super) fn is_sending(&self) -> bool {
        let length = |proposal: &Proposal| proposal.candidate.as_ref().map_or(0, |candidate| candidate.bytes.len());
        self.proposal.as_ref().is_some_and(|proposal| proposal.sent < length(proposal))
    }

    /// A process has voted; returns what it has refused with that. Votes on earlier proposals count for nothing.
    pub(super) fn vote(&mut self, vote: Vote) -> Option<Refused> {
        let proposal = self.proposal.as_mut().filter(|_| vote.proposal == self.number)?;
        let Some(reason) = vote.refused else {
            proposal.ready.insert(vote.process);
            return None;
        };
        let version = self.proposal.take()?.candidate?.version;
        Some(Refused { version, process: vote.process, reason })
    }

    /// What is to be announced for a timestamp: what all are ready for (rule 2).
    pub(super) fn announce(&mut self, at: Timestamp) -> Option<Announcement> {
        let proposal = self.proposal.as_mut().filter(|proposal| proposal.announced.is_none())?;
        if proposal.candidate.is_some() && proposal.ready.len() < self.processes {
            return None;
        }
        proposal.announced = Some(at);
        let version = proposal.candidate.as_ref().map(|candidate| candidate.version.clone());
        let number = version.is_some().then_some(self.number);
        self.used[proposal.role as usize] = version;
        Some(Announcement { role: proposal.role, proposal: number })
    }

    /// All workers have heard what was announced for the timestamps of which `passed` says so.
    pub(super) fn heard(&mut self, passed: impl Fn(Timestamp) -> bool) {
        self.proposal.take_if(|proposal| proposal.announced.is_some_and(passed));
    }
}

/// Counts votes, at worker 0.
pub(super) fn count_votes<'scope>(
    votes: StreamVec<'scope, Timestamp, Vote>,
    proposer: &Rc<RefCell<Proposer>>,
    counters: &Arc<Counters>,
) {
    let (proposer, counters) = (Rc::clone(proposer), Arc::clone(counters));
    votes.sink(Exchange::new(|_: &Vote| 0), "CountVotes", move |(input, _)| {
        input.for_each_stamp(|_, containers| {
            for vote in containers.flat_map(|container| container.drain(..)) {
                let mut proposer = proposer.borrow_mut();
                if let Some(Refused { version, process, reason }) = proposer.vote(vote) {
                    counters.models_refused.add(1);
                    let staying = proposer.used(Role::Current).map(ToString::to_string).unwrap_or_default();
                    tracing::warn!(
                        "model {version} is refused by process {process}: {reason}; {staying} goes on answering"
                    );
                }
            }
        });
    });
}
