//! The metrics of a process, as its port of health shows them.

use std::time::Duration;

use anyhow::Context;

/// Timeout of a read.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The metrics at one moment, in Prometheus' text format.
pub(crate) struct Metrics(String);

impl Metrics {
    /// Reads the metrics at an address. Fails until the process listens.
    pub(crate) fn read(health: &str) -> anyhow::Result<Self> {
        let request = ureq::get(format!("http://{health}/metrics")).config().timeout_global(Some(TIMEOUT)).build();
        let page = request.call().and_then(|mut page| page.body_mut().read_to_string());
        Ok(Metrics(page.with_context(|| format!("no metrics at {health}"))?))
    }

    /// The value of a metric, by its name and its labels.
    pub(crate) fn get(&self, name: &str) -> anyhow::Result<f64> {
        let value = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok();
        self.0.lines().find_map(value).with_context(|| format!("there is no metric {name}"))
    }
}
