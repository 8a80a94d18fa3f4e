//! Reads a text: tells JSON from a table with a header, and reads each row as a flight, a route or an airport.

use std::{
    borrow::Cow,
    io::{self, BufRead, Cursor, Read},
    rc::Rc,
};

use super::{
    ImportError,
    bounds::damaged,
    csv::{Layout, Record, separator_name},
    intake::Intake,
    json::{Names, Object, Shape},
    lines::{Lines, Rows},
    objects::Objects,
    row::{Dialect, Row},
};
use crate::history::shown::quoted;

/// Objects are held back until it is known what they hold, up to this many and this many bytes.
const HELD_ROWS_MAX: usize = 1000;
const HELD_BYTES_MAX: usize = 16 << 20;
/// Names of fields kept for an error.
const COLUMNS_MAX: usize = 100;

/// The layout of the last text with a header. Hadoop writes one table as `part-00000`, `part-00001` and so on, and some
/// of its writers put the header into the first alone.
#[derive(Default)]
pub(super) struct Parts {
    last: Option<(String, Rc<Layout>)>,
}

impl Parts {
    /// The name of the table that a part belongs to: its folder.
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

/// Where the rows of a text go.
struct Reading<'r, 'i> {
    name: &'r str,
    intake: &'r mut Intake<'i>,
    dialect: Dialect,
}

/// Reads a text. An empty one is taken for nothing.
pub(super) fn read_text(
    name: &str,
    input: impl BufRead,
    parts: &mut Parts,
    intake: &mut Intake<'_>,
) -> Result<(), ImportError> {
    let failed = |error| damaged(name, error);
    let mut dialect = Dialect::default();
    dialect.days.day_first = intake.options.day_first;
    let reading = Reading { name, intake, dialect };
    let mut input = input;
    let begin = first_byte(&mut input).map_err(failed)?;
    match begin {
        None => Err(ImportError::Empty { file: name.to_owned() }),
        Some(b'[') => reading.read_json(Objects::new(input)),
        Some(b'{') => {
            let mut lines = Lines::new(input);
            let first = match lines.next().map_err(failed)? {
                Some((_, Ok(line))) => line.to_vec(),
                _ => return Err(ImportError::unknown(name, "line 1 is too long")),
            };
            let is_whole = Object::parse(without_mark(&first)).is_ok();
            let again = Cursor::new([first.as_slice(), b"\n"].concat()).chain(lines.into_rest());
            if is_whole { reading.read_json(Lines::new(again)) } else { reading.read_json(Objects::new(again)) }
        }
        Some(_) => reading.read_table(Lines::new(input), parts),
    }
}

/// The first byte that is no space, no NUL and no mark of the byte order; it stays in the input.
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
        // White space is of no use to a table; what its lines are is counted from the first that is read.
        let len = buffer.len();
        input.consume(len);
    }
}

fn without_mark(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
}

/// Returns whether a line is blank. NUL counts as a blank: files of fixed size are filled up with it.
fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0)
}

impl Reading<'_, '_> {
    /// Reads a table whose first line is a header, or which goes on with a table that has one.
    fn read_table(mut self, mut lines: Lines<impl BufRead>, parts: &mut Parts) -> Result<(), ImportError> {
        let failed = |error| damaged(self.name, error);
        let (number, first) = loop {
            match lines.next().map_err(failed)? {
                None => return Err(ImportError::Empty { file: self.name.to_owned() }),
                Some((number, Err(reason))) => {
                    return Err(ImportError::unknown(self.name, &format!("line {number}: {reason}")));
                }
                // Excel's word for what separates the cells: the header tells that by itself.
                Some((_, Ok(line))) if is_blank(line) || without_mark(line).starts_with(b"sep=") => {}
                Some((number, Ok(line))) => break (number, without_mark(line).to_vec()),
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
            None => parts.layout_for(self.name, &first).ok_or_else(|| {
                let line = quoted(&String::from_utf8_lossy(&first));
                ImportError::unknown(self.name, &format!("line {number}, {line}, names no columns that are known"))
            })?,
        };
        self.intake.begin(self.name);
        self.dialect.decimal_comma = layout.separator != b',';
        let mut record = Record::new(layout.separator);
        if header.is_none() {
            self.dialect.line = number;
            let row = record.split(&first).and_then(|()| layout.row(&record, &mut self.dialect));
            self.take(number, row)?;
        }
        self.take_rows(lines, |line, dialect| record.split(line).and_then(|()| layout.row(&record, dialect)))?;
        if let Some(table) = Parts::table(self.name) {
            parts.last = Some((table.to_owned(), layout));
        }
        self.intake.end(self.dialect)
    }

    /// Reads objects. What they hold is decided by the fields of the first of them together.
    fn read_json(mut self, mut rows: impl Rows) -> Result<(), ImportError> {
        let (mut names, mut shape, mut held, mut bytes) = (Names::default(), Shape::default(), Vec::new(), 0);
        let mut columns: Vec<String> = Vec::new();
        let kind = loop {
            let row = rows.next().map_err(|error| damaged(self.name, error))?;
            let kind = match row {
                None => shape.kind_at_end(),
                Some((_, Ok(line))) if is_blank(line) => continue,
                Some((number, line)) => {
                    bytes += line.as_ref().map_or(0, |line| line.len());
                    let object = line.and_then(|line| Object::parse(without_mark(line)));
                    if let Ok(object) = &object {
                        shape.add(object, &mut names);
                        for name in object.names() {
                            if columns.len() < COLUMNS_MAX && !columns.iter().any(|known| known == name) {
                                columns.push(name.to_owned());
                            }
                        }
                    }
                    held.push((number, object));
                    let full = held.len() >= HELD_ROWS_MAX || bytes >= HELD_BYTES_MAX;
                    match shape.kind() {
                        Err(_) if !full => continue,
                        kind => kind,
                    }
                }
            };
            break kind;
        };
        if let Some((number, Err(reason))) = held.first().filter(|_| columns.is_empty()) {
            return Err(ImportError::unknown(self.name, &format!("line {number}: {reason}")));
        }
        let kind = kind.map_err(|missing| ImportError::Columns {
            file: self.name.to_owned(),
            separator: None,
            columns,
            missing,
        })?;
        self.intake.begin(self.name);
        for (number, object) in held {
            self.dialect.line = number;
            let row = object.and_then(|object| object.row(kind, &mut names, &mut self.dialect));
            self.take(number, row)?;
        }
        let is_cut_off = self.take_rows(rows, |line, dialect| Object::parse(line)?.row(kind, &mut names, dialect))?;
        if is_cut_off {
            let source = io::Error::new(io::ErrorKind::UnexpectedEof, "an array or an object is not closed");
            return Err(damaged(self.name, source));
        }
        self.intake.end(self.dialect)
    }

    /// Takes the rows that follow; whether the text is cut off.
    fn take_rows(
        &mut self,
        mut rows: impl Rows,
        mut row: impl FnMut(&[u8], &mut Dialect) -> Result<Row, String>,
    ) -> Result<bool, ImportError> {
        let name = self.name;
        let failed = |error| damaged(name, error);
        while let Some((number, line)) = rows.next().map_err(failed)? {
            self.dialect.line = number;
            let taken = match line {
                Ok(line) if is_blank(line) => Ok(()),
                Ok(line) => {
                    let row = row(line, &mut self.dialect);
                    self.take(number, row)
                }
                Err(reason) => self.take(number, Err(reason)),
            };
            if taken.is_err() {
                // A damaged block gives nonsense first and its checksum at its end: if it is damage, that is the
                // reason.
                rows.drain().map_err(failed)?;
            }
            taken?;
        }
        Ok(rows.is_cut_off())
    }

    /// Takes a row. Where too many are broken because of the order of their dates, that is the error to tell.
    fn take(&mut self, number: u64, row: Result<Row, String>) -> Result<(), ImportError> {
        self.intake.take(number, row).map_err(|error| self.dialect.days.judge(self.name).err().unwrap_or(error))
    }
}
