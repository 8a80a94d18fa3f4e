//! The operator that decides: it adds up what was counted everywhere, chooses the splits and says what is next.

use std::{collections::HashMap, sync::Arc};

use delaycast::forest::{
    ForestSettings, Tree,
    histogram::{Bins, Decision, Group, Planting},
};
use timely::{
    dataflow::{
        StreamVec,
        channels::pact::Exchange,
        operators::{Capability, generic::Operator},
    },
    order::TotalOrder,
    progress::Timestamp,
};

use super::{
    OnProgress, Progress,
    tend::{Order, Step, Tally},
};

/// What comes of tallies.
#[derive(Debug, Clone)]
pub(super) enum Chosen {
    /// The next step.
    Next(Order),
    /// A grown tree.
    Grown(u32, Tree),
}

/// What a forest's trees have in common, and where its numbers of trees begin.
#[derive(Debug, Clone)]
pub(super) struct Plot {
    /// The columns that may be split on.
    pub(super) columns: Vec<usize>,
    /// How its trees are grown.
    pub(super) settings: ForestSettings,
}

/// A tree that this worker decides on.
struct Deciding<T: Timestamp> {
    planting: Planting,
    /// What is being counted; nothing while the rows are weighed.
    group: Option<Group>,
    /// The sum of what has come in, from how many, and the leave to answer.
    sum: Vec<u32>,
    tallies: usize,
    capability: Option<Capability<T>>,
}

/// Extension trait for streams of tallies.
pub(super) trait Choose<'scope, T: Timestamp> {
    /// Decides on tree t at worker t mod `peers`. When a tree is grown, the tree `in_flight` numbers on is begun.
    fn choose(
        self,
        plots: Arc<[Plot]>,
        bins: Arc<Bins>,
        peers: usize,
        in_flight: u32,
        on_progress: OnProgress,
    ) -> StreamVec<'scope, T, Chosen>;
}

impl<'scope, T: Timestamp + TotalOrder> Choose<'scope, T> for StreamVec<'scope, T, Tally> {
    fn choose(
        self,
        plots: Arc<[Plot]>,
        bins: Arc<Bins>,
        peers: usize,
        in_flight: u32,
        on_progress: OnProgress,
    ) -> StreamVec<'scope, T, Chosen> {
        let mut trees: HashMap<u32, Deciding<T>> = HashMap::new();
        let by_tree = Exchange::new(|tally: &Tally| u64::from(tally.tree));
        self.unary(by_tree, "ChooseSplits", move |_, _| {
            move |input, output| {
                input.for_each_stamp(|capability, tallies| {
                    let leave = capability.retain_least(0);
                    for Tally { tree, counts } in tallies.flat_map(|tallies| tallies.drain(..)) {
                        let deciding = trees.entry(tree).or_insert_with(|| Deciding::begin(&plots, tree));
                        deciding.add(counts);
                        // All tallies of a step have its timestamp: the first one's leave is as good as the last one's.
                        deciding.capability = deciding.capability.take().or_else(|| leave.clone());
                        if deciding.tallies < peers {
                            continue;
                        }
                        let Some(leave) = deciding.capability.take() else { continue };
                        let mut session = output.session(&leave);
                        let next = deciding.decide(&bins);
                        on_progress(Progress::Tree { tree, levels: deciding.planting.depth(), grown: next.is_none() });
                        if let Some(step) = next {
                            session.give(Chosen::Next(Order { tree, step }));
                            continue;
                        }
                        if let Some(done) = trees.remove(&tree) {
                            session.give(Chosen::Grown(tree, done.planting.into_tree(&bins)));
                        }
                        session.give(Chosen::Next(Order { tree, step: Step::Forget }));
                        if tree + in_flight < trees_total(&plots) {
                            session.give(Chosen::Next(Order { tree: tree + in_flight, step: Step::Weigh }));
                        }
                    }
                });
            }
        })
    }
}

/// How many trees all forests have together.
pub(super) fn trees_total(plots: &[Plot]) -> u32 {
    plots.iter().map(|plot| plot.settings.trees).sum()
}

impl<T: Timestamp> Deciding<T> {
    /// Trees are numbered through all forests.
    fn begin(plots: &[Plot], tree: u32) -> Self {
        let mut before = 0;
        let plot = plots.iter().find(|plot| {
            before += plot.settings.trees;
            tree < before
        });
        // An order is only ever given for a tree that there is; the last forest's settings would do no harm.
        let plot = plot.or(plots.last()).unwrap_or_else(|| unreachable!("a tree without a forest"));
        let planting = Planting::new(&plot.columns, &plot.settings, tree);
        Deciding { planting, group: None, sum: Vec::new(), tallies: 0, capability: None }
    }

    fn add(&mut self, counts: Vec<u32>) {
        self.tallies += 1;
        if self.sum.is_empty() {
            self.sum = counts;
        } else {
            self.sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
    }

    /// Takes the sum of all tallies of a step; the next step, or `None` if the tree is grown.
    fn decide(&mut self, bins: &Bins) -> Option<Step> {
        self.tallies = 0;
        let sum = std::mem::take(&mut self.sum);
        let mut divide: Vec<Decision> = Vec::new();
        match self.group.take() {
            None => self.planting.root(std::array::from_fn(|class| sum.get(class).copied().unwrap_or(0))),
            Some(group) => {
                self.planting.split(bins, &group, &sum);
                divide = self.planting.level_done().unwrap_or_default();
            }
        }
        let group = self.planting.next_group(bins)?;
        self.group = Some(group.clone());
        Some(Step::Count { divide, group })
    }
}
