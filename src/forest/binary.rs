//! A forest's section of a model file: the number of trees, and of the nodes of each; then the column of each node, 255
//! at a leaf; the threshold of each split; and of each node the probabilities of the first three classes, 16 bits each,
//! in units of 2^-15.
//!
//! The children of a node follow from the nodes before it (`flat.rs`), and the last class has the remainder.

use super::{
    flat::{Forest, ForestBuilder, LEAF, MalformedForest},
    tree::Distribution,
};
use crate::binary::{CorruptSection, SectionReader, put_len};

/// The reason why bytes are not a forest.
#[derive(Debug)]
pub(crate) enum ForestReadError {
    /// The bytes end too early.
    Bytes(CorruptSection),
    /// They do not encode a set of trees.
    Forest(MalformedForest),
}

impl From<CorruptSection> for ForestReadError {
    fn from(malformed: CorruptSection) -> Self {
        ForestReadError::Bytes(malformed)
    }
}

impl From<MalformedForest> for ForestReadError {
    fn from(malformed: MalformedForest) -> Self {
        ForestReadError::Forest(malformed)
    }
}

impl Forest {
    /// Appends the forest.
    pub(crate) fn write(&self, bytes: &mut Vec<u8>) {
        let starts = self.roots.iter().map(|root| root.node as usize);
        let ends = starts.clone().skip(1).chain([self.nodes.len()]);
        put_len(bytes, self.roots.len());
        starts.zip(ends).for_each(|(start, end)| put_len(bytes, end - start));
        let splits = || (0..).zip(&self.nodes).map(|(at, node)| (node.left() != at).then_some(node));
        // A column of a split is below 255.
        bytes.extend(splits().map(|split| split.map_or(LEAF, |node| node.column() as u8)));
        bytes.extend(splits().flatten().flat_map(|node| node.threshold.to_f32().to_le_bytes()));
        bytes.extend(self.distributions.iter().flat_map(|distribution| distribution.to_le_bytes()));
    }

    /// Reads a forest over rows of `width` columns.
    pub(crate) fn read(bytes: &mut SectionReader<'_>, width: usize) -> Result<Self, ForestReadError> {
        let trees_len = bytes.number()? as usize;
        let lens = bytes.numbers(trees_len)?;
        let total = |part: fn(u32) -> u64| usize::try_from(lens.iter().map(|&len| part(len)).sum::<u64>());
        let too_many = |_| CorruptSection("a forest has too many nodes");
        let nodes_len = total(u64::from).map_err(too_many)?;
        let splits_len = total(|len| u64::from(len / 2)).map_err(too_many)?;
        let mut columns = bytes.take(nodes_len, 1)?;
        let mut thresholds = bytes.records(splits_len)?;
        let distributions = bytes.records(nodes_len)?;
        let mut builder = ForestBuilder::new(width, nodes_len);
        for &len in &lens {
            let (tree, rest) = columns.split_at(len as usize);
            let splits = builder.push_tree(tree, thresholds)?;
            (columns, thresholds) = (rest, &thresholds[splits..]);
        }
        Ok(builder.finish(distributions.iter().map(Distribution::from_le_bytes).collect())?)
    }
}
