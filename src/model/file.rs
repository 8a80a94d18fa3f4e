//! The model file.
//!
//! 1. It is `DELAYCST`, the format's number, the header's length and the header, the forests, and the SHA-256 of
//!    all that. Numbers are little-endian; lengths and counts have 32 bits.
//! 2. The header is JSON: what scoring needs besides the forests, how the model came about, and the SHA-256 of the
//!    schema (columns with their encoders, class cuts), which must be that of the schema as read.
//! 3. A forest is its number of trees, and each tree its number of nodes and the nodes. A node is 24 bytes: threshold,
//!    column (8 bits) and left child in its tree (24 bits), and four probabilities. A leaf is its own left child.
//! 4. A file that is not a model's, of a newer format, cut, or changed in any byte is refused; nothing is allocated
//!    that the file's own length does not warrant. Equal models are equal files: a file has no date.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Mismatch, Model, Origin};
use crate::{
    atlas::Atlas,
    classes::{CLASSES, CUTS_MIN},
    features::FeatureSet,
    features::Given,
    forest::{Forest, Forests, Incomplete, MalformedForest, Split, Tree, TreeNode},
};

/// The format that is written, and the newest that is read.
pub const FORMAT: u32 = 2;
/// A model file is at most this long.
pub const MODEL_BYTES_MAX: u64 = 256 << 20;

const MAGIC: &[u8; 8] = b"DELAYCST";
const CHECKSUM_BYTES: usize = 32;
const NODE_BYTES: usize = 24;
const LEFT_BITS: u32 = 24;
const LEFT_MASK: u32 = (1 << LEFT_BITS) - 1;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelFileError {
    /// Something else altogether.
    #[error("this is not a model file: name one that `delaycast train` wrote")]
    NotAModel,
    /// Written by a later program.
    #[error("this model file has format {found}, and this program reads {FORMAT}: update delaycast, or train again")]
    Newer {
        /// The file's format.
        found: u32,
    },
    /// Written by an earlier program.
    #[error("this model file has format {found}, and this program reads {FORMAT}: train again")]
    Older {
        /// The file's format.
        found: u32,
    },
    /// Longer than a model can be.
    #[error("this model file is longer than {MODEL_BYTES_MAX} bytes: train again with fewer or shallower trees")]
    TooLong,
    /// Not as it was written.
    #[error("this model file is damaged: {0}; train again, or restore it")]
    Damaged(&'static str),
    /// Whole, but its header cannot be read.
    #[error("this model file's header cannot be read: train again")]
    Header(#[source] serde_json::Error),
    /// Whole, but a forest is none.
    #[error("this model file has no sound forest: train again")]
    Forest(#[from] MalformedForest),
    /// Whole, but a forest is missing.
    #[error("this model file lacks a forest: train again")]
    Incomplete(#[from] Incomplete),
    /// Whole, but its parts do not fit.
    #[error("this model file's parts do not fit: train again")]
    Mismatch(#[from] Mismatch),
}

use ModelFileError::Damaged;

#[derive(Serialize, Deserialize)]
struct Schema {
    features: FeatureSet,
    cuts_min: [f32; CLASSES - 1],
}

impl Schema {
    fn sha256(&self) -> Result<String, ModelFileError> {
        let json = serde_json::to_vec(self).map_err(ModelFileError::Header)?;
        Ok(Sha256::digest(json).iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

#[derive(Serialize, Deserialize)]
struct Header {
    schema: Schema,
    schema_sha256: String,
    origin: Origin,
    atlas: Atlas,
    /// What the forests that follow are given, in their order.
    forests: Vec<Given>,
}

impl Model {
    /// The model as a file's bytes. Equal models give equal bytes.
    pub fn encode(&self) -> Result<Vec<u8>, ModelFileError> {
        let schema = Schema { features: self.features.clone(), cuts_min: CUTS_MIN };
        let schema_sha256 = schema.sha256()?;
        let forests = self.forests.iter().map(|(given, _)| given).collect();
        let header = Header { schema, schema_sha256, origin: self.origin.clone(), atlas: self.atlas.clone(), forests };
        let header = serde_json::to_vec(&header).map_err(ModelFileError::Header)?;
        let mut bytes = MAGIC.to_vec();
        bytes.extend(FORMAT.to_le_bytes());
        put_len(&mut bytes, header.len())?;
        bytes.extend(header);
        for (_, forest) in self.forests.iter() {
            put_forest(&mut bytes, forest)?;
        }
        bytes.extend(Sha256::digest(&bytes));
        if bytes.len() as u64 > MODEL_BYTES_MAX { Err(ModelFileError::TooLong) } else { Ok(bytes) }
    }

    /// Reads a file's bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, ModelFileError> {
        if !bytes.starts_with(MAGIC) {
            return Err(ModelFileError::NotAModel);
        }
        if bytes.len() as u64 > MODEL_BYTES_MAX {
            return Err(ModelFileError::TooLong);
        }
        let format = Bytes(&bytes[MAGIC.len()..]).number()?;
        if format > FORMAT {
            return Err(ModelFileError::Newer { found: format });
        }
        if format < FORMAT {
            return Err(ModelFileError::Older { found: format });
        }
        let content = checked_content(bytes)?;
        let mut rest = Bytes(content);
        rest.take(MAGIC.len() + size_of::<u32>())?;
        let header_len = rest.number()? as usize;
        let header: Header = serde_json::from_slice(rest.take(header_len)?).map_err(ModelFileError::Header)?;
        if header.schema.cuts_min != CUTS_MIN {
            return Err(Damaged("its delay classes are not those of this program"));
        }
        if header.schema.sha256()? != header.schema_sha256 {
            return Err(Damaged("its schema is not the one that it states"));
        }
        let features = header.schema.features;
        let mut forests = BTreeMap::new();
        for given in header.forests {
            forests.insert(given, forest(&mut rest, features.width())?);
        }
        if !rest.0.is_empty() {
            return Err(Damaged("something follows the forests"));
        }
        Ok(Model::new(features, header.atlas, header.origin, Forests::new(forests)?)?)
    }
}

/// A file's bytes without the checksum at their end, if that is theirs.
fn checked_content(bytes: &[u8]) -> Result<&[u8], ModelFileError> {
    let (content, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(Damaged("it ends too early"))?;
    if <[u8; CHECKSUM_BYTES]>::from(Sha256::digest(content)) == *checksum {
        Ok(content)
    } else {
        Err(Damaged("its checksum is not that of its content"))
    }
}

/// The checksum at the end of a file's bytes.
pub(super) fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    bytes.last_chunk().copied().unwrap_or_default()
}

fn put_len(bytes: &mut Vec<u8>, len: usize) -> Result<(), ModelFileError> {
    bytes.extend(u32::try_from(len).map_err(|_| ModelFileError::TooLong)?.to_le_bytes());
    Ok(())
}

fn put_forest(bytes: &mut Vec<u8>, forest: &Forest) -> Result<(), ModelFileError> {
    put_len(bytes, forest.trees_len())?;
    for tree in forest.trees() {
        put_len(bytes, tree.nodes.len())?;
        // A forest has at most 2^24 nodes, so an index has 24 bits.
        for (node, at) in tree.nodes.iter().zip(0u32..) {
            let leaf = Split { column: 0, threshold: f32::INFINITY, left: at };
            let split = node.split.unwrap_or(leaf);
            bytes.extend(split.threshold.to_le_bytes());
            bytes.extend((u32::from(split.column) << LEFT_BITS | split.left).to_le_bytes());
            bytes.extend(node.distribution.iter().flat_map(|p| p.to_le_bytes()));
        }
    }
    Ok(())
}

fn forest(bytes: &mut Bytes<'_>, width: usize) -> Result<Forest, ModelFileError> {
    let trees_len = bytes.number()?;
    let mut trees = Vec::new();
    for _ in 0..trees_len {
        let nodes_len = bytes.number()? as usize;
        let nodes = bytes.take(nodes_len.checked_mul(NODE_BYTES).ok_or(Damaged("a tree has too many nodes"))?)?;
        let nodes = nodes.chunks_exact(NODE_BYTES).zip(0..).map(|(node, at)| tree_node(Bytes(node), at));
        trees.push(Tree { nodes: nodes.collect::<Result<_, _>>()? });
    }
    Ok(Forest::new(&trees, width)?)
}

fn tree_node(mut bytes: Bytes<'_>, at: u32) -> Result<TreeNode, ModelFileError> {
    let (threshold, link) = (f32::from_bits(bytes.number()?), bytes.number()?);
    let mut distribution = [0.0; CLASSES];
    for p in &mut distribution {
        *p = f32::from_bits(bytes.number()?);
    }
    let left = link & LEFT_MASK;
    // A word's upper 8 bits.
    let column = (link >> LEFT_BITS) as u8;
    let split = (left != at).then_some(Split { column, threshold, left });
    Ok(TreeNode { split, distribution })
}

/// Bytes yet to be read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], ModelFileError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Damaged("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u32, ModelFileError> {
        let (number, rest) = self.0.split_first_chunk().ok_or(Damaged("it ends too early"))?;
        self.0 = rest;
        Ok(u32::from_le_bytes(*number))
    }
}
