//! The objects of a JSON array, or of JSON that is printed over several lines.

use std::io::{self, BufRead};

use super::lines::{LINE_BYTES_MAX, Line, Rows};

/// Cuts a text into its objects without reading them: by braces that stand outside of quotes.
pub(super) struct Objects<R> {
    reader: R,
    object: Vec<u8>,
    line: u64,
    /// An array was opened and not closed.
    in_array: bool,
    /// The text ended within an object.
    in_object: bool,
}

/// Where in an object the scan is.
#[derive(Default)]
struct Scan {
    depth: u32,
    quoted: bool,
    escaped: bool,
}

impl Scan {
    /// Takes a byte; whether the object ends with it.
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

    /// Goes to the next brace; `None` at the end, and false if something else than commas and brackets stands before
    /// it.
    fn skip(&mut self) -> io::Result<Option<bool>> {
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

    /// Reads the object that begins here, and keeps it if it is not too long.
    fn take(&mut self) -> io::Result<()> {
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
            let room = (LINE_BYTES_MAX + 1).saturating_sub(self.object.len());
            self.object.extend_from_slice(&buffer[..taken.min(room)]);
            self.line += buffer[..taken].iter().filter(|byte| **byte == b'\n').count() as u64;
            self.in_object = end.is_none();
            self.reader.consume(taken);
        }
        Ok(())
    }
}

impl<R: BufRead> Rows for Objects<R> {
    fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        let Some(clean) = self.skip()? else { return Ok(None) };
        let line = self.line;
        if !clean {
            return Ok(Some((line, Err("something that is no JSON object".to_owned()))));
        }
        self.take()?;
        if self.in_object {
            return Ok(Some((line, Err("the object is not closed where the text ends".to_owned()))));
        }
        if self.object.len() > LINE_BYTES_MAX {
            return Ok(Some((line, Err(format!("the object is longer than {LINE_BYTES_MAX} bytes")))));
        }
        Ok(Some((line, Ok(&self.object))))
    }

    fn drain(&mut self) -> io::Result<u64> {
        io::copy(&mut self.reader, &mut io::sink())
    }

    fn is_cut_off(&self) -> bool {
        self.in_array || self.in_object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Found = Vec<(u64, Result<String, String>)>;

    /// The lines and objects of a text, and whether it is cut off.
    fn objects(text: &str) -> (Found, bool) {
        // Small buffers, so that objects span them.
        let mut objects = Objects::new(io::BufReader::with_capacity(3, text.as_bytes()));
        let mut found = Vec::new();
        while let Some((line, object)) = objects.next().unwrap() {
            found.push((line, object.map(|object| String::from_utf8(object.to_vec()).unwrap())));
        }
        (found, objects.is_cut_off())
    }

    #[test]
    fn objects_are_cut_out_of_arrays_and_lines() {
        let first = r#"{"a":"} \" {","b":{"c":[{}]}}"#;
        let expected = |second| vec![(1, Ok(first.to_owned())), (second, Ok("{}".to_owned()))];
        for (text, second) in [
            (format!("[{first},{{}}]"), 1),
            (format!("\u{feff}[\n{first} ,\n{{}}\n]\n"), 3),
            (format!("{first}{{}}"), 1),
            (format!("{first}\n\n{{}}\n"), 3),
        ] {
            let (mut found, cut_off) = objects(&text);
            found[0].0 = 1;
            assert_eq!((found, cut_off), (expected(second), false), "{text}");
        }
        let (pretty, _) = objects("{\n \"a\": 1\n}\n{\n \"a\": 2\n}");
        assert_eq!(pretty.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 4]);
    }

    #[test]
    fn what_is_cut_off_or_no_object_is_told() {
        assert!(objects("[{}").1 && objects("[{},").1 && !objects("{}").1 && !objects("[]").1);
        let (found, cut_off) = objects("[{},{\"a\":\"}");
        assert!(found[0].1.is_ok() && found[1].1.is_err() && cut_off);
        let (found, _) = objects("[1, 2]");
        assert!(found.len() == 1 && found[0].1.is_err());
        let (found, _) = objects(&format!("[{{\"a\":\"{}\"}},{{}}]", "x".repeat(LINE_BYTES_MAX)));
        assert!(found[0].1.is_err() && found[1].1.is_ok());
    }
}
