use std::sync::Barrier;

use timely::{
    Config,
    dataflow::operators::{Exchange, Input, Inspect, Probe, vec::Map},
};

use super::*;

/// A dataflow of an input, a map, an exchange and a probe, on two workers. Returns the graphs at the end of each: after
/// 100 records of timestamp 5 have arrived, while worker 0 holds timestamp 7 and worker 1 timestamp 9.
fn two_workers() -> (Vec<DataflowStatus>, Graphs) {
    let graphs = Graphs::default();
    let shared = graphs.clone();
    let both = Barrier::new(2);
    let ends = timely::execute(Config::process(2), move |worker| {
        let mut log = GraphLog::install(worker, &shared);
        let (mut input, probe) = worker.dataflow_named("Numbers", |scope| {
            let (input, numbers) = scope.new_input::<Vec<u64>>();
            let doubled = numbers.map(|number| 2 * number).exchange(|number| *number / 2).inspect(|_| {});
            (input, doubled.probe().0)
        });
        input.advance_to(5);
        (0..50).for_each(|number| input.send(number));
        input.advance_to(7 + 2 * worker.index() as u64);
        while probe.less_than(&7) {
            worker.step();
        }
        // Worker 1 hears that worker 0 stays at 7.
        for _ in 0..10 {
            worker.step_or_park(Some(Duration::from_millis(1)));
        }
        log.publish();
        let shown = shared.get();
        // A worker that ends its input earlier takes its timestamp from the graph of the other.
        both.wait();
        drop(input);
        while worker.step() {}
        log.publish();
        let done = shared.0.lock()[&worker.index()].clone();
        (shown, done)
    });
    let ends: Vec<_> = ends.unwrap().join().into_iter().map(Result::unwrap).collect();
    let most = ends.into_iter().max_by_key(|(shown, _)| shown[0].channels[0].records).unwrap();
    assert_eq!((most.1[0].frontier, most.1[0].operators[0].frontier), (None, None), "all work is done");
    (most.0, graphs)
}

#[test]
fn rules_1_and_2_the_graph_has_the_records_of_all_workers_and_who_holds_the_frontier() {
    let (shown, _) = two_workers();
    let [numbers] = &*shown else { panic!("{shown:?}") };
    let names: Vec<&str> = numbers.operators.iter().map(|operator| &*operator.name).collect();
    assert_eq!((&*numbers.name, &*names), ("Numbers", &["Input", "FlatMap", "Exchange", "Inspect", "Probe"][..]));
    let channels: Vec<_> = numbers.channels.iter().map(|it| (it.source, it.target, it.records)).collect();
    assert_eq!(channels, [(1, 2, 100), (2, 3, 100), (3, 4, 100), (4, 5, 100)]);
    assert!(numbers.operators[1..].iter().all(|it| it.received == 100 && it.scheduled > 0), "{numbers:?}");
    assert_eq!(numbers.frontier, Some(7));
    let holds: Vec<_> = numbers.operators.iter().map(|it| (it.holds_frontier, it.frontier, it.waiting)).collect();
    assert_eq!(holds[0], (true, Some(7), 0));
    assert!(holds[1..].iter().all(|it| *it == (false, Some(7), 0)), "{holds:?}");
}

#[test]
fn rule_3_a_worker_that_ends_leaves_the_graph() {
    let (_, graphs) = two_workers();
    assert_eq!(graphs.get(), []);
}

#[test]
fn rule_4_each_worker_receives_the_progress_messages_of_all() {
    let ends = timely::execute(Config::process(2), |worker| {
        let log = GraphLog::install(worker, &Graphs::default());
        let (mut input, probe) = worker.dataflow::<Timestamp, _, _>(|scope| {
            let (input, numbers) = scope.new_input::<Vec<u64>>();
            (input, numbers.exchange(|number| *number).probe().0)
        });
        for at in 1..=5 {
            input.send(at);
            input.advance_to(at);
            while probe.less_than(&at) {
                worker.step_or_park(Some(Duration::from_millis(1)));
            }
        }
        drop(input);
        while worker.has_dataflows() {
            worker.step_or_park(Some(Duration::from_millis(1)));
        }
        // What a step logs is read by the next one.
        worker.step();
        log.take_progress()
    });
    let ends: Vec<_> = ends.unwrap().join().into_iter().map(Result::unwrap).collect();
    assert!(ends.iter().all(|progress| progress.sent >= 5), "{ends:?}");
    assert_eq!(ends[0].received + ends[1].received, 2 * (ends[0].sent + ends[1].sent), "{ends:?}");
}

#[test]
fn a_message_that_is_not_received_holds_the_frontier_of_its_operator_and_of_those_behind_it() {
    use timely::progress::reachability::logging::{SourceUpdate, TargetUpdate, TrackerEvent};

    let mut stamps = pointstamps::Pointstamps::default();
    let updates = |updates: &[(usize, u64, i64)]| updates.iter().map(|(node, at, by)| (*node, 0, *at, *by)).collect();
    stamps.apply(TrackerEvent::SourceUpdate(SourceUpdate { tracker_id: 1, updates: updates(&[(1, 9, 2)]) }));
    stamps.apply(TrackerEvent::TargetUpdate(TargetUpdate { tracker_id: 1, updates: updates(&[(2, 4, 3), (3, 6, 1)]) }));
    assert_eq!(stamps.least(), Some(4));
    assert_eq!(stamps.at(2).map(|at| (at.least(), at.waiting())), Some((Some(4), 3)));
    let frontiers = stamps.frontiers(&[(2, 3), (1, 2), (3, 4), (4, 2)]);
    assert_eq!(frontiers.into_iter().collect::<Vec<_>>(), [(1, 9), (2, 4), (3, 4), (4, 4)]);
    stamps.apply(TrackerEvent::TargetUpdate(TargetUpdate { tracker_id: 1, updates: updates(&[(2, 4, -3)]) }));
    assert_eq!(stamps.least(), Some(6));
}
