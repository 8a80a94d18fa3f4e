//! A test for each rule of its number.

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    sync::atomic::{AtomicUsize, Ordering},
};

use super::site::{Ports, a_while, all_formed, enter, hello, refusal, say, terms, within};
use crate::mesh::{Terms, message::Message};

#[tokio::test(flavor = "multi_thread")]
async fn rule_1_every_pair_of_processes_is_connected_whoever_comes_first() {
    let ports = Ports::take(4);
    let mut processes = Vec::new();
    for index in [3, 1, 2, 0] {
        processes.push(ports.start(index));
        a_while().await;
    }
    processes.swap(0, 3);
    let mut formed: Vec<_> = all_formed(processes).await.into_iter().map(|(formed, _)| formed).collect();
    let generations: BTreeSet<u64> = formed.iter().map(|formed| formed.generation.id).collect();
    assert_eq!(generations.len(), 1, "all are of the same generation");
    for (from, to) in (0..4).flat_map(|from| (0..4).map(move |to| (from, to))) {
        if from == to {
            assert!(formed[from].links[to].is_none());
            continue;
        }
        let (mut sent, mut got) = (formed[from].links[to].take().unwrap(), formed[to].links[from].take().unwrap());
        sent.write_all(&[from as u8, to as u8]).unwrap();
        let mut bytes = [0; 2];
        use timely::communication::allocator::zero_copy::stream::Stream;
        got.set_nonblocking(false).unwrap();
        got.read_exact(&mut bytes).unwrap();
        assert_eq!(bytes, [from as u8, to as u8]);
        (formed[from].links[to], formed[to].links[from]) = (Some(sent), Some(got));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_4_a_process_that_differs_is_told_how() {
    let ports = Ports::take(2);
    let leader = ports.start(0);
    let agreed = terms(2);
    let differing = [
        (Terms { cluster: "other".into(), ..agreed.clone() }, "the cluster differs: other there, test here"),
        (Terms { processes: 3, ..agreed.clone() }, "the number of processes differs: 3 there, 2 here"),
        (Terms { workers: 1, ..agreed.clone() }, "the number of workers differs: 1 there, 2 here"),
        (Terms { program: "q".into(), ..agreed.clone() }, "the program differs: q there, p here"),
        (Terms { dataflow: "e".into(), ..agreed.clone() }, "the dataflow differs: e there, d here"),
        (Terms { model: "n".into(), ..agreed.clone() }, "the model differs: n there, m here"),
    ];
    for (terms, told) in differing {
        let message = Message::Hello { index: 1, incarnation: 1, last_generation: 0, terms };
        assert_eq!(refusal(ports.dial(0).await, &message).await, told);
    }
    for index in [0, 2] {
        let told = refusal(ports.dial(0).await, &hello(index, 1, 2)).await;
        assert_eq!(told, format!("there is no process {index} to be waited for"));
    }
    assert!(!leader.has_formed());
    let genuine = ports.start(1);
    all_formed(vec![leader, genuine]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_8_forming_starts_over_when_the_leader_is_behind() {
    let ports = Ports::take(2);
    let mut site = ports.site(0);
    let asked = AtomicUsize::new(0);
    let with = |model: &str| Terms { model: model.into(), ..terms(2) };
    let (old, new) = (with("m"), with("n"));
    let theirs = new.clone();
    site.terms = Box::new(move || if asked.fetch_add(1, Ordering::Relaxed) == 0 { old.clone() } else { new.clone() });
    let leader = ports.start_with(0, site);
    let message = Message::Hello { index: 1, incarnation: 1, last_generation: 0, terms: theirs.clone() };
    assert_eq!(refusal(ports.dial(0).await, &message).await, "the model differs: n there, m here");
    let mut site = ports.site(1);
    site.terms = Box::new(move || theirs.clone());
    let formed = all_formed(vec![leader, ports.start_with(1, site)]).await;
    assert!(formed.iter().all(|(formed, _)| formed.terms.model == "n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_5_the_latest_of_a_process_counts_and_generations_count_up() {
    let ports = Ports::take(3);
    let mut site = ports.site(0);
    site.last_generation = 4;
    let leader = ports.start_with(0, site);
    let mut replaced = ports.dial(0).await;
    replaced.send(&hello(1, 10, 3)).await.unwrap();
    a_while().await;
    let mut other = ports.dial(0).await;
    let knows = Message::Hello { index: 2, incarnation: 20, last_generation: 6, terms: terms(3) };
    other.send(&knows).await.unwrap();
    a_while().await;
    // It is the leader's word that all are here: so this one is the last.
    let mut site = ports.site(1);
    site.last_generation = 5;
    let mut latest = ports.dial(0).await;
    latest.send(&hello(1, 11, 3)).await.unwrap();
    let heard = [
        within(replaced.receive()).await.ok(),
        within(other.receive()).await.ok(),
        within(latest.receive()).await.ok(),
    ];
    for message in heard.into_iter().flatten() {
        let Message::Form { generation, incarnations } = message else { panic!("{message:?}") };
        assert_eq!(generation.number, 7, "above all that any knows");
        assert_eq!(generation.partitions, 4);
        assert_eq!(incarnations.len(), 3);
    }
    leader.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_6_nobody_joins_but_who_was_announced() {
    let ports = Ports::take(3);
    let (leader, follower) = (ports.start(0), ports.start(1));
    let (mut channel, generation, incarnations) = enter(&ports, 2, 77).await;
    assert_eq!((incarnations.len(), incarnations[2]), (3, 77));
    for (index, incarnation, id) in [(2, 76, generation.id), (2, 77, generation.id ^ 1), (1, 77, generation.id)] {
        let join = Message::Join { index, incarnation, generation: id };
        let told = refusal(ports.dial(1).await, &join).await;
        assert_eq!(told, format!("generation {} forms without it", generation.number));
    }
    let mut joining = ports.dial(1).await;
    let join = Message::Join { index: 2, incarnation: 77, generation: generation.id };
    assert_eq!(say(&mut joining, &join).await.unwrap(), Message::Joined);
    assert_eq!(say(&mut channel, &Message::Ready).await.unwrap(), Message::Go);
    all_formed(vec![leader, follower]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_7_nobody_starts_before_all_are_ready() {
    let ports = Ports::take(3);
    let (leader, follower) = (ports.start(0), ports.start(1));
    let (mut channel, generation, _) = enter(&ports, 2, 5).await;
    let mut joining = ports.dial(1).await;
    let join = Message::Join { index: 2, incarnation: 5, generation: generation.id };
    assert_eq!(say(&mut joining, &join).await.unwrap(), Message::Joined);
    a_while().await;
    assert!(!leader.has_formed() && !follower.has_formed(), "process 2 has not said that it is ready");
    assert_eq!(say(&mut channel, &Message::Ready).await.unwrap(), Message::Go);
    all_formed(vec![leader, follower]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_8_forming_starts_over_when_a_process_is_lost() {
    let ports = Ports::take(3);
    let (leader, follower) = (ports.start(0), ports.start(1));
    let (channel, generation, _) = enter(&ports, 2, 5).await;
    drop(channel);
    let last = ports.start(2);
    let formed = all_formed(vec![leader, follower, last]).await;
    assert!(formed.iter().all(|(formed, _)| formed.generation.id != generation.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_8_forming_starts_over_when_a_process_says_nothing_more() {
    let ports = Ports::take(3);
    let (leader, follower) = (ports.start(0), ports.start(1));
    let (_silent, generation, _) = enter(&ports, 2, 5).await;
    let last = ports.start(2);
    let formed = all_formed(vec![leader, follower, last]).await;
    assert!(formed.iter().all(|(formed, _)| formed.generation.id != generation.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_9_who_knocks_at_a_running_generation_is_told() {
    let ports = Ports::take(2);
    let formed = all_formed(vec![ports.start(0), ports.start(1)]).await;
    for (index, (formed, door)) in formed.into_iter().enumerate() {
        tokio::spawn(door.refuse_all(formed.generation));
        let told = refusal(ports.dial(index).await, &hello(1, 1, 2)).await;
        assert_eq!(told, "generation 1 runs, and ends with the first of its processes");
    }
}
