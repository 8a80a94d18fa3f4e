//! The lines of a text, each bounded in length.

use std::io::{self, BufRead, Read};

/// A line is at most this long; a longer one is a broken row. A row of BTS has about 500 bytes.
pub(super) const LINE_BYTES_MAX: usize = 1 << 20;

/// Reads a text line by line.
pub(super) struct Lines<R> {
    reader: R,
    line: Vec<u8>,
    number: u64,
}

/// A line's number, from 1, and its bytes without the line's end, or why they were not kept.
pub(super) type Line<'a> = (u64, Result<&'a [u8], String>);

/// Reads a text row by row.
pub(super) trait Rows {
    /// The next row.
    fn next(&mut self) -> io::Result<Option<Line<'_>>>;

    /// Reads what is left without looking at it.
    fn drain(&mut self) -> io::Result<u64>;

    /// Returns whether the text ended inside of an array or an object.
    fn is_cut_off(&self) -> bool;
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Lines { reader, line: Vec::new(), number: 0 }
    }

    /// Returns the reader of the rest of the text.
    pub(super) fn into_rest(self) -> R {
        self.reader
    }
}

impl<R: BufRead> Rows for Lines<R> {
    fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let limited = &mut self.reader.by_ref().take(LINE_BYTES_MAX as u64);
        if limited.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        if self.line.len() == LINE_BYTES_MAX && !self.line.ends_with(b"\n") {
            self.reader.skip_until(b'\n')?;
            return Ok(Some((self.number, Err(format!("the line is longer than {LINE_BYTES_MAX} bytes")))));
        }
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        Ok(Some((self.number, Ok(line.strip_suffix(b"\r").unwrap_or(line)))))
    }

    fn drain(&mut self) -> io::Result<u64> {
        io::copy(&mut self.reader, &mut io::sink())
    }

    /// A last line without an end is a line.
    fn is_cut_off(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_too_long_is_skipped_and_the_next_one_read() {
        let text = [b"a\r\n".as_slice(), &vec![b'x'; 2 * LINE_BYTES_MAX], b"\nlast"].concat();
        let mut lines = Lines::new(text.as_slice());
        assert_eq!(lines.next().unwrap(), Some((1, Ok(b"a".as_slice()))));
        assert!(matches!(lines.next().unwrap(), Some((2, Err(_)))));
        assert_eq!(lines.next().unwrap(), Some((3, Ok(b"last".as_slice()))));
        assert_eq!(lines.next().unwrap(), None);
    }
}
