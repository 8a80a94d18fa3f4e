//! Splits a text into rows of bounded length: lines, or JSON objects.

use std::io::{self, BufRead, Read};

/// Upper bound on the bytes of a row; a longer one is broken. A row of BTS has about 500 bytes.
pub(super) const ROW_BYTES_MAX: usize = 1 << 20;

/// The line number of a row, from 1, and its bytes, or the reason why the row is broken.
pub(super) type NumberedRow<'a> = (u64, Result<&'a [u8], String>);

/// A text that is split into rows.
pub(super) trait Rows {
    /// Returns the next row.
    fn next(&mut self) -> io::Result<Option<NumberedRow<'_>>>;

    /// Reads the rest without splitting it.
    fn drain(&mut self) -> io::Result<u64>;

    /// Returns whether the text ended inside an array or an object.
    fn is_truncated(&self) -> bool;
}

/// The lines of a text, without their ends.
pub(super) struct Lines<R> {
    reader: R,
    line: Vec<u8>,
    number: u64,
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
    fn next(&mut self) -> io::Result<Option<NumberedRow<'_>>> {
        self.line.clear();
        let limited = &mut self.reader.by_ref().take(ROW_BYTES_MAX as u64);
        if limited.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        if self.line.len() == ROW_BYTES_MAX && !self.line.ends_with(b"\n") {
            self.reader.skip_until(b'\n')?;
            return Ok(Some((self.number, Err(format!("the line is longer than {ROW_BYTES_MAX} bytes")))));
        }
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        Ok(Some((self.number, Ok(line.strip_suffix(b"\r").unwrap_or(line)))))
    }

    fn drain(&mut self) -> io::Result<u64> {
        io::copy(&mut self.reader, &mut io::sink())
    }

    /// Returns false: a last line may lack its end.
    fn is_truncated(&self) -> bool {
        false
    }
}

/// The JSON objects of an array or of a text, each of one or several lines. They are found by braces outside of quotes.
pub(super) struct Objects<R> {
    reader: R,
    object: Vec<u8>,
    line: u64,
    /// True inside an array.
    in_array: bool,
    /// True inside an object.
    in_object: bool,
}

/// The state of a scan through an object.
#[derive(Default)]
struct Scan {
    depth: u32,
    quoted: bool,
    escaped: bool,
}

impl Scan {
    /// Scans a byte. Returns whether the object ends with it.
    fn ends(&mut self, byte: u8) -> bool {
        if self.quoted {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.quoted = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.quoted = true,
            b'{' => self.depth += 1,
            b'}' => self.depth -= 1,
            _ => {}
        }
        self.depth == 0
    }
}

impl<R: BufRead> Objects<R> {
    pub(super) fn new(reader: R) -> Self {
        Objects { reader, object: Vec::new(), line: 1, in_array: false, in_object: false }
    }

    /// Skips to the next brace. Returns `None` at the end, and false if anything but commas and brackets was skipped.
    fn skip_to_object(&mut self) -> io::Result<Option<bool>> {
        let mut clean = true;
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                return Ok(if clean { None } else { Some(false) });
            }
            let end = buffer.iter().position(|byte| *byte == b'{').unwrap_or(buffer.len());
            for byte in &buffer[..end] {
                match byte {
                    b'\n' => self.line += 1,
                    b'[' => self.in_array = true,
                    b']' => self.in_array = false,
                    b',' | 0 | 0xef | 0xbb | 0xbf => {}
                    byte => clean &= byte.is_ascii_whitespace(),
                }
            }
            let found = end < buffer.len();
            self.reader.consume(end);
            if found {
                return Ok(Some(clean));
            }
        }
    }

    /// Reads the object that begins here, and keeps its bytes up to the bound.
    fn read_object(&mut self) -> io::Result<()> {
        let mut scan = Scan::default();
        self.object.clear();
        self.in_object = true;
        while self.in_object {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                return Ok(());
            }
            let end = buffer.iter().position(|byte| scan.ends(*byte));
            let taken = end.map_or(buffer.len(), |end| end + 1);
            let room = (ROW_BYTES_MAX + 1).saturating_sub(self.object.len());
            self.object.extend_from_slice(&buffer[..taken.min(room)]);
            self.line += buffer[..taken].iter().filter(|byte| **byte == b'\n').count() as u64;
            self.in_object = end.is_none();
            self.reader.consume(taken);
        }
        Ok(())
    }
}

impl<R: BufRead> Rows for Objects<R> {
    fn next(&mut self) -> io::Result<Option<NumberedRow<'_>>> {
        let Some(clean) = self.skip_to_object()? else { return Ok(None) };
        let line = self.line;
        if !clean {
            return Ok(Some((line, Err("something that is no JSON object".to_owned()))));
        }
        self.read_object()?;
        if self.in_object {
            return Ok(Some((line, Err("the object is not closed where the text ends".to_owned()))));
        }
        if self.object.len() > ROW_BYTES_MAX {
            return Ok(Some((line, Err(format!("the object is longer than {ROW_BYTES_MAX} bytes")))));
        }
        Ok(Some((line, Ok(&self.object))))
    }

    fn drain(&mut self) -> io::Result<u64> {
        io::copy(&mut self.reader, &mut io::sink())
    }

    fn is_truncated(&self) -> bool {
        self.in_array || self.in_object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Found = Vec<(u64, Result<String, String>)>;

    /// Splits a text. Returns line numbers with objects, and whether the text is truncated.
    fn objects(text: &str) -> (Found, bool) {
        // Small buffers, so that objects span them.
        let mut objects = Objects::new(io::BufReader::with_capacity(3, text.as_bytes()));
        let mut found = Vec::new();
        while let Some((line, object)) = objects.next().unwrap() {
            found.push((line, object.map(|object| String::from_utf8(object.to_vec()).unwrap())));
        }
        (found, objects.is_truncated())
    }

    #[test]
    fn objects_are_split_in_arrays_and_lines() {
        let first = r#"{"a":"} \" {","b":{"c":[{}]}}"#;
        let expected = |second| vec![(1, Ok(first.to_owned())), (second, Ok("{}".to_owned()))];
        for (text, second) in [
            (format!("[{first},{{}}]"), 1),
            (format!("\u{feff}[\n{first} ,\n{{}}\n]\n"), 3),
            (format!("{first}{{}}"), 1),
            (format!("{first}\n\n{{}}\n"), 3),
        ] {
            let (mut found, truncated) = objects(&text);
            found[0].0 = 1;
            assert_eq!((found, truncated), (expected(second), false), "{text}");
        }
        let (pretty, _) = objects("{\n \"a\": 1\n}\n{\n \"a\": 2\n}");
        assert_eq!(pretty.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 4]);
    }

    #[test]
    fn truncated_texts_and_other_values_are_errors() {
        assert!(objects("[{}").1 && objects("[{},").1 && !objects("{}").1 && !objects("[]").1);
        let (found, truncated) = objects("[{},{\"a\":\"}");
        assert!(found[0].1.is_ok() && found[1].1.is_err() && truncated);
        let (found, _) = objects("[1, 2]");
        assert!(found.len() == 1 && found[0].1.is_err());
        let (found, _) = objects(&format!("[{{\"a\":\"{}\"}},{{}}]", "x".repeat(ROW_BYTES_MAX)));
        assert!(found[0].1.is_err() && found[1].1.is_ok());
    }

    #[test]
    fn a_line_above_the_bound_is_skipped_and_the_next_one_read() {
        let text = [b"a\r\n".as_slice(), &vec![b'x'; 2 * ROW_BYTES_MAX], b"\nlast"].concat();
        let mut lines = Lines::new(text.as_slice());
        assert_eq!(lines.next().unwrap(), Some((1, Ok(b"a".as_slice()))));
        assert!(matches!(lines.next().unwrap(), Some((2, Err(_)))));
        assert_eq!(lines.next().unwrap(), Some((3, Ok(b"last".as_slice()))));
        assert_eq!(lines.next().unwrap(), None);
    }
}
