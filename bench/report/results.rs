//! All results, as the templates see them.

use std::path::Path;

use serde::Serialize;

use crate::{
    cluster::{self, recovery},
    editions,
    embedded::{explanations, latency, memory, page_latency, scrape_cost, throughput, watch_cost},
    first_answer, forest,
    model::{hot_swap, load, training},
    peers::{kafka_to_kafka, kernels, micro_batch},
    results::{Machine, Measurement, Recorded, read},
    services,
};

#[derive(Serialize)]
pub(super) struct Results {
    machines: Vec<MachineUsed>,
    training: Recorded<training::Options>,
    embedded_throughput: Recorded<throughput::Options>,
    memory: Recorded<memory::Options>,
    embedded_latency: Recorded<latency::Options>,
    page_latency: Recorded<page_latency::Options>,
    watch_cost: Recorded<watch_cost::Options>,
    scrape_cost: Recorded<scrape_cost::Options>,
    explanations: Recorded<explanations::Options>,
    load: Recorded<load::Options>,
    hot_swap: Recorded<hot_swap::Options>,
    cluster: Recorded<cluster::throughput::Options>,
    recovery: Recorded<recovery::Options>,
    first_answer: Recorded<first_answer::Options>,
    services: Recorded<services::Options>,
    forest: Recorded<forest::CompareOptions>,
    peers_micro_batch: Recorded<micro_batch::Options>,
    peers_kafka_to_kafka: Recorded<kafka_to_kafka::Options>,
    peers_kernels: Recorded<kernels::Options>,
    editions: Recorded<editions::Options>,
}

/// A machine, and the measurements that were made on it.
#[derive(Serialize)]
struct MachineUsed {
    machine: Machine,
    measurements: Vec<&'static str>,
}

impl Results {
    pub(super) fn read(dir: &Path) -> anyhow::Result<Self> {
        let mut machines = Vec::new();
        Ok(Results {
            training: read_on(dir, &mut machines)?,
            embedded_throughput: read_on(dir, &mut machines)?,
            memory: read_on(dir, &mut machines)?,
            embedded_latency: read_on(dir, &mut machines)?,
            page_latency: read_on(dir, &mut machines)?,
            watch_cost: read_on(dir, &mut machines)?,
            scrape_cost: read_on(dir, &mut machines)?,
            explanations: read_on(dir, &mut machines)?,
            load: read_on(dir, &mut machines)?,
            hot_swap: read_on(dir, &mut machines)?,
            cluster: read_on(dir, &mut machines)?,
            recovery: read_on(dir, &mut machines)?,
            first_answer: read_on(dir, &mut machines)?,
            services: read_on(dir, &mut machines)?,
            forest: read_on(dir, &mut machines)?,
            peers_micro_batch: read_on(dir, &mut machines)?,
            peers_kafka_to_kafka: read_on(dir, &mut machines)?,
            peers_kernels: read_on(dir, &mut machines)?,
            editions: read_on(dir, &mut machines)?,
            machines,
        })
    }
}

fn read_on<M: Measurement>(dir: &Path, machines: &mut Vec<MachineUsed>) -> anyhow::Result<Recorded<M>> {
    let recorded = read(dir)?;
    note(machines, &recorded);
    Ok(recorded)
}

fn note<M: Measurement>(machines: &mut Vec<MachineUsed>, recorded: &Recorded<M>) {
    match machines.iter_mut().find(|used| used.machine == recorded.machine) {
        Some(used) => used.measurements.push(M::NAME),
        None => machines.push(MachineUsed { machine: recorded.machine.clone(), measurements: vec![M::NAME] }),
    }
}
