//! What is seen of the others, without waiting for it; and the dataflow between the workers of one process.

use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::{LOST, Loss, Pulse, build};

/// Between two looks of the watchdog.
const A_MOMENT: Duration = Duration::from_millis(100);

fn look(pulse: &Pulse, now: Instant) -> ControlFlow<Loss> {
    pulse.look(now, now.checked_sub(A_MOMENT).unwrap())
}

#[test]
fn who_was_heard_lately_is_there_and_who_was_not_is_lost() {
    let pulse = Pulse::new(0, 3, 2);
    let soon = Instant::now() + LOST / 2;
    assert_eq!(look(&pulse, soon), ControlFlow::Continue(()));
    let late = Instant::now() + LOST + A_MOMENT;
    assert!(matches!(look(&pulse, late), ControlFlow::Break(Loss::Stuck { worker: 0, .. })));

    // All workers but one are heard much later.
    let pulse = Pulse::new(1, 3, 2);
    std::thread::sleep(Duration::from_millis(50));
    for worker in [0, 1, 2, 3, 4] {
        pulse.heard(worker, false);
    }
    let when = Instant::now() + LOST - Duration::from_millis(25);
    assert!(matches!(look(&pulse, when), ControlFlow::Break(Loss::Silent { process: 2, .. })));
}

#[test]
fn a_process_that_was_held_up_has_lost_its_place_and_a_short_hold_says_nothing_of_others() {
    let pulse = Pulse::new(0, 2, 1);
    let now = Instant::now() + 2 * LOST;
    let stood = now.checked_sub(LOST).unwrap();
    assert!(matches!(pulse.look(now, stood), ControlFlow::Break(Loss::HeldUp { .. })));
    // Nobody was heard for long, but neither could anybody be.
    let stood = now.checked_sub(LOST / 2).unwrap();
    assert_eq!(pulse.look(now, stood), ControlFlow::Continue(()));
}

#[test]
fn the_first_word_to_stop_is_the_one_that_counts() {
    let pulse = Pulse::new(0, 3, 2);
    assert_eq!(pulse.ended_by(), None);
    pulse.heard(5, true);
    pulse.heard(0, true);
    assert_eq!(pulse.ended_by(), Some(2));
}

/// Workers 0 to 3 as if they were processes of one worker each.
#[test]
fn every_worker_is_heard_by_every_process_and_one_that_stops_stops_all() {
    let pulses: Vec<_> = (0..4).map(|process| Arc::new(Pulse::new(process, 4, 1))).collect();
    let given = pulses.clone();
    let guards = timely::execute(timely::Config::process(4), move |worker| {
        let (index, pulse) = (worker.index(), Arc::clone(&given[worker.index()]));
        let all = Arc::new(AtomicUsize::new(0));
        let heard_all = Arc::clone(&all);
        worker
            .dataflow(|scope| build(scope, &pulse, move || index == 2 && heard_all.load(Ordering::Relaxed) == 4, || 0));
        while pulse.ended_by().is_none() {
            worker.step_or_park(Some(Duration::from_millis(10)));
            all.store(pulse.heard_ms.iter().filter(|ms| ms.load(Ordering::Relaxed) > 0).count(), Ordering::Relaxed);
        }
        for dataflow in worker.installed_dataflows() {
            worker.drop_dataflow(dataflow);
        }
    });
    guards.unwrap().join().into_iter().for_each(|worker| worker.unwrap());
    for pulse in pulses {
        assert_eq!(pulse.ended_by(), Some(2), "process 2 stops once it has heard everybody");
    }
}
