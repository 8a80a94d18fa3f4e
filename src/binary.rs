//! Little-endian numbers of fixed width, as a model file's binary sections hold them.

/// Why bytes are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// Bytes yet to be read. Whatever is allocated is no longer than what it was read from.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> Bytes<'a> {
    /// The next bytes, `len` times `width`.
    pub(crate) fn take(&mut self, len: usize, width: usize) -> Result<&'a [u8], Malformed> {
        let split = len.checked_mul(width).and_then(|len| self.0.split_at_checked(len));
        let (taken, rest) = split.ok_or(Malformed("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next `len` records of a fixed width.
    pub(crate) fn records<const WIDTH: usize>(&mut self, len: usize) -> Result<&'a [[u8; WIDTH]], Malformed> {
        Ok(self.take(len, WIDTH)?.as_chunks().0)
    }

    /// A number, or a count of what follows.
    pub(crate) fn number(&mut self) -> Result<u32, Malformed> {
        let (number, rest) = self.0.split_first_chunk().ok_or(Malformed("it ends too early"))?;
        self.0 = rest;
        Ok(u32::from_le_bytes(*number))
    }

    /// The next `len` numbers.
    pub(crate) fn numbers(&mut self, len: usize) -> Result<Vec<u32>, Malformed> {
        Ok(self.records(len)?.iter().map(|number| u32::from_le_bytes(*number)).collect())
    }

    /// All has been read.
    pub(crate) fn end(self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed("a section is longer than what it holds")) }
    }
}

/// Appends a count. Files are far shorter than 2^32 of anything, and a longer one is refused as a whole.
pub(crate) fn put_len(bytes: &mut Vec<u8>, len: usize) {
    bytes.extend((len as u32).to_le_bytes());
}

/// Appends numbers.
pub(crate) fn put_numbers(bytes: &mut Vec<u8>, numbers: &[u32]) {
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
}
