//! The cost of a step.

use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};

/// The elapsed time of a step, and the CPU time of all threads, including threads that have ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) seconds: f64,
    pub(crate) cpu_s: f64,
}

pub(crate) struct Clock {
    started: Instant,
    cpu_s: f64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Clock { started: Instant::now(), cpu_s: cpu_s() }
    }

    pub(crate) fn read(&self) -> Cost {
        Cost { seconds: self.started.elapsed().as_secs_f64(), cpu_s: cpu_s() - self.cpu_s }
    }
}

fn cpu_s() -> f64 {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9
}
