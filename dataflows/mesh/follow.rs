//! Any other process: reports to process 0, connects to the others, and waits for the word to start.

use tokio::pin;

use super::{
    Door, Generation,
    attempt::{Attempt, Failure},
    channel::{Channel, Fault},
    door::Arrival,
    join::{dial, join, joined_by},
    message::{Incarnation, Message},
    refusals::turn_away,
};

pub(super) async fn follow(
    attempt: &Attempt<'_>,
    door: &mut Door,
) -> Result<(Generation, Vec<Option<Channel>>), Failure> {
    let (site, incarnation) = (attempt.site, attempt.incarnation);
    let (index, of_leader) = (site.peers.index(), |fault| attempt.of_leader(fault));
    let mut leader = dial(attempt, 0).await;
    let last_generation = site.last_generation;
    let hello = Message::Hello { index, incarnation, last_generation, terms: attempt.terms.clone() };
    leader.send(&hello).await.map_err(of_leader)?;

    attempt.waiting.for_(format_args!("process 0 ({}), which waits for others", site.peers.address(0)));
    let mut early = Vec::new();
    let (generation, incarnations) =
        formed(&mut leader, door, &mut early, site.peers.count()).await.map_err(of_leader)?;
    if incarnations.len() != site.peers.count() || incarnations.get(index) != Some(&incarnation) {
        return Err(of_leader(Fault::Stranger));
    }

    attempt.waiting.for_("the processes to connect to each other");
    let joined = async {
        tokio::try_join!(
            join(attempt, generation, &incarnations),
            joined_by(attempt, generation, &incarnations, early, door)
        )
    };
    // It says nothing before all are ready: so whatever comes is its end, and there is nobody to wait for.
    let (lower, higher) = tokio::select! {
        joined = joined => joined?,
        ended = leader.receive() => return Err(of_leader(match ended {
            Ok(other) => Fault::OutOfOrder { got: other.name(), wanted: "nothing" },
            Err(fault) => fault,
        })),
    };
    leader.send(&Message::Ready).await.map_err(of_leader)?;
    match leader.receive().await.map_err(of_leader)? {
        Message::Go => {}
        other => return Err(of_leader(Fault::OutOfOrder { got: other.name(), wanted: "Go" })),
    }
    let channels = [Some(leader)].into_iter().chain(lower.into_iter().map(Some)).chain([None]);
    Ok((generation, channels.chain(higher.into_iter().map(Some)).collect()))
}

/// Waits for the generation. Who has heard of it earlier and joins already is kept for later.
async fn formed(
    leader: &mut Channel,
    door: &mut Door,
    early: &mut Vec<Arrival>,
    early_max: usize,
) -> Result<(Generation, Vec<Incarnation>), Fault> {
    // Not to be started again halfway through a message.
    let message = leader.receive();
    pin!(message);
    loop {
        tokio::select! {
            message = &mut message => return match message? {
                Message::Form { generation, incarnations } => Ok((generation, incarnations)),
                other => Err(Fault::OutOfOrder { got: other.name(), wanted: "Form" }),
            },
            Some(arrival) = door.next() => match arrival.message {
                Message::Join { .. } if early.len() < early_max => early.push(arrival),
                Message::Join { .. } => arrival.channel.refuse("too many join at once".into()).await,
                _ => turn_away(arrival.channel, "only process 0 gathers the others: are the addresses in the same order everywhere?".into()).await,
            },
        }
    }
}
