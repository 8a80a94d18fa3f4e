//! The memory and processor time that this process uses.

use std::fs;

/// Memory and processor time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// Resident memory.
    pub resident_bytes: u64,
    /// Processor time of all threads since the start, in user and in system mode.
    pub cpu_seconds: f64,
}

/// Reads the current usage; `None` on a system without the `/proc` of Linux.
pub fn usage() -> Option<Usage> {
    let pages: u64 = fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name, in parentheses, may hold anything. The first field after it is number 3.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |number: usize| -> Option<u64> { fields.get(number - 3)?.parse().ok() };
    Some(Usage {
        resident_bytes: pages * rustix::param::page_size() as u64,
        cpu_seconds: (ticks(14)? + ticks(15)?) as f64 / rustix::param::clock_ticks_per_second() as f64,
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_usage_grows_with_memory_and_work() {
        let before = usage().unwrap();
        let memory = std::hint::black_box(vec![1_u8; 64 << 20]);
        let mut after = usage().unwrap();
        assert!(after.resident_bytes >= before.resident_bytes + (32 << 20), "{before:?} {after:?}");
        drop(memory);
        while after.cpu_seconds <= before.cpu_seconds {
            std::hint::black_box((0..1_000_000).map(|n: u64| n.wrapping_mul(n)).sum::<u64>());
            after = usage().unwrap();
        }
    }
}
