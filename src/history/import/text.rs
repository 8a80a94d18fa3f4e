//! Reads a text: JSON, or a table with a header.

use std::{
    borrow::Cow,
    io::{self, BufRead, Cursor, Read},
    rc::Rc,
};

use super::{
    bounds::decode_error,
    collector::Collector,
    csv::{Layout, Record, separator_name},
    error::ImportError,
    json::{FieldCache, FieldSet, Object},
    row::{Dialect, Row},
    split::{Lines, Objects, Rows},
};
use crate::history::error::quoted;

/// Upper bounds on objects, and their bytes, that are buffered until their kind is known.
const BUFFERED_ROWS_MAX: usize = 1000;
const BUFFERED_BYTES_MAX: usize = 16 << 20;
/// Upper bound on names of fields kept for an error.
const COLUMNS_MAX: usize = 100;

/// The layout of the last text with a header, for part files. Hadoop writes a table as `part-00000`, `part-00001` and
/// so on, and some of its writers put the header only into the first.
#[derive(Default)]
pub(super) struct PartHeader {
    last: Option<(String, Rc<Layout>)>,
}

impl PartHeader {
    /// Returns the table that a part belongs to: its folder.
    fn table(name: &str) -> Option<&str> {
        let begin = name.rfind(['/', '\\']).map_or(0, |at| at + 1);
        name[begin..].starts_with("part-").then_some(&name[..begin])
    }

    fn layout_for(&self, name: &str, line: &[u8]) -> Option<Rc<Layout>> {
        let table = Self::table(name)?;
        let (_, layout) = self.last.as_ref().filter(|(last, _)| last == table)?;
        let mut record = Record::new(layout.separator);
        (record.split(line).is_ok() && layout.fits(&record)).then(|| layout.clone())
    }
}

/// Reads the rows of a text into the collector.
struct TextReader<'r, 'c> {
    name: &'r str,
    collector: &'r mut Collector<'c>,
    dialect: Dialect,
}

/// Reads a text. An empty one is an error.
pub(super) fn read_text(
    name: &str,
    input: impl BufRead,
    part_header: &mut PartHeader,
    collector: &mut Collector<'_>,
) -> Result<(), ImportError> {
    let failed = |error| decode_error(name, error);
    let mut dialect = Dialect::default();
    dialect.dates.day_first = collector.options.day_first;
    let reader = TextReader { name, collector, dialect };
    let mut input = input;
    let begin = first_byte(&mut input).map_err(failed)?;
    match begin {
        None => Err(ImportError::Empty { file: name.to_owned() }),
        Some(b'[') => reader.read_json(Objects::new(input)),
        Some(b'{') => {
            let mut lines = Lines::new(input);
            let first = match lines.next().map_err(failed)? {
                Some((_, Ok(line))) => line.to_vec(),
                _ => return Err(ImportError::unknown_format(name, "line 1 is too long")),
            };
            let is_complete = Object::parse(without_bom(&first)).is_ok();
            let again = Cursor::new([first.as_slice(), b"\n"].concat()).chain(lines.into_rest());
            if is_complete { reader.read_json(Lines::new(again)) } else { reader.read_json(Objects::new(again)) }
        }
        Some(_) => reader.read_table(Lines::new(input), part_header),
    }
}

/// Returns the first byte that is no space, no NUL and no byte order mark. It stays in the input.
fn first_byte(input: &mut impl BufRead) -> io::Result<Option<u8>> {
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(None);
        }
        let skipped = |byte: &u8| byte.is_ascii_whitespace() || [0, 0xef, 0xbb, 0xbf].contains(byte);
        if let Some(byte) = buffer.iter().find(|byte| !skipped(byte)) {
            return Ok(Some(*byte));
        }
        // Leading white space is dropped, so that lines are counted from there.
        let len = buffer.len();
        input.consume(len);
    }
}

fn without_bom(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
}

/// Returns whether a line is blank. NUL counts as blank: files of fixed size are padded with it.
fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0)
}

impl TextReader<'_, '_> {
    /// Reads a table with a header, or a part of a table whose first part has it.
    fn read_table(mut self, mut lines: Lines<impl BufRead>, part_header: &mut PartHeader) -> Result<(), ImportError> {
        let failed = |error| decode_error(self.name, error);
        let (number, first) = loop {
            match lines.next().map_err(failed)? {
                None => return Err(ImportError::Empty { file: self.name.to_owned() }),
                Some((number, Err(reason))) => {
                    return Err(ImportError::unknown_format(self.name, &format!("line {number}: {reason}")));
                }
                // Excel's line with the separator, which the header gives anyway.
                Some((_, Ok(line))) if is_blank(line) || without_bom(line).starts_with(b"sep=") => {}
                Some((number, Ok(line))) => break (number, without_bom(line).to_vec()),
            }
        };
        let header = Record::header(&first);
        let layout = match &header {
            Some(header) => Layout::new(header).map(Rc::new).map_err(|missing| ImportError::Columns {
                file: self.name.to_owned(),
                separator: Some(separator_name(header.separator())),
                columns: header.cells().map(Cow::into_owned).collect(),
                missing,
            })?,
            None => part_header.layout_for(self.name, &first).ok_or_else(|| {
                let line = quoted(&String::from_utf8_lossy(&first));
                ImportError::unknown_format(
                    self.name,
                    &format!("line {number}, {line}, names no columns that are known"),
                )
            })?,
        };
        self.collector.begin_text(self.name);
        self.dialect.decimal_comma = layout.separator != b',';
        let mut record = Record::new(layout.separator);
        if header.is_none() {
            self.dialect.line = number;
            let row = record.split(&first).and_then(|()| layout.row(&record, &mut self.dialect));
            self.add(number, row)?;
        }
        self.add_rows(lines, |line, dialect| record.split(line).and_then(|()| layout.row(&record, dialect)))?;
        if let Some(table) = PartHeader::table(self.name) {
            part_header.last = Some((table.to_owned(), layout));
        }
        self.collector.end_text(self.dialect)
    }

    /// Reads objects. The fields of the first objects together give their kind.
    fn read_json(mut self, mut rows: impl Rows) -> Result<(), ImportError> {
        let (mut fields, mut present) = (FieldCache::default(), FieldSet::default());
        let (mut buffered, mut bytes) = (Vec::new(), 0);
        let mut columns: Vec<String> = Vec::new();
        let kind = loop {
            let row = rows.next().map_err(|error| decode_error(self.name, error))?;
            let kind = match row {
                None => present.kind_at_end(),
                Some((_, Ok(line))) if is_blank(line) => continue,
                Some((number, line)) => {
                    bytes += line.as_ref().map_or(0, |line| line.len());
                    let object = line.and_then(|line| Object::parse(without_bom(line)));
                    if let Ok(object) = &object {
                        present.add(object, &mut fields);
                        for name in object.names() {
                            if columns.len() < COLUMNS_MAX && !columns.iter().any(|known| known == name) {
                                columns.push(name.to_owned());
                            }
                        }
                    }
                    buffered.push((number, object));
                    let full = buffered.len() >= BUFFERED_ROWS_MAX || bytes >= BUFFERED_BYTES_MAX;
                    match present.kind() {
                        Err(_) if !full => continue,
                        kind => kind,
                    }
                }
            };
            break kind;
        };
        if let Some((number, Err(reason))) = buffered.first().filter(|_| columns.is_empty()) {
            return Err(ImportError::unknown_format(self.name, &format!("line {number}: {reason}")));
        }
        let kind = kind.map_err(|missing| ImportError::Columns {
            file: self.name.to_owned(),
            separator: None,
            columns,
            missing,
        })?;
        self.collector.begin_text(self.name);
        for (number, object) in buffered {
            self.dialect.line = number;
            let row = object.and_then(|object| object.row(kind, &mut fields, &mut self.dialect));
            self.add(number, row)?;
        }
        let is_truncated = self.add_rows(rows, |line, dialect| Object::parse(line)?.row(kind, &mut fields, dialect))?;
        if is_truncated {
            let source = io::Error::new(io::ErrorKind::UnexpectedEof, "an array or an object is not closed");
            return Err(decode_error(self.name, source));
        }
        self.collector.end_text(self.dialect)
    }

    /// Adds the following rows. Returns whether the text is truncated.
    fn add_rows(
        &mut self,
        mut rows: impl Rows,
        mut row: impl FnMut(&[u8], &mut Dialect) -> Result<Row, String>,
    ) -> Result<bool, ImportError> {
        let name = self.name;
        let failed = |error| decode_error(name, error);
        while let Some((number, line)) = rows.next().map_err(failed)? {
            self.dialect.line = number;
            let added = match line {
                Ok(line) if is_blank(line) => Ok(()),
                Ok(line) => {
                    let row = row(line, &mut self.dialect);
                    self.add(number, row)
                }
                Err(reason) => self.add(number, Err(reason)),
            };
            if added.is_err() {
                // A damaged block yields broken rows before its checksum, which is the cause to report.
                rows.drain().map_err(failed)?;
            }
            added?;
        }
        Ok(rows.is_truncated())
    }

    /// Adds a row. If too many are broken because of their dates, the error names the dates.
    fn add(&mut self, number: u64, row: Result<Row, String>) -> Result<(), ImportError> {
        self.collector.add(number, row).map_err(|error| self.dialect.dates.check(self.name).err().unwrap_or(error))
    }
}
