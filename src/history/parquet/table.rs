//! A Parquet file as columns of typed values, with errors that name file, column and row.

use std::{fs::File, path::Path, sync::Arc};

use ::parquet::{
    basic::Compression,
    column::reader::{ColumnReaderImpl, get_typed_column_reader},
    data_type::DataType,
    errors::ParquetError,
    file::{
        metadata::ColumnChunkMetaData,
        reader::{ChunkReader, FileReader, SerializedFileReader},
    },
};

use super::checksum;
use crate::history::HistoryError;

/// Rows decoded at a time: large enough to amortise the decoder's calls, small enough to stay in the cache.
pub(super) const BATCH_ROWS: usize = 8192;

/// An open Parquet file.
pub(in crate::history) struct Table {
    pub(super) file: String,
    pub(super) reader: Arc<dyn FileReader>,
    has_checksum: bool,
}

/// The requirement on a column.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::history) enum Required {
    /// The file must have the column, and each row a value.
    Yes,
    /// The column and values of it may be missing.
    No,
}

impl Table {
    pub(in crate::history) fn open(path: &Path) -> Result<Self, HistoryError> {
        let file = path.display().to_string();
        match File::open(path) {
            Ok(opened) => Self::new(file, opened),
            Err(source) => Err(HistoryError::Io { file, source }),
        }
    }

    /// Opens an input that errors call `file`.
    pub(in crate::history) fn new(file: String, input: impl ChunkReader + 'static) -> Result<Self, HistoryError> {
        let len = input.len();
        let opened =
            checksum::verify(&input).and_then(|has_checksum| Ok((has_checksum, SerializedFileReader::new(input)?)));
        let (has_checksum, reader) = match opened {
            Ok(opened) => opened,
            Err(source) => return Err(HistoryError::Damaged { file, source }),
        };
        let chunks = || reader.metadata().row_groups().iter().flat_map(|group| group.columns());
        if chunks().any(|chunk| !lies_within(chunk, len)) {
            let source = ParquetError::General("a column lies outside of the file".to_owned());
            return Err(HistoryError::Damaged { file, source });
        }
        if let Some(chunk) = chunks().find(|chunk| !is_built_in(chunk.compression())) {
            let codec = chunk.compression().to_string();
            let codec = codec.split('(').next().unwrap_or_default().to_owned();
            return Err(HistoryError::Codec { file, codec });
        }
        Ok(Table { file, reader: Arc::new(reader), has_checksum })
    }

    /// Returns whether the file has a checksum, so that this program wrote it.
    pub(in crate::history) fn has_checksum(&self) -> bool {
        self.has_checksum
    }

    /// Returns the uncompressed bytes that the file declares.
    pub(in crate::history) fn uncompressed_bytes(&self) -> u64 {
        let groups = self.reader.metadata().row_groups().iter();
        groups.map(|group| u64::try_from(group.total_byte_size()).unwrap_or(0)).fold(0, u64::saturating_add)
    }

    /// Fails if one of these columns is missing.
    pub(in crate::history) fn require(&self, columns: &[&'static str]) -> Result<(), HistoryError> {
        let missing: Vec<_> = columns.iter().copied().filter(|column| self.position(column).is_none()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let found = self.reader.metadata().file_metadata().schema_descr().columns();
        let found = found.iter().map(|column| column.path().string()).collect();
        Err(HistoryError::Missing { file: self.file.clone(), missing, found })
    }

    /// Calls `visit` with each row's number in the file, from 0, and its value. Returns false if there is no such
    /// column.
    pub(in crate::history) fn for_each_value<T: DataType>(
        &self,
        column: &'static str,
        required: Required,
        mut visit: impl FnMut(usize, &T::T) -> Result<(), String>,
    ) -> Result<bool, HistoryError> {
        let Some(position) = self.position(column) else {
            return if required == Required::Yes { self.require(&[column]).map(|()| false) } else { Ok(false) };
        };
        let nullable = self.check_type::<T>(column, position)?;
        let mut first_row = 0;
        for group in 0..self.reader.num_row_groups() {
            let group = self.reader.get_row_group(group).map_err(|source| self.damaged(source))?;
            let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
            let reader = group.get_column_reader(position).map_err(|source| self.damaged(source))?;
            let mut batch =
                BatchReader::<T> { reader: get_typed_column_reader(reader), levels: vec![], values: vec![] };
            let mut done = 0;
            while done < rows {
                let read = batch.next(rows - done).map_err(|source| self.damaged(source))?;
                let mut values = batch.values.iter();
                for row in first_row + done..first_row + done + read {
                    let present = !nullable || batch.levels.get(row - first_row - done) == Some(&1);
                    match if present { values.next() } else { None } {
                        Some(value) => visit(row, value),
                        None if required == Required::Yes => Err("has no value".to_owned()),
                        None => Ok(()),
                    }
                    .map_err(|reason| self.value_error(column, row, reason))?;
                }
                done += read;
            }
            first_row += rows;
        }
        Ok(true)
    }

    /// Returns the number of rows that the file declares.
    pub(in crate::history) fn rows(&self) -> usize {
        usize::try_from(self.reader.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// Creates an error about the value of a column in a row, counted from 0.
    pub(in crate::history) fn value_error(&self, column: &'static str, row: usize, reason: String) -> HistoryError {
        HistoryError::Value { file: self.file.clone(), column, row: row as u64 + 1, reason }
    }

    pub(super) fn damaged(&self, source: ParquetError) -> HistoryError {
        HistoryError::Damaged { file: self.file.clone(), source }
    }

    fn position(&self, column: &str) -> Option<usize> {
        let columns = self.reader.metadata().file_metadata().schema_descr().columns();
        columns.iter().position(|found| found.path().string() == column)
    }

    /// Returns whether the column is nullable; fails if it is nested or of another type.
    fn check_type<T: DataType>(&self, column: &'static str, position: usize) -> Result<bool, HistoryError> {
        let found = self.reader.metadata().file_metadata().schema_descr().column(position);
        let wanted = T::get_physical_type();
        if found.physical_type() != wanted || found.max_rep_level() > 0 || found.max_def_level() > 1 {
            let (found, wanted) = (found.physical_type().to_string(), wanted.to_string());
            return Err(HistoryError::Type { file: self.file.clone(), column, found, wanted });
        }
        Ok(found.max_def_level() == 1)
    }
}

/// Returns whether a column's bytes lie in a file of this length. The decoder does not check it, and panics.
fn lies_within(chunk: &ColumnChunkMetaData, len: u64) -> bool {
    let begin = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
    let end = begin.checked_add(chunk.compressed_size()).and_then(|end| u64::try_from(end).ok());
    begin >= 0 && chunk.compressed_size() >= 0 && chunk.num_values() >= 0 && end.is_some_and(|end| end <= len)
}

/// Returns whether the codec is among the features of the parquet crate that are built in.
fn is_built_in(codec: Compression) -> bool {
    !matches!(codec, Compression::BROTLI(_) | Compression::LZO)
}

/// Reads one row group's column in batches. `values` belong to the rows with level 1, or to all if not nullable.
struct BatchReader<T: DataType> {
    reader: ColumnReaderImpl<T>,
    levels: Vec<i16>,
    values: Vec<T::T>,
}

impl<T: DataType> BatchReader<T> {
    /// Reads at least one row and at most `rows_max`. Returns their number.
    fn next(&mut self, rows_max: usize) -> Result<usize, ParquetError> {
        self.levels.clear();
        self.values.clear();
        let rows_max = rows_max.min(BATCH_ROWS);
        match self.reader.read_records(rows_max, Some(&mut self.levels), None, &mut self.values)? {
            (0, _, _) => Err(ParquetError::General("a column ends before its row group does".to_owned())),
            (rows, _, _) => Ok(rows),
        }
    }
}
