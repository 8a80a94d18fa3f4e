//! The model file.
//!
//! 1. It is `DELAYCST`, the format's number, the lengths of five sections, the sections, and a checksum. Numbers are
//!    little-endian; lengths and counts have 32 bits.
//! 2. The sections are the header and the schema, both JSON, and the tables, the airports and the classifiers, which
//!    are numbers of fixed width: `features/binary.rs`, `airports/binary.rs` and `forest/binary.rs` define them.
//! 3. The schema has the columns and the class cuts; the tables have the values that the columns were fitted to. The
//!    header has the model's origin, the kind of the classifiers unless they are forests, the inputs that each is
//!    given, and the SHA-256 of the SHA-256s of schema and tables, which must agree with the file.
//! 4. The checksum is the SHA-256 of the bytes before the sections and of each section's SHA-256. So every byte is read
//!    once, and two threads share a long file.
//! 5. A file of format 4 is read as well: its forests have no outcomes. A file of another type or format, one that is
//!    truncated or changed in any byte, and one with invalid parts are refused. No allocation exceeds what the file's
//!    length warrants. Equal models are equal files: a file has no date.

use std::{collections::BTreeMap, panic::resume_unwind, thread};

use engine::{
    model::{MODEL_BYTES_MAX, ModelFile},
    runtime::hex,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Mismatch, Model, Origin};
use crate::{
    airports::Airports,
    binary::{CorruptSection, SectionReader},
    classifier::{Classifier, ClassifierKind, Classifiers, IncompleteClassifiers},
    features::{FeatureSet, KnownInputs},
    flight::{CLASS_CUTS_MINUTES, CLASSES},
    forest::{ForestReadError, MalformedForest},
};

/// The format that is written, and the newest that is read.
pub const FORMAT: u32 = 5;
/// The oldest format that is read. Its forests have no outcomes in their leaves, and answer without minutes.
const FORMAT_OLDEST: u32 = 4;

const MAGIC: &[u8; 8] = b"DELAYCST";
const CHECKSUM_BYTES: usize = 32;
pub(super) const SECTIONS: usize = 5;
/// Bytes before the sections.
const START_BYTES: usize = MAGIC.len() + size_of::<u32>() * (1 + SECTIONS);
/// Least length of the classifiers for which a second thread computes the checksum.
const BESIDE_BYTES_MIN: usize = 1 << 20;

/// The reason why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelFileError {
    /// Another type of file.
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
    /// Changed or truncated.
    #[error("this model file is damaged: {0}; train again, or restore it")]
    Damaged(&'static str),
    /// Whole, but its header or its schema cannot be read.
    #[error("this model file's header or schema cannot be read: train again")]
    Header(#[source] serde_json::Error),
    /// Whole, but a forest is malformed.
    #[error("this model file has no sound forest: train again")]
    Forest(#[from] MalformedForest),
    /// Whole, but a forest is missing.
    #[error("this model file lacks a forest: train again")]
    Incomplete(#[from] IncompleteClassifiers),
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

impl From<ForestReadError> for ModelFileError {
    fn from(error: ForestReadError) -> Self {
        match error {
            ForestReadError::Bytes(malformed) => malformed.into(),
            ForestReadError::Forest(malformed) => malformed.into(),
        }
    }
}

pub(super) type Digest256 = [u8; CHECKSUM_BYTES];

/// The schema; it borrows the features to write, and owns those it reads.
#[derive(Serialize, Deserialize)]
struct Schema<F> {
    features: F,
    cuts_min: [f32; CLASSES - 1],
}

#[derive(Serialize, Deserialize)]
struct Header<O> {
    schema_sha256: String,
    origin: O,
    #[serde(default, skip_serializing_if = "ClassifierKind::is_default")]
    kind: ClassifierKind,
    /// The inputs that each classifier is given, in the order of their bytes.
    #[serde(rename = "forests")]
    given: Vec<KnownInputs>,
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
            kind: self.classifiers.kind(),
            given: self.classifiers.iter().map(|(given, _)| given).collect(),
        };
        let header = serde_json::to_vec(&header).map_err(ModelFileError::Header)?;
        let mut classifiers = Vec::new();
        self.classifiers.iter().for_each(|(_, classifier)| classifier.write(&mut classifiers));
        seal(&[header, schema, tables, self.airports.section(), classifiers])
    }

    /// Reads a file's bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, ModelFileError> {
        let (format, start, sections, checksum) = split(bytes)?;
        let [first @ .., classifiers] = sections;
        // The parts are read before the checksum is verified, and used after.
        let (read, digests) = thread::scope(|scope| {
            let beside = (classifiers.len() >= BESIDE_BYTES_MIN)
                .then(|| thread::Builder::new().spawn_scoped(scope, || sha256(classifiers)).ok())
                .flatten();
            let [header, schema, tables, airports] = first.map(sha256);
            let read = Parts::read(&sections, format > FORMAT_OLDEST);
            let classifiers = match beside {
                Some(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
                // The section is short, or no thread could be started.
                None => sha256(classifiers),
            };
            (read, [header, schema, tables, airports, classifiers])
        });
        if checksum_of(start, &digests) != *checksum {
            return Err(Damaged("its checksum is not that of its content"));
        }
        let [_, schema, tables, ..] = digests;
        read?.fit_together(&schema_sha256(&schema, &tables))
    }
}

/// Makes a file of sections, with its checksum.
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

/// The format, the bytes before the sections, the sections, and the checksum.
pub(super) type Split<'a> = (u32, &'a [u8], [&'a [u8]; SECTIONS], &'a Digest256);

pub(super) fn split(bytes: &[u8]) -> Result<Split<'_>, ModelFileError> {
    let mut rest = SectionReader(bytes.strip_prefix(MAGIC).ok_or(ModelFileError::NotAModel)?);
    if bytes.len() as u64 > MODEL_BYTES_MAX {
        return Err(ModelFileError::TooLong);
    }
    let format = match rest.number()? {
        found @ FORMAT_OLDEST..=FORMAT => found,
        found if found > FORMAT => return Err(ModelFileError::Newer { found }),
        found => return Err(ModelFileError::Older { found }),
    };
    let mut lens = [0; SECTIONS];
    for len in &mut lens {
        *len = rest.number()? as usize;
    }
    let mut sections = [&[][..]; SECTIONS];
    for (section, len) in sections.iter_mut().zip(lens) {
        *section = rest.take(len, 1)?;
    }
    let checksum = rest.0.try_into().map_err(|_| Damaged("its sections do not end where its checksum begins"))?;
    Ok((format, &bytes[..START_BYTES], sections, checksum))
}

/// The parts of a file, which may not fit together.
struct Parts {
    header: Header<Origin>,
    features: FeatureSet,
    airports: Airports,
    classifiers: Vec<Classifier>,
}

impl Parts {
    fn read(
        [header, schema, tables, airports, classifiers]: &[&[u8]; SECTIONS],
        has_outcomes: bool,
    ) -> Result<Self, ModelFileError> {
        let header: Header<Origin> = serde_json::from_slice(header).map_err(ModelFileError::Header)?;
        let schema: Schema<FeatureSet> = serde_json::from_slice(schema).map_err(ModelFileError::Header)?;
        if schema.cuts_min != CLASS_CUTS_MINUTES {
            return Err(Damaged("its delay classes are not those of this program"));
        }
        let features = schema.features.with_tables(tables)?;
        let (mut bytes, width) = (SectionReader(classifiers), features.width());
        let read = |_| Classifier::read(header.kind, &mut bytes, width, has_outcomes);
        let classifiers = header.given.iter().map(read).collect::<Result<_, _>>()?;
        bytes.end()?;
        Ok(Parts { header, features, airports: Airports::read(airports)?, classifiers })
    }

    fn fit_together(self, schema_sha256: &str) -> Result<Model, ModelFileError> {
        let Parts { header, features, airports, classifiers } = self;
        if header.schema_sha256 != schema_sha256 {
            return Err(Damaged("its schema is not the one that it states"));
        }
        if !header.given.is_sorted_by(|a, b| a < b) {
            return Err(Damaged("its forests are out of order"));
        }
        let classifiers: BTreeMap<_, _> = header.given.into_iter().zip(classifiers).collect();
        Ok(Model::new(features, airports, header.origin, Classifiers::new(classifiers)?)?)
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
