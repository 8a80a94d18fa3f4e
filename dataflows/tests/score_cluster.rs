//! Tests of the score dataflow in a cluster of three processes. They are threads here, form a generation over loopback
//! sockets, and share a log and a store in memory. The tests of the command line test failures with real processes.

#![allow(unreachable_pub, clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[allow(dead_code, unused_imports, reason = "these tests use their share")]
mod in_memory;

use std::{
    collections::BTreeMap,
    net::TcpListener,
    sync::Arc,
    thread::{self, JoinHandle},
};

use delaycast_dataflows::{
    mesh::{ClusterSpec, Credentials, Mesh, MeshConfig, Peers},
    score::{Config, Connections, Counters, Error, Models, run_in_cluster},
};
use engine::{
    model::{DesiredModels, Role},
    runtime::Stop,
};
use in_memory::{
    AnyButBad, ByValue, DEADLINE, MemoryLog, MemoryStore, desired_model,
    domain::{Readings, message},
    oracle, until,
};

/// A process.
struct Process {
    stop: Stop,
    desired: DesiredModels,
    counters: Arc<Counters>,
    thread: JoinHandle<Result<(), Error>>,
}

fn cluster(
    processes: usize,
    workers: usize,
    log: &Arc<MemoryLog>,
    store: &Arc<MemoryStore>,
    scorer: &Arc<ByValue>,
) -> Vec<Process> {
    let listeners: Vec<_> = (0..processes).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let list: Vec<String> = listeners.iter().map(|listener| listener.local_addr().unwrap().to_string()).collect();
    let list = list.join(",");
    listeners
        .into_iter()
        .enumerate()
        .map(|(index, listener)| {
            let spec = ClusterSpec {
                cluster: "test".into(),
                processes,
                workers,
                program: String::new(),
                dataflow: String::new(),
                model: String::new(),
            };
            let mesh_config = MeshConfig {
                peers: Peers::from_list(&list, index).unwrap(),
                spec: Box::new(move || spec.clone()),
                credentials: Credentials::secret(b"sixteen bytes it has").unwrap(),
                last_generation: 0,
                // All use the number of process 0.
                partitions: if index == 0 { 6 } else { 1 },
            };
            let (stop, connections) = (Stop::default(), Connections::new(Arc::clone(log) as _, Arc::clone(store) as _));
            let (stopped, desired, counters) =
                (stop.clone(), DesiredModels::default(), Arc::new(Counters::of::<Readings>()));
            let models = Models::new(Arc::clone(scorer) as _, &desired, Arc::new(AnyButBad));
            let counted = Arc::clone(&counters);
            let run = move || {
                let member =
                    Mesh::open(listener, mesh_config).unwrap().form(|| stopped.is_requested()).expect("it forms");
                let config = Config { drain: DEADLINE, ..Config::new(workers) };
                let leave = |loss| panic!("{loss}");
                run_in_cluster(&config, member, &connections, &models, &counted, &stopped, leave)
            };
            Process { stop, desired, counters, thread: thread::spawn(run) }
        })
        .collect()
}

#[test]
fn three_processes_answer_as_the_oracle_and_stop_with_the_first() {
    let store = MemoryStore::new();
    let log = MemoryLog::new(6, &store);
    let messages: BTreeMap<String, Vec<u8>> = (0..600)
        .map(|number| format!("request-{number}"))
        .map(|id| (id.clone(), message(&id, id.len() as f64 * 7.0 - 60.0)))
        .collect();
    for (number, message) in messages.values().enumerate() {
        log.append(number % 6, message.clone());
    }
    let scorer = ByValue::new();
    let processes = cluster(3, 2, &log, &store, &scorer);
    until("all are answered", || store.answers().len() == messages.len());
    // Each of the six workers has one partition, and scores the records that it reads.
    let threads: std::collections::HashSet<_> = scorer.threads.lock().iter().map(|(_, thread)| *thread).collect();
    assert_eq!(threads.len(), 6);

    processes[1].stop.request();
    for (index, process) in processes.into_iter().enumerate() {
        match (index, process.thread.join().unwrap()) {
            (1, Ok(())) => {}
            (0 | 2, Err(Error::Ended { generation: 1, process: 1 })) => {}
            (index, other) => panic!("process {index}: {other:?}"),
        }
    }
    for (id, answer) in store.answers() {
        assert_eq!(Ok(answer.score), oracle(&messages[&id]), "{id}");
    }
    assert_eq!((log.uncommitted(), log.breaches()), (0, vec![]), "all is committed, and nothing before it was durable");
}

#[test]
fn three_processes_swap_at_one_timestamp_and_none_activates_a_model_that_one_refuses() {
    let store = MemoryStore::new();
    let log = MemoryLog::new(6, &store);
    let processes = cluster(3, 2, &log, &store, &ByValue::new());
    let mut asked = 0;
    let mut ask = |count: usize| {
        for _ in 0..count {
            log.append(asked % 6, message(&format!("request-{asked}"), 0.0));
            asked += 1;
        }
        asked
    };
    let answered_by =
        |version: &str| store.answers().values().filter(|answer| answer.model.as_str() == version).count();
    let used = |process: &Process| process.counters.models.get(Role::Current).unwrap();

    ask(60);
    until("the first are answered", || answered_by("by-value") == 60);
    // Only process 0 acts on its desired model.
    processes[1].desired.put(desired_model("astray", "good"));
    processes[0].desired.put(desired_model("v2", "bad"));
    until("it is refused", || processes[0].counters.models_refused.get() == 1);
    processes[0].desired.put(desired_model("v3", "good"));
    until("all use the new one", || {
        ask(6);
        processes.iter().all(|process| used(process).0.as_str() == "v3")
    });
    // Records of a batch that was open at that timestamp still go to the old model; then a partition stays with the
    // new.
    until("every partition is answered by the new one", || {
        let all = ask(6);
        until("the round is answered", || store.answers().len() == all);
        let answers = store.answers();
        (all - 6..all).all(|number| answers[&format!("request-{number}")].model.as_str() == "v3")
    });
    let from: std::collections::BTreeSet<_> = processes.iter().map(|process| used(process).1).collect();
    assert_eq!(from.len(), 1, "one timestamp: {from:?}");
    let by_v3 = answered_by("v3");
    let all = ask(60);
    until("all are answered", || store.answers().len() == all);
    assert!(answered_by("v3") >= by_v3 + 60 && answered_by("by-value") + answered_by("v3") == all);

    processes[0].stop.request();
    for process in processes {
        match process.thread.join().unwrap() {
            Ok(()) | Err(Error::Ended { process: 0, .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((log.uncommitted(), log.breaches()), (0, vec![]));
}
