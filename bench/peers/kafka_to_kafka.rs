//! From a topic of requests to a topic of answers at steady rates: delaycast, Spark's real-time mode, Pathway, and a
//! plain copy between the topics, which is the floor.

use serde::{Deserialize, Serialize};

use super::installed::Installed;
use crate::{
    process::Target,
    results::{Measurement, Spread},
};

#[derive(Debug, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    #[command(flatten)]
    #[serde(skip)]
    pub(super) target: Target,
    #[command(flatten)]
    #[serde(skip)]
    pub(super) installed: Installed,
    /// The brokers, as in kafka://127.0.0.1:9092
    #[arg(long, value_name = "URL", env = "KAFKA_URL")]
    #[serde(skip)]
    pub(super) kafka: String,
    /// The systems beside delaycast
    #[arg(long, value_delimiter = ',', default_value = "copy,spark,pathway")]
    pub(super) beside: Vec<System>,
    /// Requests per second
    #[arg(long, value_delimiter = ',', default_value = "100,1000")]
    pub(super) rates: Vec<u32>,
    /// Duration at each rate, in seconds
    #[arg(long, default_value_t = 30)]
    pub(super) seconds: u32,
    /// Duration at the highest rate before the first measurement, in seconds
    #[arg(long, default_value_t = 20)]
    pub(super) warm_up_s: u32,
    /// Worker threads of delaycast and of Pathway
    #[arg(long, default_value_t = 2)]
    pub(super) workers: usize,
    /// Number of rounds
    #[arg(long, default_value_t = 3)]
    pub(super) rounds: usize,
}

/// A system from topic to topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum System {
    Delaycast,
    Copy,
    Spark,
    Pathway,
}

impl System {
    /// The name in the tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            System::Delaycast => "delaycast",
            System::Copy => "plain copy, no model",
            System::Spark => "Spark, real-time mode",
            System::Pathway => "Pathway",
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    pub(super) partitions: usize,
    pub(super) rates: Vec<Rate>,
    pub(super) systems: Vec<Started>,
}

/// The start and the memory of a system.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Started {
    pub(super) name: String,
    /// From starting the process to an answer that a consumer has read.
    pub(super) first_answer_s: Spread,
    /// The most resident memory of all its processes.
    pub(super) peak_mib: Spread,
}

/// All systems at a rate.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rate {
    pub(super) per_s: u32,
    /// Requests in all rounds, to each system.
    pub(super) asked: usize,
    pub(super) systems: Vec<Latency>,
}

/// From publishing a request to its answer at a consumer of the other topic, over the rounds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Latency {
    pub(super) name: String,
    /// In all rounds.
    pub(super) unanswered: usize,
    pub(super) median_ms: Spread,
    pub(super) p99_ms: Spread,
    pub(super) max_ms: Spread,
    /// By delaycast's.
    pub(super) median_ratio: Spread,
    pub(super) p99_ratio: Spread,
    /// CPU seconds of all its processes a second.
    pub(super) cpu: Spread,
}

/// A system at a rate, in one round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outcome {
    pub(super) asked: usize,
    pub(super) unanswered: usize,
    pub(super) median_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) max_ms: f64,
    pub(super) cpu: f64,
}

impl Latency {
    /// Summarises the rounds of a system beside those of delaycast.
    pub(super) fn of(name: &str, rounds: &[Outcome], ours: &[Outcome]) -> anyhow::Result<Self> {
        anyhow::ensure!(rounds.len() == ours.len(), "{name} has {} rounds, not {}", rounds.len(), ours.len());
        let ratio = |number: fn(&Outcome) -> f64| {
            Spread::of(rounds.iter().zip(ours).map(|(theirs, ours)| number(theirs) / number(ours)))
        };
        Ok(Latency {
            name: name.to_owned(),
            unanswered: rounds.iter().map(|round| round.unanswered).sum(),
            median_ms: Spread::over(rounds, |round| round.median_ms)?,
            p99_ms: Spread::over(rounds, |round| round.p99_ms)?,
            max_ms: Spread::over(rounds, |round| round.max_ms)?,
            median_ratio: ratio(|round| round.median_ms)?,
            p99_ratio: ratio(|round| round.p99_ms)?,
            cpu: Spread::over(rounds, |round| round.cpu)?,
        })
    }
}

impl Measurement for Options {
    const NAME: &'static str = "peers-kafka-to-kafka";
    type Values = Values;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn ratios_are_of_a_round_and_the_unanswered_are_added_up() {
        let outcome = |median_ms, unanswered| Outcome {
            asked: 10,
            unanswered,
            median_ms,
            p99_ms: median_ms * 4.0,
            max_ms: 100.0,
            cpu: 0.5,
        };
        let (ours, theirs) = ([outcome(2.0, 0), outcome(4.0, 0)], [outcome(6.0, 1), outcome(4.0, 2)]);
        let latency = Latency::of("peer", &theirs, &ours).unwrap();
        assert_eq!(latency.unanswered, 3);
        assert_eq!(latency.median_ratio, Spread { median: 3.0, least: 1.0, most: 3.0 });
        assert_eq!(latency.p99_ms, Spread { median: 24.0, least: 16.0, most: 24.0 });
        assert!(Latency::of("peer", &theirs, &ours[..1]).is_err());
    }
}
