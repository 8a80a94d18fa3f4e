//! A forest as bytes: how many trees, and the number of nodes of each; then of all nodes the column that is compared, 255 at a leaf; of all splits
//! the threshold; and of all nodes the probabilities of the first three classes, 16 bits each, in units of 2^-15.
//!
//! Where a node's children stand follows from the nodes before it (`builder.rs`), and the last class has the rest.

use super::{
    Distribution, Forest, MalformedForest,
    builder::{Builder, LEAF},
};
use crate::binary::{CorruptSection, SectionReader, put_len};

/// Why bytes are no forest.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// They are too few.
    Bytes(CorruptSection),
    /// They are not a set of trees.
    Forest(MalformedForest),
}

impl From<CorruptSection> for Unreadable {
    fn from(malformed: CorruptSection) -> Self {
        Unreadable::Bytes(malformed)
    }
}

impl From<MalformedForest> for Unreadable {
    fn from(malformed: MalformedForest) -> Self {
        Unreadable::Forest(malformed)
    }
}

impl Forest {
    /// Appends the forest.
    pub(crate) fn put(&self, bytes: &mut Vec<u8>) {
        let starts = self.roots.iter().map(|root| root.node as usize);
        let ends = starts.clone().skip(1).chain([self.nodes.len()]);
        put_len(bytes, self.roots.len());
        starts.zip(ends).for_each(|(start, end)| put_len(bytes, end - start));
        let splits = || (0..).zip(&self.nodes).map(|(at, node)| (node.left() != at).then_some(node));
        // A column of a split is below 255.
        bytes.extend(splits().map(|split| split.map_or(LEAF, |node| node.column() as u8)));
        bytes.extend(splits().flatten().flat_map(|node| node.threshold.number().to_le_bytes()));
        bytes.extend(self.distributions.iter().flat_map(|distribution| distribution.to_le_bytes()));
    }

    /// Reads a forest over rows of `width` columns.
    pub(crate) fn read(bytes: &mut SectionReader<'_>, width: usize) -> Result<Self, Unreadable> {
        let trees_len = bytes.number()? as usize;
        let lens = bytes.numbers(trees_len)?;
        let all = |part: fn(u32) -> u64| usize::try_from(lens.iter().map(|&len| part(len)).sum::<u64>());
        let too_many = |_| CorruptSection("a forest has too many nodes");
        let nodes_len = all(u64::from).map_err(too_many)?;
        let splits_len = all(|len| u64::from(len / 2)).map_err(too_many)?;
        let mut columns = bytes.take(nodes_len, 1)?;
        let mut thresholds = bytes.records(splits_len)?;
        let distributions = bytes.records(nodes_len)?;
        let mut builder = Builder::new(width, nodes_len);
        for &len in &lens {
            let (tree, rest) = columns.split_at(len as usize);
            let splits = builder.add(tree, thresholds)?;
            (columns, thresholds) = (rest, &thresholds[splits..]);
        }
        Ok(builder.finish(distributions.iter().map(Distribution::unchecked).collect())?)
    }
}
