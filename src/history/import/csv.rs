//! Rows of a CSV text whose header says what is where.

use std::borrow::Cow;

use csv_core::{ReadRecordResult, Reader};

use super::{
    fields::{FIELDS, Field, Kind, kind},
    row::{Cells, Row},
};

/// Which column holds which field.
pub(super) struct Layout {
    kind: Kind,
    positions: [Option<usize>; FIELDS],
    width: usize,
}

impl Layout {
    /// The layout that a header describes, or what it lacks.
    pub(super) fn new(header: &Record) -> Result<Self, Vec<String>> {
        let mut positions = [None; FIELDS];
        let mut ranks = [usize::MAX; FIELDS];
        for (position, name) in header.cells().enumerate() {
            if let Some((field, rank)) = Field::of(&name)
                && rank < ranks[field as usize]
            {
                positions[field as usize] = Some(position);
                ranks[field as usize] = rank;
            }
        }
        let kind = kind(|field| positions[field as usize].is_some())?;
        Ok(Layout { kind, positions, width: header.trimmed_width() })
    }

    /// What a record says.
    pub(super) fn row(&self, record: &Record) -> Result<Row, String> {
        // A last cell that is empty is either a value that is missing or the comma at the end of the line.
        if record.width != self.width && record.trimmed_width() != self.width {
            return Err(format!("the row has {} columns, the header {}", record.width, self.width));
        }
        let cells = self.positions.map(|position| position.map(|position| record.cell(position)));
        Cells(cells).row(self.kind)
    }
}

/// The cells of a line. Its memory is reused from line to line.
pub(super) struct Record {
    reader: Reader,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    width: usize,
}

/// A line has at most this many cells; BTS has 110.
const CELLS_MAX: usize = 1024;

impl Record {
    pub(super) fn new() -> Self {
        Record { reader: Reader::new(), bytes: Vec::new(), ends: vec![0; CELLS_MAX], width: 0 }
    }

    /// Takes a line apart. A cell never spans lines, so a stray quote costs one line, not the rest of the file.
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

    /// How many cells there are, less an empty last one: BTS ends each line with a comma, others only some.
    fn trimmed_width(&self) -> usize {
        let empty_end = self.width > 1 && self.cell_bytes(self.width - 1).is_empty();
        self.width - usize::from(empty_end)
    }

    /// Whether these are names of columns: several, and one of them known.
    pub(super) fn is_header(&self) -> bool {
        self.width > 1 && self.cells().any(|name| Field::of(&name).is_some())
    }

    fn cell(&self, position: usize) -> Cow<'_, str> {
        String::from_utf8_lossy(self.cell_bytes(position))
    }

    fn cells(&self) -> impl Iterator<Item = Cow<'_, str>> {
        (0..self.width).map(|position| self.cell(position))
    }

    fn cell_bytes(&self, position: usize) -> &[u8] {
        let begin = if position == 0 { 0 } else { self.ends[position - 1] };
        &self.bytes[begin..self.ends[position]]
    }
}
