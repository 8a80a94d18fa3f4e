//! The proposer of worker 0: it proposes one model at a time and counts the votes of the processes.

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
    /// The length of the file.
    pub(super) length: usize,
    /// The offset of this chunk in the file.
    pub(super) at: usize,
    pub(super) bytes: Vec<u8>,
}

/// A process's vote on a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Vote {
    pub(super) proposal: ProposalNumber,
    pub(super) process: usize,
    /// The reason why the process cannot use the model; `None` if it has loaded it.
    pub(super) refused: Option<String>,
}

/// A change that takes effect at the timestamp at which it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Announcement {
    pub(super) role: Role,
    /// The model to use; `None` removes the shadow.
    pub(super) proposal: Option<ProposalNumber>,
}

/// A model that a process has refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) version: ModelVersion,
    pub(super) process: usize,
    pub(super) reason: String,
}

/// The proposal in progress, and the models announced before.
pub(super) struct Proposer {
    processes: usize,
    /// The version announced last, by role.
    announced: [Option<ModelVersion>; Role::ALL.len()],
    number: ProposalNumber,
    proposal: Option<Proposal>,
}

struct Proposal {
    role: Role,
    candidate: Option<Candidate>,
    sent: usize,
    ready: BTreeSet<usize>,
    announced_at: Option<Timestamp>,
}

impl Proposer {
    pub(super) fn new(processes: usize, first: &ModelVersion) -> Self {
        Proposer { processes, announced: [Some(first.clone()), None], number: 0, proposal: None }
    }

    /// Returns the version announced last for a role.
    pub(super) fn announced(&self, role: Role) -> Option<&ModelVersion> {
        self.announced[role as usize].as_ref()
    }

    /// Proposes the desired model, unless another proposal must end first (rule 5).
    pub(super) fn propose(&mut self, desired: &DesiredModels) {
        for role in Role::ALL {
            // A proposal that is announced, or is for another role, must end first.
            if self.proposal.as_ref().is_some_and(|other| other.announced_at.is_some() || other.role != role) {
                continue;
            }
            let Some(DesiredModel { role, candidate }) = desired.take(role) else { continue };
            self.proposal = None;
            if candidate.as_ref().map(|candidate| &candidate.version) != self.announced(role) {
                self.number += 1;
                let (ready, announced_at) = (BTreeSet::new(), None);
                self.proposal = Some(Proposal { role, candidate, sent: 0, ready, announced_at });
            }
        }
    }

    /// Returns the next chunk to send.
    pub(super) fn next_chunk(&mut self) -> Option<Chunk> {
        let Proposal { candidate, sent, .. } = self.proposal.as_mut()?;
        let Candidate { version, bytes } = candidate.as_ref()?;
        let chunk = bytes.get(*sent..)?.chunks(CHUNK_BYTES).next()?;
        let at = std::mem::replace(sent, *sent + chunk.len());
        let (version, length) = (version.to_string(), bytes.len());
        Some(Chunk { proposal: self.number, version, length, at, bytes: chunk.to_vec() })
    }

    /// Returns true if there are more chunks to send.
    pub(super) fn is_sending(&self) -> bool {
        let length = |proposal: &Proposal| proposal.candidate.as_ref().map_or(0, |candidate| candidate.bytes.len());
        self.proposal.as_ref().is_some_and(|proposal| proposal.sent < length(proposal))
    }

    /// Counts a vote; returns the model if the vote refuses it. Votes on earlier proposals are ignored.
    pub(super) fn count_vote(&mut self, vote: Vote) -> Option<Refused> {
        let proposal = self.proposal.as_mut().filter(|_| vote.proposal == self.number)?;
        let Some(reason) = vote.refused else {
            proposal.ready.insert(vote.process);
            return None;
        };
        let version = self.proposal.take()?.candidate?.version;
        Some(Refused { version, process: vote.process, reason })
    }

    /// Returns the announcement of the proposal, for a timestamp, when all processes have loaded its model (rule 2).
    pub(super) fn announce(&mut self, at: Timestamp) -> Option<Announcement> {
        let proposal = self.proposal.as_mut().filter(|proposal| proposal.announced_at.is_none())?;
        if proposal.candidate.is_some() && proposal.ready.len() < self.processes {
            return None;
        }
        proposal.announced_at = Some(at);
        let version = proposal.candidate.as_ref().map(|candidate| candidate.version.clone());
        let number = version.is_some().then_some(self.number);
        self.announced[proposal.role as usize] = version;
        Some(Announcement { role: proposal.role, proposal: number })
    }

    /// Ends a proposal when all workers have received its announcement: `received` is true for its timestamp.
    pub(super) fn finish_announced(&mut self, received: impl Fn(Timestamp) -> bool) {
        self.proposal.take_if(|proposal| proposal.announced_at.is_some_and(received));
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
                if let Some(Refused { version, process, reason }) = proposer.count_vote(vote) {
                    counters.models_refused.add(1);
                    let staying = proposer.announced(Role::Current).map(ToString::to_string).unwrap_or_default();
                    tracing::warn!(
                        "model {version} is refused by process {process}: {reason}; {staying} goes on answering"
                    );
                }
            }
        });
    });
}
