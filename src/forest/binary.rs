//! A forest as bytes: how many trees, the number of nodes of each, all nodes, and of each node the four probabilities.
//!
//! A node is its threshold, infinity at a leaf, and column and left child in one word, little-endian.

use super::{Forest, Key, Node, Unchecked};
use crate::{
    binary::{Bytes, Malformed, put_len},
    classes::Probabilities,
};

impl Forest {
    /// Appends the forest.
    pub(crate) fn put(&self, bytes: &mut Vec<u8>) {
        let starts = self.roots.iter().map(|root| root.node as usize);
        let ends = starts.clone().skip(1).chain([self.nodes.len()]);
        put_len(bytes, self.roots.len());
        starts.zip(ends).for_each(|(start, end)| put_len(bytes, end - start));
        for node in &self.nodes {
            let threshold = if node.threshold == Key::MAX { f32::INFINITY } else { node.threshold.number() };
            bytes.extend(threshold.to_le_bytes());
            bytes.extend(node.link.to_le_bytes());
        }
        bytes.extend(self.distributions.iter().flatten().flat_map(|p| p.to_le_bytes()));
    }
}

impl Unchecked {
    /// Reads a forest.
    pub(crate) fn read(bytes: &mut Bytes<'_>) -> Result<Self, Malformed> {
        let trees_len = bytes.number()? as usize;
        let lens = bytes.numbers(trees_len)?;
        let nodes_len = lens.iter().map(|len| u64::from(*len)).sum::<u64>();
        let nodes_len = usize::try_from(nodes_len).map_err(|_| Malformed("a forest has too many nodes"))?;
        let node = |&[a, b, c, d, e, f, g, h]: &[u8; 8]| {
            let threshold = f32::from_le_bytes([a, b, c, d]);
            let key = if threshold == f32::INFINITY { Key::MAX } else { Key::of(threshold) };
            Node { threshold: key, link: u32::from_le_bytes([e, f, g, h]) }
        };
        let nodes = bytes.records(nodes_len)?.iter().map(node).collect();
        let distributions = bytes.records::<16>(nodes_len)?.iter().map(distribution).collect();
        Ok(Unchecked { lens, nodes, distributions })
    }
}

fn distribution(bytes: &[u8; 16]) -> Probabilities {
    let (numbers, _) = bytes.as_chunks();
    std::array::from_fn(|class| f32::from_le_bytes(numbers[class]))
}
