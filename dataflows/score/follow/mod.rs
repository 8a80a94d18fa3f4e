//! Followed answers: a request that wants it is asked again whenever the state changes, and a version lands whenever
//! its answer has changed by enough.
//!
//! ```text
//!  Score ──▶ TakeFollowed ──▶ LandAnswers
//!                 └─ followed ──▶ Follow ──▶ versions and records, in the store
//!                                    ▲
//!                                  state
//! ```
//!
//! # The rules
//!
//! Each has a test of its number in `tests/follow_rules.rs`.
//!
//! 1. The worker that answers a request follows it. A generation that starts finds the followed requests in the store,
//!    and each goes to the worker to which its position belongs, where it would also be read again.
//! 2. Version 1 says what the first answer says, and is durable before the request's offset is committed. A request
//!    that is read again begins nothing anew.
//! 3. Versions are numbered without a gap: version n + 1 is made when version n is durable. The first version of a
//!    number wins, so that none is ever changed.
//! 4. Nothing is asked again before the state is rebuilt: half a state would make versions that no event has caused.
//! 5. The last version says that it is the last: the answer is final, or the time is over, or there are as many
//!    versions as may be.
//! 6. At most [`FOLLOWED_MAX`] requests are followed by a worker. One more is answered as any other, and its version 1
//!    says why no other comes.
//! 7. Requests are asked again for a tenth of a worker's time at most, in turns of [`TURN`], between which other
//!    requests are answered. When nothing changes they are asked again every [`IDLE_EVERY`], as time alone changes an
//!    answer.
//! 8. Versions after the first hold nothing back: an outage of the store delays them, and no commit.

mod follower;
mod table;

use engine::domain::{Domain, Follow};
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        StreamVec,
        channels::pact::Pipeline,
        operators::{
            Operator,
            generic::{OutputBuilder, builder_rc::OperatorBuilder},
        },
    },
    progress::operate::FrontierInterest,
};

use super::{
    clock::{Ticker, Timestamp},
    connections::FollowIo,
    generation::Shared,
    swap::SharedSchedule,
};

use follower::{Follower, Scored};
pub use follower::{IDLE_EVERY, TURN};
pub use table::FOLLOWED_MAX;

/// Passes all answers on, and returns copies of those whose requests want to be followed.
pub(super) fn take_followed<'scope, D: Domain>(
    answers: StreamVec<'scope, Timestamp, Scored<D>>,
    follow: &'static dyn Follow<D>,
) -> [StreamVec<'scope, Timestamp, Scored<D>>; 2] {
    let mut builder = OperatorBuilder::new("TakeFollowed".to_owned(), answers.scope());
    let mut input = builder.new_input(answers, Pipeline);
    builder.set_notify_for(0, FrontierInterest::Never);
    let (all, all_stream) = builder.new_output();
    let (followed, followed_stream) = builder.new_output();
    let mut all = OutputBuilder::<_, CapacityContainerBuilder<Vec<Scored<D>>>>::from(all);
    let mut followed = OutputBuilder::<_, CapacityContainerBuilder<Vec<Scored<D>>>>::from(followed);
    builder.build(move |_| {
        move |_| {
            let (mut all, mut followed) = (all.activate(), followed.activate());
            input.for_each_stamp(|capability, containers| {
                for answers in containers {
                    let wanted = answers.iter().filter(|(answer, _)| follow.is_wanted(&answer.request));
                    followed.session(&capability).give_iterator(wanted.cloned());
                    all.session(&capability).give_container(answers);
                }
            });
        }
    });
    [all_stream, followed_stream]
}

/// Follows the requests of answers. The stream has nothing in it: its frontier passes a timestamp when version 1 of all
/// its answers is durable.
pub(super) fn follow<'scope, D: Domain>(
    followed: StreamVec<'scope, Timestamp, Scored<D>>,
    FollowIo { follow, versions: (versions, activator), resumed }: FollowIo<D>,
    schedule: SharedSchedule<D>,
    shared: &Shared<D>,
) -> StreamVec<'scope, Timestamp, ()> {
    let scope = followed.scope();
    let mut follower = Follower::new(follow, versions, schedule, shared.clone());
    follower.resume(resumed);
    let observer = shared.observer.clone();
    followed.unary::<CapacityContainerBuilder<Vec<()>>, _, _, _>(Pipeline, "Follow", move |_, info| {
        activator.bind(scope.worker().sync_activator_for(info.address.to_vec()));
        if let Some(observer) = observer {
            observer.activate_on_change(scope.activator_for(info.address.clone()));
        }
        let wake = scope.activator_for(info.address);
        wake.activate();
        let mut ticker = Ticker::new();
        move |input, _| {
            input.for_each_stamp(|capability, containers| {
                let answers = containers.flat_map(|container| container.drain(..));
                follower.begin(answers, || capability.retain_least(0));
            });
            follower.settle();
            if let Some(pause) = follower.ask_again() {
                wake.activate_after(pause);
            }
            ticker.rearm(IDLE_EVERY, |delay| wake.activate_after(delay));
        }
    })
}
