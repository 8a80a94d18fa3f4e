//! Forming a generation: again and again until it stands.

use std::time::Duration;

use rand::RngExt;
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    Door, FORMING, Generation, Link, Site, Terms,
    attempt::{Attempt, Failure, Waiting},
    follow::follow,
    lead::lead,
};

/// Tries follow each other after a pause between this and a quarter of it.
const PAUSE: Duration = Duration::from_millis(200);

/// A generation that stands.
#[derive(Debug)]
pub struct Formed {
    /// Which.
    pub generation: Generation,
    /// What its processes agree on.
    pub terms: Terms,
    /// To each process by number; none to this one.
    pub links: Vec<Option<Link>>,
    /// The tasks that carry bytes for [`Link::Pumped`]; each ends once both ends have said that nothing follows.
    pub pumps: Vec<JoinHandle<()>>,
}

/// Forms the next generation with the other processes, however long they take. Dropping the future gives up.
pub async fn form(site: &Site, door: &mut Door) -> Formed {
    let mut said = String::new();
    loop {
        let (terms, incarnation) = ((site.terms)(), rand::rng().random());
        let attempt = Attempt { site, terms, incarnation, waiting: Waiting::default() };
        let why = match timeout(FORMING, attempt_once(&attempt, door)).await {
            Ok(Ok(formed)) => return formed,
            Ok(Err(failure)) => failure.to_string(),
            Err(_) => attempt.waiting.get(),
        };
        // The same thing again and again is said once.
        if why != said {
            tracing::warn!("mesh: no generation yet: {why}");
            said = why;
        }
        let pause = PAUSE.mul_f64(rand::rng().random_range(0.25..1.0));
        sleep(pause).await;
    }
}

async fn attempt_once(attempt: &Attempt<'_>, door: &mut Door) -> Result<Formed, Failure> {
    let (generation, channels) = match attempt.site.peers.index() {
        0 => lead(attempt, door).await?,
        _ => follow(attempt, door).await?,
    };
    let mut formed = Formed { generation, terms: attempt.terms.clone(), links: Vec::new(), pumps: Vec::new() };
    for (index, channel) in channels.into_iter().enumerate() {
        let Some(channel) = channel else {
            formed.links.push(None);
            continue;
        };
        let (link, pump) = Link::new(channel.into_wire()).map_err(|error| attempt.of(index)(error.into()))?;
        formed.links.push(Some(link));
        formed.pumps.extend(pump);
    }
    Ok(formed)
}
