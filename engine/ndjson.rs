//! Lines of a stream, one JSON text each, with a bound on their length.

use std::io::{self, BufRead};

/// A line as it was read, without its line break.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// The whole line.
    Whole(Vec<u8>),
    /// The line was longer than allowed; this is its length. Its content is dropped.
    TooLong(usize),
}

/// Reads lines of bounded length, numbered from 1. Blank lines are passed over but counted.
pub struct Lines<R> {
    input: R,
    bytes_max: usize,
    number: usize,
}

impl<R: BufRead> Lines<R> {
    /// Returns a reader of `input`, which keeps lines of at most `bytes_max` bytes.
    pub fn new(input: R, bytes_max: usize) -> Self {
        Lines { input, bytes_max, number: 0 }
    }

    /// Returns the next line that is not blank, and its number; `None` at the end. Blocks as the input does.
    pub fn next_line(&mut self) -> io::Result<Option<(usize, Line)>> {
        loop {
            let Some(line) = self.any_line()? else { return Ok(None) };
            self.number += 1;
            match line {
                Line::Whole(bytes) if bytes.trim_ascii().is_empty() => {}
                line => return Ok(Some((self.number, line))),
            }
        }
    }

    fn any_line(&mut self) -> io::Result<Option<Line>> {
        let (mut kept, mut len, mut any) = (Vec::new(), 0, false);
        loop {
            let available = match self.input.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let end = available.iter().position(|&byte| byte == b'\n');
            let piece = &available[..end.unwrap_or(available.len())];
            any |= !available.is_empty();
            len += piece.len();
            if len <= self.bytes_max {
                kept.extend_from_slice(piece);
            } else {
                kept = Vec::new();
            }
            let last = end.is_some() || available.is_empty();
            let consumed = piece.len() + usize::from(end.is_some());
            self.input.consume(consumed);
            if last {
                let line = if len <= self.bytes_max { Line::Whole(kept) } else { Line::TooLong(len) };
                return Ok(any.then_some(line));
            }
        }
    }
}

impl<R> Lines<io::BufReader<R>> {
    /// Returns whether [`Lines::next_line`] has a buffered line, and so does not wait for input.
    pub fn has_line(&self) -> bool {
        let whole = self.input.buffer().split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n"));
        whole.into_iter().any(|line| !line.trim_ascii().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(input: &[u8], buffer: usize, bytes_max: usize) -> Vec<(usize, Line)> {
        let mut lines = Lines::new(io::BufReader::with_capacity(buffer, input), bytes_max);
        std::iter::from_fn(|| lines.next_line().unwrap()).collect()
    }

    #[test]
    fn blank_lines_are_counted_and_passed_over_and_long_ones_dropped() {
        let whole = |number, text: &str| (number, Line::Whole(text.as_bytes().to_vec()));
        let expected = vec![whole(1, "a"), whole(4, "bc"), (5, Line::TooLong(9)), whole(6, "d")];
        assert_eq!(lines(b"a\n\n \r\nbc\n123456789\nd", 4, 5), expected);
        assert_eq!(lines(b"", 4, 5), vec![]);
        assert_eq!(lines(b"\n\n", 4, 5), vec![]);
    }

    #[test]
    fn what_is_at_hand_is_a_whole_line_that_is_not_blank() {
        for (rest, expected) in [("b\n", true), ("\n \nb\n", true), ("", false), ("\n", false), ("\r\n \n b", false)] {
            let input = format!("a\n{rest}");
            let mut lines = Lines::new(io::BufReader::new(input.as_bytes()), 5);
            lines.next_line().unwrap();
            assert_eq!(lines.has_line(), expected, "{rest:?}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_splitting_the_whole_input(input in "[ab\n]{0,40}", buffer in 1usize..8) {
            let expected: Vec<_> = input.split('\n').enumerate().filter(|(_, line)| !line.is_empty())
                .map(|(index, line)| (index + 1, Line::Whole(line.as_bytes().to_vec()))).collect();
            prop_assert_eq!(lines(input.as_bytes(), buffer, 40), expected);
        }
    }
}
