//! Connections among the processes besides process 0.

use std::{
    io,
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;
use rand::RngExt;
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};

use super::{
    Door, Generation,
    attempt::{Attempt, Failure},
    channel::{Channel, Fault},
    door::Arrival,
    link::tune,
    message::{Incarnation, Message},
    refusals::turn_away,
};

/// A connection stands within this time, or is tried again.
const DIAL: Duration = Duration::from_secs(2);
/// Why not is said again after this time.
const REMIND: Duration = Duration::from_secs(10);
/// Tries follow each other after a pause between this and a tenth of it.
const PAUSE: Duration = Duration::from_millis(200);

/// Connects to a process of a lower number, and tries until it succeeds.
pub(super) async fn dial(attempt: &Attempt<'_>, index: usize) -> Channel {
    let mut said: Option<Instant> = None;
    loop {
        match timeout(DIAL, dial_once(attempt, index)).await.unwrap_or(Err(Fault::Silent)) {
            Ok(channel) => return channel,
            Err(fault) => {
                let why = format!("process {index} ({}): {fault}", attempt.site.peers.address(index));
                // Who is not there yet is waited for; who is there and does not get on with us is told of at once.
                if !fault.is_absence() && said.is_none_or(|at| at.elapsed() >= REMIND) {
                    tracing::warn!("mesh: cannot connect to {why}");
                    said = Some(Instant::now());
                }
                attempt.waiting.for_(why);
            }
        }
        let pause = PAUSE.mul_f64(rand::rng().random_range(0.1..1.0));
        sleep(pause).await;
    }
}

async fn dial_once(attempt: &Attempt<'_>, index: usize) -> Result<Channel, Fault> {
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "its name has no address");
    for address in attempt.site.peers.resolve(index).await? {
        match TcpStream::connect(address).await {
            Ok(tcp) => {
                tune(&tcp)?;
                return attempt.site.trust.dialled(tcp, address).await;
            }
            Err(error) => failed = error,
        }
    }
    Err(failed.into())
}

/// Joins all processes between process 0 and this one; returns them in order.
pub(super) async fn join(
    attempt: &Attempt<'_>,
    generation: Generation,
    incarnations: &[Incarnation],
) -> Result<Vec<Channel>, Failure> {
    let (index, incarnation) = (attempt.site.peers.index(), attempt.incarnation);
    debug_assert_eq!(incarnations.get(index), Some(&incarnation));
    let join = Message::Join { index, incarnation, generation: generation.id };
    let join = &join;
    try_join_all((1..index).map(|peer| async move {
        let mut channel = dial(attempt, peer).await;
        channel.send(join).await.map_err(attempt.of(peer))?;
        match channel.receive().await.map_err(attempt.of(peer))? {
            Message::Joined => Ok(channel),
            other => Err(attempt.of(peer)(Fault::OutOfOrder { got: other.name(), wanted: "Joined" })),
        }
    }))
    .await
}

/// Waits until all processes of a higher number have joined; returns them in order.
pub(super) async fn joined_by(
    attempt: &Attempt<'_>,
    generation: Generation,
    incarnations: &[Incarnation],
    early: Vec<Arrival>,
    door: &mut Door,
) -> Result<Vec<Channel>, Failure> {
    let first = attempt.site.peers.index() + 1;
    let mut joined: Vec<Option<Channel>> = (first..incarnations.len()).map(|_| None).collect();
    let mut early = early.into_iter();
    while joined.iter().any(Option::is_none) {
        let arrival = match early.next() {
            Some(arrival) => arrival,
            None => door.next().await.ok_or(Failure::Closed)?,
        };
        let Arrival { message, mut channel } = arrival;
        let place = match message {
            Message::Join { index, incarnation, generation: id } if id == generation.id => {
                let known = incarnations.get(index) == Some(&incarnation);
                index.checked_sub(first).filter(|_| known).map(|place| (index, place))
            }
            _ => None,
        };
        let Some((index, place)) = place else {
            turn_away(channel, format!("generation {} forms without it", generation.number)).await;
            continue;
        };
        channel.send(&Message::Joined).await.map_err(attempt.of(index))?;
        if let Some(place) = joined.get_mut(place) {
            *place = Some(channel);
        }
    }
    Ok(joined.into_iter().flatten().collect())
}
