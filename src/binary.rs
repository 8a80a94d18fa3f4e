//! Reads and writes the binary sections of a model file: little-endian numbers of fixed width.

/// A section that cannot be read, with the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CorruptSection(pub(crate) &'static str);

/// The unread bytes of a section. An allocation is never longer than the bytes it is read from.
pub(crate) struct SectionReader<'a>(pub(crate) &'a [u8]);

impl<'a> SectionReader<'a> {
    /// The next `len` times `width` bytes.
    pub(crate) fn take(&mut self, len: usize, width: usize) -> Result<&'a [u8], CorruptSection> {
        let split = len.checked_mul(width).and_then(|len| self.0.split_at_checked(len));
        let (taken, rest) = split.ok_or(CorruptSection("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next `len` records of a fixed width.
    pub(crate) fn records<const WIDTH: usize>(&mut self, len: usize) -> Result<&'a [[u8; WIDTH]], CorruptSection> {
        Ok(self.take(len, WIDTH)?.as_chunks().0)
    }

    /// The next number.
    pub(crate) fn number(&mut self) -> Result<u32, CorruptSection> {
        let (number, rest) = self.0.split_first_chunk().ok_or(CorruptSection("it ends too early"))?;
        self.0 = rest;
        Ok(u32::from_le_bytes(*number))
    }

    /// The next `len` numbers.
    pub(crate) fn numbers(&mut self, len: usize) -> Result<Vec<u32>, CorruptSection> {
        Ok(self.records(len)?.iter().map(|number| u32::from_le_bytes(*number)).collect())
    }

    /// Checks that all bytes have been read.
    pub(crate) fn end(self) -> Result<(), CorruptSection> {
        if self.0.is_empty() { Ok(()) } else { Err(CorruptSection("a section is longer than what it holds")) }
    }
}

/// Appends a length. No section has 2^32 of anything: a longer file is refused as a whole.
pub(crate) fn put_len(bytes: &mut Vec<u8>, len: usize) {
    bytes.extend((len as u32).to_le_bytes());
}

/// Appends numbers.
pub(crate) fn put_numbers(bytes: &mut Vec<u8>, numbers: &[u32]) {
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
}
