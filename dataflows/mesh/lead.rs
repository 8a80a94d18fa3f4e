//! Process 0: gathers the others, makes the generation, and says when it starts.

use delaycast::clock;
use futures_util::future::try_join_all;
use rand::RngExt;

use super::{
    Door, Generation,
    attempt::{Attempt, Failure},
    channel::{Channel, Fault},
    door::Arrival,
    message::{Incarnation, Message},
    refusals::turn_away,
};

/// A process that is here.
struct Member {
    incarnation: Incarnation,
    last_generation: u64,
    channel: Channel,
}

pub(super) async fn lead(
    attempt: &Attempt<'_>,
    door: &mut Door,
) -> Result<(Generation, Vec<Option<Channel>>), Failure> {
    let members = gather(attempt, door).await?;
    let known = members.iter().map(|member| member.last_generation).fold(attempt.site.last_generation, u64::max);
    let generation = Generation {
        number: known.saturating_add(1),
        id: rand::rng().random(),
        clock_ms: clock::now().timestamp_millis().unsigned_abs(),
        partitions: attempt.site.partitions,
    };
    let incarnations: Vec<Incarnation> =
        [attempt.incarnation].into_iter().chain(members.iter().map(|member| member.incarnation)).collect();
    attempt.waiting.for_("the processes to connect to each other");
    let form = Message::Form { generation, incarnations };
    let ready =
        try_join_all(members.into_iter().enumerate().map(|(i, member)| make_ready(attempt, i + 1, member, &form)));
    let ready = ready.await?;
    let gone = try_join_all(ready.into_iter().enumerate().map(|(i, mut channel)| async move {
        channel.send(&Message::Go).await.map_err(attempt.of(i + 1))?;
        Ok(Some(channel))
    }));
    let mut channels = vec![None];
    channels.extend(gone.await?);
    Ok((generation, channels))
}

/// Waits until all others are here, and returns them by number, from 1.
async fn gather(attempt: &Attempt<'_>, door: &mut Door) -> Result<Vec<Member>, Failure> {
    let mut members: Vec<Option<Member>> = (1..attempt.site.peers.count()).map(|_| None).collect();
    loop {
        let missing: Vec<usize> = (1..).zip(&members).filter(|(_, member)| member.is_none()).map(|(i, _)| i).collect();
        if missing.is_empty() {
            return Ok(members.into_iter().flatten().collect());
        }
        let place = |&index: &usize| format!("{index} ({})", attempt.site.peers.address(index));
        let missing: Vec<String> = missing.iter().map(place).collect();
        attempt.waiting.for_(format_args!("process {} is not here", missing.join(", ")));
        let Arrival { message, channel } = door.next().await.ok_or(Failure::Closed)?;
        match admit(attempt, message) {
            Ok((index, incarnation, last_generation)) => {
                if let Some(place) = members.get_mut(index - 1) {
                    *place = Some(Member { incarnation, last_generation, channel });
                }
            }
            Err(reason) => {
                turn_away(channel, reason).await;
                // It may be this process that is behind: a new model has come since the try began.
                if (attempt.site.terms)() != attempt.terms {
                    return Err(Failure::Outdated);
                }
            }
        }
    }
}

/// Who said this, if it may take part; else why not.
fn admit(attempt: &Attempt<'_>, message: Message) -> Result<(usize, Incarnation, u64), String> {
    let Message::Hello { index, incarnation, last_generation, terms } = message else {
        return Err(format!("a Hello was due, not a {}", message.name()));
    };
    if let Some(disagreement) = attempt.terms.disagreement(&terms) {
        return Err(disagreement);
    }
    if !(1..attempt.site.peers.count()).contains(&index) {
        return Err(format!("there is no process {index} to be waited for"));
    }
    Ok((index, incarnation, last_generation))
}

/// Tells a process of the generation and waits until it has its connections.
async fn make_ready(attempt: &Attempt<'_>, index: usize, member: Member, form: &Message) -> Result<Channel, Failure> {
    let mut channel = member.channel;
    let ready = async {
        channel.send(form).await?;
        match channel.receive().await? {
            Message::Ready => Ok(()),
            other => Err(Fault::OutOfOrder { got: other.name(), wanted: "Ready" }),
        }
    };
    ready.await.map_err(attempt.of(index))?;
    Ok(channel)
}
