//! The proposer of worker 0: it proposes one model at a time and counts the votes of the processes.

use std::{cell::RefCell, collections::BTreeSet, rc::Rc, sync::Arc};

use engine::{
    answer::ModelVersion,
    model::{Candidate, DesiredModel, DesiredModels, Role},
};
use serde::{Deserialize, Serialize};
use timely::dataflow::{StreamVec, channels::pact::Exchange, operators::generic::operator::Operator};

use super::CHUNK_BYTES;
use crate::score::{clock::Timestamp, counters::Counters, generation::ProposalNumber};

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

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a desired model whose file has four chunks.
    fn desired_model(version: &str) -> DesiredModel {
        let bytes = vec![1; CHUNK_BYTES * 3 + 17];
        let candidate = Candidate { version: ModelVersion::new(version), bytes: bytes.into() };
        DesiredModel { role: Role::Current, candidate: Some(candidate) }
    }

    #[test]
    fn rule_5_a_newer_desired_model_replaces_a_proposal_that_is_not_announced_and_waits_for_one_that_is() {
        let (mut proposer, desired) = (Proposer::new(2, &ModelVersion::new("v1")), DesiredModels::default());
        let send = |proposer: &mut Proposer| {
            let chunks: Vec<_> = std::iter::from_fn(|| proposer.next_chunk()).collect();
            (chunks.len(), chunks.last().map(|chunk| (chunk.proposal, chunk.version.clone())))
        };
        let ready = |proposal, process| Vote { proposal, process, refused: None };
        let no = |proposal, process| Vote { proposal, process, refused: Some("no".into()) };
        // The model in use is not proposed.
        desired.put(desired_model("v1"));
        proposer.propose(&desired);
        assert_eq!(send(&mut proposer), (0, None));

        desired.put(desired_model("v2"));
        proposer.propose(&desired);
        assert_eq!(proposer.next_chunk().map(|chunk| (chunk.proposal, chunk.at)), Some((1, 0)));
        assert!(proposer.is_sending());
        desired.put(desired_model("v3"));
        proposer.propose(&desired);
        assert_eq!(send(&mut proposer), (4, Some((2, "v3".into()))));
        assert_eq!((proposer.count_vote(ready(2, 0)), proposer.announce(70)), (None, None));
        // Votes on the earlier proposal are ignored.
        assert_eq!(
            (proposer.count_vote(no(1, 0)), proposer.count_vote(ready(1, 1)), proposer.announce(80)),
            (None, None, None)
        );
        assert_eq!(proposer.count_vote(ready(2, 1)), None);
        desired.put(desired_model("v4"));
        assert_eq!(proposer.announce(100).unwrap().proposal, Some(2));
        assert_eq!(proposer.announced(Role::Current).unwrap().as_str(), "v3");

        proposer.propose(&desired);
        assert_eq!((send(&mut proposer), proposer.announce(110)), ((0, None), None), "v3 is announced");
        proposer.finish_announced(|at| at < 100);
        proposer.propose(&desired);
        assert_eq!(send(&mut proposer).0, 0);
        proposer.finish_announced(|at| at <= 100);
        proposer.propose(&desired);
        assert_eq!(send(&mut proposer), (4, Some((3, "v4".into()))));
        let refused = proposer.count_vote(no(3, 1)).unwrap();
        assert_eq!((refused.version.as_str(), refused.process, refused.reason.as_str()), ("v4", 1, "no"));
        assert_eq!(
            (proposer.count_vote(no(3, 0)), proposer.announce(120)),
            (None, None),
            "the refusal is returned once"
        );

        // A shadow waits for the end of the other role's proposal; its removal needs no votes.
        desired.put(desired_model("v5"));
        desired.put(DesiredModel { role: Role::Shadow, ..desired_model("v6") });
        proposer.propose(&desired);
        assert_eq!(send(&mut proposer).1, Some((4, "v5".into())));
        (0..2).for_each(|process| drop(proposer.count_vote(ready(4, process))));
        assert_eq!(proposer.announce(200).unwrap().role, Role::Current);
        proposer.finish_announced(|_| true);
        proposer.propose(&desired);
        assert_eq!(send(&mut proposer).1, Some((5, "v6".into())));
        (0..2).for_each(|process| drop(proposer.count_vote(ready(5, process))));
        assert_eq!(proposer.announce(300).unwrap().role, Role::Shadow);
        proposer.finish_announced(|_| true);
        desired.put(DesiredModel { role: Role::Shadow, candidate: None });
        proposer.propose(&desired);
        let removal = proposer.announce(400).unwrap();
        assert_eq!((removal.role, removal.proposal, proposer.announced(Role::Shadow)), (Role::Shadow, None, None));
    }
}
