//! Tables with a header, separated by commas, semicolons, tabs or bars.

use std::borrow::Cow;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::{
    fields::{FIELD_COUNT, Field, RowKind, row_kind},
    row::{Cells, Dialect, Row},
};

/// The separators of cells. Of two that fit a header equally well, the first is used.
const SEPARATORS: [u8; 4] = *b",;\t|";

/// Returns the name of a separator.
pub(super) fn separator_name(separator: u8) -> &'static str {
    match separator {
        b',' => "commas",
        b';' => "semicolons",
        b'\t' => "tabs",
        _ => "bars",
    }
}

/// The columns of the fields in a table.
pub(super) struct Layout {
    pub(super) separator: u8,
    kind: RowKind,
    positions: [Option<usize>; FIELD_COUNT],
    width: usize,
}

impl Layout {
    /// Creates the layout of a header, or returns the fields that it lacks.
    pub(super) fn new(header: &Record) -> Result<Self, Vec<&'static str>> {
        let mut positions = [None; FIELD_COUNT];
        let mut ranks = [usize::MAX; FIELD_COUNT];
        for (position, name) in header.cells().enumerate() {
            if let Some((field, rank)) = Field::by_name(&name)
                && rank < ranks[field as usize]
            {
                positions[field as usize] = Some(position);
                ranks[field as usize] = rank;
            }
        }
        let kind = row_kind(|field| positions[field as usize].is_some())?;
        Ok(Layout { separator: header.separator, kind, positions, width: header.trimmed_width() })
    }

    /// Returns whether a record has as many columns as the header.
    pub(super) fn fits(&self, record: &Record) -> bool {
        // An empty last cell is a missing value or the separator at the end of the line.
        record.width == self.width || record.trimmed_width() == self.width
    }

    /// Parses a record.
    pub(super) fn row(&self, record: &Record, dialect: &mut Dialect) -> Result<Row, String> {
        if !self.fits(record) {
            return Err(format!("the row has {} columns, the header {}", record.width, self.width));
        }
        let cells = self.positions.map(|position| position.map(|position| record.cell(position)));
        Cells(cells).row(self.kind, dialect)
    }
}

/// The cells of a line. Its memory is reused for the next line.
pub(super) struct Record {
    separator: u8,
    reader: Reader,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    width: usize,
}

/// Upper bound on cells in a line; BTS has 110.
const CELLS_MAX: usize = 1024;

impl Record {
    pub(super) fn new(separator: u8) -> Self {
        let reader = ReaderBuilder::new().delimiter(separator).build();
        Record { separator, reader, bytes: Vec::new(), ends: vec![0; CELLS_MAX], width: 0 }
    }

    /// Splits a header by the separator with the most known names; `None` if the line is no header.
    pub(super) fn header(line: &[u8]) -> Option<Self> {
        let split = |separator| {
            let mut record = Record::new(separator);
            record.split(line).ok()?;
            Some((record.known_names(), record))
        };
        let records = SEPARATORS.into_iter().filter_map(split);
        // The first of the best: `max_by_key` returns the last.
        let best = records.reduce(|best, other| if other.0 > best.0 { other } else { best })?;
        (best.0 > 0 && best.1.width > 1).then_some(best.1)
    }

    /// Splits a line. A cell never spans lines, so that a stray quote breaks one line, not the rest of the file.
    pub(super) fn split(&mut self, line: &[u8]) -> Result<(), String> {
        self.reader.reset();
        self.bytes.resize(self.bytes.len().max(line.len() + 1), 0);
        let (read, _, written, ends) = self.reader.read_record(line, &mut self.bytes, &mut self.ends);
        match read {
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::OutputEndsFull => return Err(format!("the line has more than {CELLS_MAX} columns")),
            _ => return Err("the line is broken by a carriage return".to_owned()),
        }
        let (read, _, _, last) = self.reader.read_record(b"\n", &mut self.bytes[written..], &mut self.ends[ends..]);
        if read != ReadRecordResult::Record {
            return Err("a quote is not closed".to_owned());
        }
        self.width = ends + last;
        Ok(())
    }

    /// Returns the number of cells without an empty last one: BTS ends each line with a comma, others only some lines.
    fn trimmed_width(&self) -> usize {
        let empty_end = self.width > 1 && self.cell_bytes(self.width - 1).is_empty();
        self.width - usize::from(empty_end)
    }

    pub(super) fn separator(&self) -> u8 {
        self.separator
    }

    /// Returns the number of cells that are known names of columns; 0 if there is only one cell.
    fn known_names(&self) -> usize {
        if self.width > 1 { self.cells().filter(|name| Field::by_name(name).is_some()).count() } else { 0 }
    }

    fn cell(&self, position: usize) -> Cow<'_, str> {
        String::from_utf8_lossy(self.cell_bytes(position))
    }

    pub(super) fn cells(&self) -> impl Iterator<Item = Cow<'_, str>> {
        (0..self.width).map(|position| self.cell(position))
    }

    fn cell_bytes(&self, position: usize) -> &[u8] {
        let begin = if position == 0 { 0 } else { self.ends[position - 1] };
        &self.bytes[begin..self.ends[position]]
    }
}
