//! The delivery rules, one test each.

use std::{
    collections::BTreeSet,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use super::*;

const DEADLINE: Duration = Duration::from_secs(20);

/// A writer that does what a function says, and records what it was given.
struct Scripted<F> {
    writes: Arc<Mutex<Vec<Vec<u32>>>>,
    reply: F,
}

impl<F> Writer<u32> for Scripted<F>
where
    F: FnMut(usize, &[u32]) -> Result<Vec<Refusal>, Unavailable> + Send,
{
    fn write(&mut self, rows: &[u32]) -> Result<Vec<Refusal>, Unavailable> {
        let mut writes = self.writes.lock().unwrap();
        writes.push(rows.to_vec());
        (self.reply)(writes.len(), rows)
    }
}

struct Fixture {
    delivery: Delivery<u32>,
    writes: Arc<Mutex<Vec<Vec<u32>>>>,
    woken: Receiver<()>,
    health: Arc<Health>,
}

fn fixture(reply: impl FnMut(usize, &[u32]) -> Result<Vec<Refusal>, Unavailable> + Send + 'static) -> Fixture {
    let writes = Arc::default();
    let writer = Scripted { writes: Arc::clone(&writes), reply };
    let (wake, woken) = channel();
    let health = Arc::new(Health::new("the test's store"));
    let wake = move || {
        let _ = wake.send(());
    };
    let delivery = Delivery::start("worker", Box::new(writer), wake, Arc::clone(&health)).unwrap();
    Fixture { delivery, writes, woken, health }
}

impl Fixture {
    fn settle(&mut self, count: usize) -> Vec<Settled<u32>> {
        let start = Instant::now();
        let mut settled = Vec::new();
        while settled.len() < count {
            assert!(start.elapsed() < DEADLINE, "settled only {}", settled.len());
            let _ = self.woken.recv_timeout(Duration::from_millis(100));
            while let Some(batch) = self.delivery.poll().unwrap() {
                settled.push(batch);
            }
        }
        settled
    }
}

#[test]
fn rule_1_every_token_is_settled_exactly_once() {
    let mut fixture = fixture(|_, _| Ok(vec![]));
    for token in 0..100 {
        fixture.delivery.submit(token, vec![token as u32; 3]).unwrap();
    }
    let settled = fixture.settle(100);
    assert_eq!(settled.iter().map(|batch| batch.token).collect::<BTreeSet<_>>(), (0..100).collect());
    assert!(settled.iter().all(|batch| batch.landed == 3 && batch.refused.is_empty()));
    assert!(fixture.delivery.poll().unwrap().is_none());
}

#[test]
fn rule_2_an_outage_is_retried_and_nothing_is_dropped() {
    let mut fixture = fixture(|attempt, _| if attempt <= 4 { Err(Unavailable::transient("down")) } else { Ok(vec![]) });
    fixture.delivery.submit(1, vec![10, 11]).unwrap();
    let settled = fixture.settle(1);
    assert_eq!((settled[0].token, settled[0].landed), (1, 2));
    assert_eq!(*fixture.writes.lock().unwrap(), vec![vec![10, 11]; 5]);
    assert!(fixture.health.outage().is_none());
}

#[test]
fn rule_2_an_outage_shows_in_the_health_and_a_dropped_handle_ends_the_retries() {
    let fixture = fixture(|_, _| Err(Unavailable::transient("down")));
    let Fixture { mut delivery, health, writes, .. } = fixture;
    delivery.submit(1, vec![10]).unwrap();
    let start = Instant::now();
    while health.outage().is_none() {
        assert!(start.elapsed() < DEADLINE);
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(health.outage().unwrap().reason, "down");
    drop(delivery);
    // The thread holds one of two references to the list of writes until it ends.
    while Arc::strong_count(&writes) > 1 {
        assert!(start.elapsed() < DEADLINE);
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn rule_3_refused_rows_are_returned_with_their_reason() {
    let mut fixture = fixture(|_, rows| {
        let odd = rows.iter().enumerate().filter(|(_, row)| **row % 2 == 1);
        Ok(odd.map(|(row, value)| Refusal { row, reason: format!("{value} is odd") }).rev().collect())
    });
    fixture.delivery.submit(1, vec![1, 2, 3]).unwrap();
    fixture.delivery.submit(2, vec![4, 5]).unwrap();
    let mut settled = fixture.settle(2);
    settled.sort_by_key(|batch| batch.token);
    let odd = |index, row| Refused { index, row, reason: format!("{row} is odd") };
    assert_eq!(settled[0].refused, [odd(0, 1), odd(2, 3)]);
    assert_eq!((settled[1].landed, &settled[1].refused[..]), (1, &[odd(1, 5)][..]));
}

#[test]
fn rule_4_waiting_batches_are_written_together() {
    let (open, gate) = channel::<()>();
    let mut fixture = fixture(move |attempt, _| {
        if attempt == 1 {
            let _ = gate.recv_timeout(DEADLINE);
        }
        Ok(vec![])
    });
    fixture.delivery.submit(0, vec![0]).unwrap();
    let start = Instant::now();
    while fixture.writes.try_lock().is_ok_and(|writes| writes.is_empty()) {
        assert!(start.elapsed() < DEADLINE);
    }
    for token in 1..10 {
        fixture.delivery.submit(token, vec![token as u32]).unwrap();
    }
    open.send(()).unwrap();
    fixture.settle(10);
    assert_eq!(*fixture.writes.lock().unwrap(), vec![vec![0], (1..10).collect()]);
}

#[test]
fn rule_5_a_writer_thread_that_is_gone_is_reported() {
    let fixture = fixture(|_, _| panic!("as a defect would"));
    let Fixture { mut delivery, woken, .. } = fixture;
    delivery.submit(1, vec![1]).unwrap();
    // A waiting thread reads it only when it is woken.
    woken.recv_timeout(DEADLINE).unwrap();
    assert!(delivery.poll().is_err());
    assert!(delivery.submit(2, vec![2]).is_err());
}
