//! Tests of rules 1 and 4 to 9.

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    sync::atomic::{AtomicUsize, Ordering},
};

use super::cluster::{ANYWHERE, Ports, all_formed, enter, hello, hello_from, rejection, request, settle, spec, within};
use crate::mesh::{ClusterSpec, Peers, channel::Message};

#[tokio::test(flavor = "multi_thread")]
async fn rule_1_every_pair_of_processes_is_connected_in_any_order_of_start() {
    let ports = Ports::bind(4);
    let mut processes = Vec::new();
    for index in [3, 1, 2, 0] {
        processes.push(ports.start(index));
        settle().await;
    }
    processes.swap(0, 3);
    let mut formed: Vec<_> = all_formed(processes).await.into_iter().map(|(formed, _)| formed).collect();
    let generations: BTreeSet<u64> = formed.iter().map(|formed| formed.generation.id).collect();
    assert_eq!(generations.len(), 1, "one generation");
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
async fn rule_1_a_process_is_found_where_it_says_while_its_name_leads_nowhere() {
    let ports = Ports::bind(3);
    let mut config = ports.config(2);
    let list = format!("{},gone.invalid:2101,{}", ports.address(0), ports.address(2));
    config.peers = Peers::from_list(&list, 2).unwrap();
    all_formed(vec![ports.start(0), ports.start(1), ports.start_with(2, config)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_1_a_process_is_found_by_its_name_where_the_address_that_it_says_leads_nowhere() {
    let ports = Ports::bind(3);
    let (leader, follower) = (ports.start(0), ports.start(2));
    let mut channel = ports.connect(0).await;
    channel.send(&hello_from(ANYWHERE, 1, 5, 3)).await.unwrap();
    let mut joining = within(ports.accept(1)).await;
    let Message::Join { index: 2, generation, .. } = within(joining.receive()).await.unwrap() else {
        panic!("process 2 joins");
    };
    let Message::Form { generation: formed, addresses, .. } = within(channel.receive()).await.unwrap() else {
        panic!("process 0 announces the generation");
    };
    assert_eq!((formed.id, addresses), (generation, vec![Some(ANYWHERE), Some(ports.address(2))]));
    joining.send(&Message::Joined).await.unwrap();
    assert_eq!(request(&mut channel, &Message::Ready).await.unwrap(), Message::Go);
    all_formed(vec![leader, follower]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_4_a_process_that_differs_is_rejected_with_the_difference() {
    let ports = Ports::bind(2);
    let leader = ports.start(0);
    let agreed = spec(2);
    let differing = [
        (ClusterSpec { cluster: "other".into(), ..agreed.clone() }, "the cluster differs: other there, test here"),
        (ClusterSpec { processes: 3, ..agreed.clone() }, "the number of processes differs: 3 there, 2 here"),
        (ClusterSpec { workers: 1, ..agreed.clone() }, "the number of workers differs: 1 there, 2 here"),
        (ClusterSpec { program: "q".into(), ..agreed.clone() }, "the program differs: q there, p here"),
        (ClusterSpec { dataflow: "e".into(), ..agreed.clone() }, "the dataflow differs: e there, d here"),
        (ClusterSpec { model: "n".into(), ..agreed.clone() }, "the model differs: n there, m here"),
    ];
    for (spec, reason) in differing {
        let message = Message::Hello { index: 1, incarnation: 1, address: Some(ANYWHERE), last_generation: 0, spec };
        assert_eq!(rejection(ports.connect(0).await, &message).await, reason);
    }
    for index in [0, 2] {
        let reason = rejection(ports.connect(0).await, &hello(index, 1, 2)).await;
        assert_eq!(reason, format!("there is no process {index} to be waited for"));
    }
    assert!(!leader.has_formed());
    let follower = ports.start(1);
    all_formed(vec![leader, follower]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_5_the_latest_hello_of_a_process_counts_and_generations_count_up() {
    let ports = Ports::bind(3);
    let mut config = ports.config(0);
    config.last_generation = 4;
    let leader = ports.start_with(0, config);
    let mut replaced = ports.connect(0).await;
    replaced.send(&hello(1, 10, 3)).await.unwrap();
    settle().await;
    let mut other = ports.connect(0).await;
    let knows =
        Message::Hello { index: 2, incarnation: 20, address: Some(ANYWHERE), last_generation: 6, spec: spec(3) };
    other.send(&knows).await.unwrap();
    settle().await;
    // The leader announces the generation when all are present, so this Hello is the last.
    let mut latest = ports.connect(0).await;
    latest.send(&hello(1, 11, 3)).await.unwrap();
    let heard = [
        within(replaced.receive()).await.ok(),
        within(other.receive()).await.ok(),
        within(latest.receive()).await.ok(),
    ];
    for message in heard.into_iter().flatten() {
        let Message::Form { generation, incarnations, .. } = message else { panic!("{message:?}") };
        assert_eq!(generation.number, 7, "above all that any process knows");
        assert_eq!(generation.partitions, 4);
        assert_eq!(incarnations.len(), 3);
    }
    leader.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_6_only_announced_incarnations_join() {
    let ports = Ports::bind(3);
    let (leader, follower) = (ports.start(0), ports.start(1));
    let (mut channel, generation, incarnations) = enter(&ports, 2, 77).await;
    assert_eq!((incarnations.len(), incarnations[2]), (3, 77));
    for (index, incarnation, id) in [(2, 76, generation.id), (2, 77, generation.id ^ 1), (1, 77, generation.id)] {
        let join = Message::Join { index, incarnation, generation: id };
        let reason = rejection(ports.connect(1).await, &join).await;
        assert_eq!(reason, format!("generation {} forms without it", generation.number));
    }
    let mut joining = ports.connect(1).await;
    let join = Message::Join { index: 2, incarnation: 77, generation: generation.id };
    assert_eq!(request(&mut joining, &join).await.unwrap(), Message::Joined);
    assert_eq!(request(&mut channel, &Message::Ready).await.unwrap(), Message::Go);
    all_formed(vec![leader, follower]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_7_no_process_starts_before_all_are_ready() {
    let ports = Ports::bind(3);
    let (leader, follower) = (ports.start(0), ports.start(1));
    let (mut channel, generation, _) = enter(&ports, 2, 5).await;
    let mut joining = ports.connect(1).await;
    let join = Message::Join { index: 2, incarnation: 5, generation: generation.id };
    assert_eq!(request(&mut joining, &join).await.unwrap(), Message::Joined);
    settle().await;
    assert!(!leader.has_formed() && !follower.has_formed(), "process 2 has not said that it is ready");
    assert_eq!(request(&mut channel, &Message::Ready).await.unwrap(), Message::Go);
    all_formed(vec![leader, follower]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_8_an_attempt_starts_over_when_a_process_is_lost() {
    let ports = Ports::bind(3);
    let (leader, follower) = (ports.start(0), ports.start(1));
    let (channel, generation, _) = enter(&ports, 2, 5).await;
    drop(channel);
    let last = ports.start(2);
    let formed = all_formed(vec![leader, follower, last]).await;
    assert!(formed.iter().all(|(formed, _)| formed.generation.id != generation.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_8_an_attempt_starts_over_when_a_process_is_silent() {
    let ports = Ports::bind(3);
    let (leader, follower) = (ports.start(0), ports.start(1));
    let (_silent, generation, _) = enter(&ports, 2, 5).await;
    let last = ports.start(2);
    let formed = all_formed(vec![leader, follower, last]).await;
    assert!(formed.iter().all(|(formed, _)| formed.generation.id != generation.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_8_an_attempt_starts_over_when_the_leader_has_an_old_model() {
    let ports = Ports::bind(2);
    let mut config = ports.config(0);
    let asked = AtomicUsize::new(0);
    let with = |model: &str| ClusterSpec { model: model.into(), ..spec(2) };
    let (old, new) = (with("m"), with("n"));
    let theirs = new.clone();
    config.spec = Box::new(move || if asked.fetch_add(1, Ordering::Relaxed) == 0 { old.clone() } else { new.clone() });
    let leader = ports.start_with(0, config);
    let message =
        Message::Hello { index: 1, incarnation: 1, address: Some(ANYWHERE), last_generation: 0, spec: theirs.clone() };
    assert_eq!(rejection(ports.connect(0).await, &message).await, "the model differs: n there, m here");
    let mut config = ports.config(1);
    config.spec = Box::new(move || theirs.clone());
    let formed = all_formed(vec![leader, ports.start_with(1, config)]).await;
    assert!(formed.iter().all(|(formed, _)| formed.spec.model == "n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_9_a_running_generation_rejects_every_process() {
    let ports = Ports::bind(2);
    let formed = all_formed(vec![ports.start(0), ports.start(1)]).await;
    for (index, (formed, listener)) in formed.into_iter().enumerate() {
        tokio::spawn(listener.reject_all(formed.generation));
        let reason = rejection(ports.connect(index).await, &hello(1, 1, 2)).await;
        assert_eq!(reason, "generation 1 runs, and ends with the first of its processes");
    }
}
