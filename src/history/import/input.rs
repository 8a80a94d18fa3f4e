//! Finds the input files and tells their formats apart.

use std::{
    cell::Cell,
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    rc::Rc,
};

use bzip2::read::MultiBzDecoder;
use zip::ZipArchive;

use super::{
    ImportError,
    csv::{Layout, Record},
    intake::Intake,
    jsonl::Object,
    lines::Lines,
    row::Row,
};
use crate::history::{
    HistoryError,
    parquet::{read_flights, read_routes, read_weather},
};

/// The endings of files that are read when a directory is given.
const ENDINGS: [&str; 5] = [".zip", ".csv", ".jsonl", ".bz2", ".parquet"];
/// The endings of members that are read in a zip.
const MEMBER_ENDINGS: [&str; 2] = [".csv", ".jsonl"];
/// The memory of each reader's buffer.
const BUFFER_BYTES: usize = 1 << 17;

/// A file to read.
pub(super) struct InputFile {
    path: PathBuf,
    pub(super) bytes: u64,
}

/// The files that the paths name, those of a directory sorted by name.
pub(super) fn find(paths: &[PathBuf]) -> Result<Vec<InputFile>, ImportError> {
    let mut files = Vec::new();
    for path in paths {
        let failed = |source| ImportError::Read { file: path.display().to_string(), source };
        let mut found = vec![path.clone()];
        if path.is_dir() {
            let entries = fs::read_dir(path).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
            found = entries.map_err(failed)?.into_iter().map(|entry| entry.path()).collect();
            found.retain(|path| ends_with(&path.to_string_lossy(), &ENDINGS) && path.is_file());
            found.sort();
        }
        for path in found {
            let bytes = fs::metadata(&path).map_err(failed)?.len();
            files.push(InputFile { path, bytes });
        }
    }
    Ok(files)
}

fn ends_with(name: &str, endings: &[&str]) -> bool {
    let name = name.to_ascii_lowercase();
    endings.iter().any(|ending| name.ends_with(ending))
}

/// Reads a file, whatever its format.
pub(super) fn read(file: &InputFile, intake: &mut Intake<'_>) -> Result<(), ImportError> {
    let name = file.path.display().to_string();
    let failed = |source| ImportError::Read { file: name.clone(), source };
    let mut input = Counted { file: File::open(&file.path).map_err(failed)?, bytes: intake.bytes.clone() };
    let mut magic = [0; 4];
    let len = read_up_to(&mut input.file, &mut magic).map_err(failed)?;
    input.file.rewind().map_err(failed)?;
    match &magic[..len] {
        b"PK\x03\x04" => read_zip(&name, input, intake)?,
        [b'B', b'Z', b'h', _] => read_text(&name, MultiBzDecoder::new(input), intake)?,
        b"PAR1" => {
            intake.bytes.update(|bytes| bytes + file.bytes);
            read_parquet(&name, &file.path, intake)?;
        }
        _ => read_text(&name, input, intake)?,
    }
    intake.tell_progress();
    Ok(())
}

fn read_up_to(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while len < buffer.len() {
        match input.read(&mut buffer[len..])? {
            0 => break,
            read => len += read,
        }
    }
    Ok(len)
}

fn read_zip(name: &str, input: Counted, intake: &mut Intake<'_>) -> Result<(), ImportError> {
    let damaged = |source: zip::result::ZipError| ImportError::Damaged { file: name.to_owned(), source: source.into() };
    let mut archive = ZipArchive::new(BufReader::with_capacity(BUFFER_BYTES, input)).map_err(damaged)?;
    let mut found = false;
    for index in 0..archive.len() {
        let member = archive.by_index(index).map_err(damaged)?;
        let member_name = member.name().map_err(damaged)?.into_owned();
        if ends_with(&member_name, &MEMBER_ENDINGS) {
            found = true;
            read_text(&format!("{name}: {member_name}"), member, intake)?;
        }
    }
    if found { Ok(()) } else { Err(ImportError::Unsupported { file: name.to_owned() }) }
}

fn read_parquet(name: &str, path: &Path, intake: &mut Intake<'_>) -> Result<(), ImportError> {
    intake.begin(name);
    let rows: Vec<Row> = match read_flights(path) {
        Ok(flights) => flights.into_iter().map(Row::Flight).collect(),
        Err(error @ HistoryError::Missing { .. }) => {
            // Neither flights nor routes: the weather, or else the flights' error is the one to tell.
            match (read_routes(path), read_weather(path)) {
                (Ok(routes), _) => routes.into_iter().map(Row::Route).collect(),
                (_, Ok(weather)) => weather.into_iter().map(|(hour, weather)| Row::Weather(hour, weather)).collect(),
                (_, Err(HistoryError::Missing { .. })) => return Err(error.into()),
                (_, Err(of_weather)) => return Err(of_weather.into()),
            }
        }
        Err(error) => return Err(error.into()),
    };
    (1..).zip(rows).try_for_each(|(row_number, row)| intake.take(row_number, Ok(row)))
}

/// Reads CSV or JSON lines.
fn read_text(name: &str, input: impl Read, intake: &mut Intake<'_>) -> Result<(), ImportError> {
    intake.begin(name);
    let damaged = |source| ImportError::Damaged { file: name.to_owned(), source };
    let unsupported = || ImportError::Unsupported { file: name.to_owned() };
    let columns = |missing| ImportError::Columns { file: name.to_owned(), missing };
    let mut lines = Lines::new(BufReader::with_capacity(BUFFER_BYTES, input));
    let first = loop {
        match lines.next().map_err(damaged)? {
            None => return Ok(()),
            Some((_, Err(_))) => return Err(unsupported()),
            Some((number, Ok(line))) if !line.trim_ascii().is_empty() => {
                break (number, line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).to_vec());
            }
            Some(_) => {}
        }
    };
    if first.1.trim_ascii_start().starts_with(b"{") {
        let object = Object::parse(&first.1).map_err(|_| unsupported())?;
        let kind = object.kind().map_err(columns)?;
        intake.take(first.0, object.row(kind))?;
        return rest(lines, damaged, intake, |line| Object::parse(line)?.row(kind));
    }
    let mut record = Record::new();
    record.split(&first.1).map_err(|_| unsupported())?;
    if !record.is_header() {
        return Err(unsupported());
    }
    let layout = Layout::new(&record).map_err(columns)?;
    rest(lines, damaged, intake, |line| record.split(line).and_then(|()| layout.row(&record)))
}

/// Takes the lines that follow the first.
fn rest(
    mut lines: Lines<impl BufRead>,
    damaged: impl Fn(io::Error) -> ImportError,
    intake: &mut Intake<'_>,
    mut row: impl FnMut(&[u8]) -> Result<Row, String>,
) -> Result<(), ImportError> {
    while let Some((number, line)) = lines.next().map_err(&damaged)? {
        let taken = match line {
            Ok(line) if line.trim_ascii().is_empty() => Ok(()),
            Ok(line) => intake.take(number, row(line)),
            Err(reason) => intake.take(number, Err(reason)),
        };
        if taken.is_err() {
            // A damaged block gives nonsense first and its checksum at its end: if it is damage, that is the reason.
            lines.drain().map_err(&damaged)?;
        }
        taken?;
    }
    Ok(())
}

/// A file that counts what is read of it.
struct Counted {
    file: File,
    bytes: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.bytes.update(|bytes| bytes + read as u64);
        Ok(read)
    }
}

impl Seek for Counted {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
