//! Tests of the failure detector with given times, and of the dataflow between the workers of one process.

use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::{FAILURE_TIMEOUT, Failure, FailureDetector, build};

/// Time between two checks of the watchdog.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

fn check(detector: &FailureDetector, now: Instant) -> ControlFlow<Failure> {
    detector.check(now, now.checked_sub(CHECK_INTERVAL).unwrap())
}

#[test]
fn a_worker_fails_after_the_timeout_without_a_heartbeat() {
    let detector = FailureDetector::new(0, 3, 2);
    let before = Instant::now() + FAILURE_TIMEOUT / 2;
    assert_eq!(check(&detector, before), ControlFlow::Continue(()));
    let after = Instant::now() + FAILURE_TIMEOUT + CHECK_INTERVAL;
    assert!(matches!(check(&detector, after), ControlFlow::Break(Failure::WorkerTimeout { worker: 0, .. })));

    // All workers but one send a heartbeat later.
    let detector = FailureDetector::new(1, 3, 2);
    std::thread::sleep(Duration::from_millis(50));
    for worker in [0, 1, 2, 3, 4] {
        detector.record_heartbeat(worker, false);
    }
    let now = Instant::now() + FAILURE_TIMEOUT - Duration::from_millis(25);
    assert!(matches!(check(&detector, now), ControlFlow::Break(Failure::PeerTimeout { process: 2, .. })));
}

#[test]
fn a_suspended_process_has_failed_and_a_short_suspension_proves_nothing_of_others() {
    let detector = FailureDetector::new(0, 2, 1);
    let now = Instant::now() + 2 * FAILURE_TIMEOUT;
    let checked = now.checked_sub(FAILURE_TIMEOUT).unwrap();
    assert!(matches!(detector.check(now, checked), ControlFlow::Break(Failure::Suspended { .. })));
    // No heartbeats were received for long, but none could be.
    let checked = now.checked_sub(FAILURE_TIMEOUT / 2).unwrap();
    assert_eq!(detector.check(now, checked), ControlFlow::Continue(()));
}

#[test]
fn the_first_request_to_stop_counts() {
    let detector = FailureDetector::new(0, 3, 2);
    assert_eq!(detector.stopped_by(), None);
    detector.record_heartbeat(5, true);
    detector.record_heartbeat(0, true);
    assert_eq!(detector.stopped_by(), Some(2));
}

/// Workers 0 to 3 stand for processes of one worker each.
#[test]
fn every_process_receives_every_workers_heartbeats_and_one_that_stops_stops_all() {
    let detectors: Vec<_> = (0..4).map(|process| Arc::new(FailureDetector::new(process, 4, 1))).collect();
    let given = detectors.clone();
    let guards = timely::execute(timely::Config::process(4), move |worker| {
        let (index, detector) = (worker.index(), Arc::clone(&given[worker.index()]));
        let alive = Arc::new(AtomicUsize::new(0));
        let alive_now = Arc::clone(&alive);
        let stopping = move || index == 2 && alive_now.load(Ordering::Relaxed) == 4;
        worker.dataflow(|scope| build(scope, &detector, stopping, || 0));
        while detector.stopped_by().is_none() {
            worker.step_or_park(Some(Duration::from_millis(10)));
            let received = detector.heartbeats_ms.iter().filter(|ms| ms.load(Ordering::Relaxed) > 0);
            alive.store(received.count(), Ordering::Relaxed);
        }
        for dataflow in worker.installed_dataflows() {
            worker.drop_dataflow(dataflow);
        }
    });
    guards.unwrap().join().into_iter().for_each(|worker| worker.unwrap());
    for detector in detectors {
        assert_eq!(detector.stopped_by(), Some(2), "process 2 stops after a heartbeat of each");
    }
}
