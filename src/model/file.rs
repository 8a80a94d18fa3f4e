//! The model file.
//!
//! 1. It is `DELAYCST`, the format's number, the lengths of five sections, the sections, and a checksum. Numbers are
//!    little-endian; lengths and counts have 32 bits.
//! 2. The sections are the header and the schema, both JSON, and the tables, the airports and the forests, which are
//!    numbers of fixed width: `features/binary.rs`, `airports/binary.rs` and `forest/binary.rs` say which.
//! 3. The schema has the columns and the class cuts; the tables are what the columns were fitted to. The header says how the
//!    model came about, what the forests are given, and the SHA-256 of the SHA-256s of schema and tables, which must be
//!    that of both as they stand in the file.
//! 4. The checksum is the SHA-256 of what stands before the sections and of each section's SHA-256. So every byte is read once,
//!    and of a long file on two threads.
//! 5. A file that is not a model's, of another format, cut, or changed in any byte is refused, and so is one whose parts are
//!    not sound; nothing is allocated that the file's own length does not warrant. Equal models are equal files: a file has
//!    no date.

use std::{collections::BTreeMap, panic::resume_unwind, thread};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use engine::model::{MODEL_BYTES_MAX, ModelFile};

use super::{Mismatch, Model, Origin};
use crate::{
    airports::Airports,
    binary::{CorruptSection, SectionReader},
    features::{FeatureSet, KnownInputs},
    flight::{CLASS_CUTS_MINUTES, CLASSES},
    forest::{Forest, Forests, Incomplete, MalformedForest, Unreadable},
    runtime::hex,
};

/// The format that is written, and the newest that is read.
pub const FORMAT: u32 = 4;

const MAGIC: &[u8; 8] = b"DELAYCST";
const CHECKSUM_BYTES: usize = 32;
pub(super) const SECTIONS: usize = 5;
/// What stands before the sections.
const START_BYTES: usize = MAGIC.len() + size_of::<u32>() * (1 + SECTIONS);
/// Forests this long are worth a thread for their checksum.
const BESIDE_BYTES_MIN: usize = 1 << 20;

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
    /// Whole, but its header or its schema cannot be read.
    #[error("this model file's header or schema cannot be read: train again")]
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

impl From<CorruptSection> for ModelFileError {
    fn from(CorruptSection(reason): CorruptSection) -> Self {
        Damaged(reason)
    }
}

impl From<Unreadable> for ModelFileError {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Bytes(malformed) => malformed.into(),
            Unreadable::Forest(malformed) => malformed.into(),
        }
    }
}

pub(super) type Digest256 = [u8; CHECKSUM_BYTES];

/// Borrows what it writes, and owns what it reads.
#[derive(Serialize, Deserialize)]
struct Schema<F> {
    features: F,
    cuts_min: [f32; CLASSES - 1],
}

#[derive(Serialize, Deserialize)]
struct Header<O> {
    schema_sha256: String,
    origin: O,
    /// What the forests that follow are given, in their order.
    forests: Vec<KnownInputs>,
}

impl Model {
    /// The model as a file's bytes. Equal models give equal bytes.
    pub fn encode(&self) -> Result<Vec<u8>, ModelFileError> {
        let schema = Schema { features: &self.features, cuts_min: CLASS_CUTS_MINUTES };
        let schema = serde_json::to_vec(&schema).map_err(ModelFileError::Header)?;
        let tables = self.features.tables();
        let header = Header {
            schema_sha256: schema_sha256(&sha256(&schema), &sha256(&tables)),
            origin: &self.origin,
            forests: self.forests.iter().map(|(given, _)| given).collect(),
        };
        let header = serde_json::to_vec(&header).map_err(ModelFileError::Header)?;
        let mut forests = Vec::new();
        self.forests.iter().for_each(|(_, forest)| forest.put(&mut forests));
        seal(&[header, schema, tables, self.airports.section(), forests])
    }

    /// Reads a file's bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, ModelFileError> {
        let (start, sections, checksum) = split(bytes)?;
        let [first @ .., forests] = sections;
        // What is read before the checksum is known counts only after.
        let (read, digests) = thread::scope(|scope| {
            let beside = (forests.len() >= BESIDE_BYTES_MIN)
                .then(|| thread::Builder::new().spawn_scoped(scope, || sha256(forests)).ok())
                .flatten();
            let [header, schema, tables, airports] = first.map(sha256);
            let read = Parts::read(&sections);
            let forests = match beside {
                Some(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
                // None was worth it, or none was to be had.
                None => sha256(forests),
            };
            (read, [header, schema, tables, airports, forests])
        });
        if checksum_of(start, &digests) != *checksum {
            return Err(Damaged("its checksum is not that of its content"));
        }
        let [_, schema, tables, ..] = digests;
        read?.fit_together(&schema_sha256(&schema, &tables))
    }
}

/// Sections as a file, with the checksum that is theirs.
pub(super) fn seal(sections: &[Vec<u8>; SECTIONS]) -> Result<Vec<u8>, ModelFileError> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(FORMAT.to_le_bytes());
    for section in sections {
        let len = u32::try_from(section.len()).map_err(|_| ModelFileError::TooLong)?;
        bytes.extend(len.to_le_bytes());
    }
    let checksum = checksum_of(&bytes, &sections.each_ref().map(|section| sha256(section)));
    bytes.extend(sections.concat());
    bytes.extend(checksum);
    if bytes.len() as u64 > MODEL_BYTES_MAX { Err(ModelFileError::TooLong) } else { Ok(bytes) }
}

/// What stands before the sections, the sections, and the checksum.
pub(super) type Split<'a> = (&'a [u8], [&'a [u8]; SECTIONS], &'a Digest256);

pub(super) fn split(bytes: &[u8]) -> Result<Split<'_>, ModelFileError> {
    let mut rest = SectionReader(bytes.strip_prefix(MAGIC).ok_or(ModelFileError::NotAModel)?);
    if bytes.len() as u64 > MODEL_BYTES_MAX {
        return Err(ModelFileError::TooLong);
    }
    match rest.number()? {
        FORMAT => {}
        found if found > FORMAT => return Err(ModelFileError::Newer { found }),
        found => return Err(ModelFileError::Older { found }),
    }
    let mut lens = [0; SECTIONS];
    for len in &mut lens {
        *len = rest.number()? as usize;
    }
    let mut sections = [&[][..]; SECTIONS];
    for (section, len) in sections.iter_mut().zip(lens) {
        *section = rest.take(len, 1)?;
    }
    let checksum = rest.0.try_into().map_err(|_| Damaged("its sections do not end where its checksum begins"))?;
    Ok((&bytes[..START_BYTES], sections, checksum))
}

/// What was read, and may not fit together.
struct Parts {
    header: Header<Origin>,
    features: FeatureSet,
    airports: Airports,
    forests: Vec<Forest>,
}

impl Parts {
    fn read([header, schema, tables, airports, forests]: &[&[u8]; SECTIONS]) -> Result<Self, ModelFileError> {
        let header: Header<Origin> = serde_json::from_slice(header).map_err(ModelFileError::Header)?;
        let schema: Schema<FeatureSet> = serde_json::from_slice(schema).map_err(ModelFileError::Header)?;
        if schema.cuts_min != CLASS_CUTS_MINUTES {
            return Err(Damaged("its delay classes are not those of this program"));
        }
        let features = schema.features.with_tables(tables)?;
        let (mut forests, width) = (SectionReader(forests), features.width());
        let read = header.forests.iter().map(|_| Forest::read(&mut forests, width)).collect::<Result<_, _>>()?;
        forests.end()?;
        Ok(Parts { header, features, airports: Airports::read(airports)?, forests: read })
    }

    fn fit_together(self, schema_sha256: &str) -> Result<Model, ModelFileError> {
        let Parts { header, features, airports, forests } = self;
        if header.schema_sha256 != schema_sha256 {
            return Err(Damaged("its schema is not the one that it states"));
        }
        if !header.forests.is_sorted_by(|a, b| a < b) {
            return Err(Damaged("its forests are out of order"));
        }
        let forests: BTreeMap<_, _> = header.forests.into_iter().zip(forests).collect();
        Ok(Model::new(features, airports, header.origin, Forests::new(forests)?)?)
    }
}

pub(super) fn sha256(bytes: &[u8]) -> Digest256 {
    Sha256::digest(bytes).into()
}

fn checksum_of(start: &[u8], sections: &[Digest256; SECTIONS]) -> Digest256 {
    Sha256::new().chain_update(start).chain_update(sections.as_flattened()).finalize().into()
}

pub(super) fn schema_sha256(schema: &Digest256, tables: &Digest256) -> String {
    let digest = Sha256::new().chain_update(schema).chain_update(tables).finalize();
    hex::encode(digest)
}

impl ModelFile for Model {
    type Error = ModelFileError;

    fn encode(&self) -> Result<Vec<u8>, ModelFileError> {
        Model::encode(self)
    }

    fn decode(bytes: &[u8]) -> Result<Self, ModelFileError> {
        Model::decode(bytes)
    }

    fn too_long() -> Box<dyn std::error::Error + Send + Sync> {
        ModelFileError::TooLong.into()
    }

    /// The checksum at the end of the file.
    fn checksum(bytes: &[u8]) -> Digest256 {
        bytes.last_chunk().copied().unwrap_or_default()
    }
}
