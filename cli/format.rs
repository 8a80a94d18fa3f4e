//! The formats of results.

use std::io::{self, Write};

use anyhow::Context;
use clap::ValueEnum;
use serde::Serialize;

/// The format of a result on standard output. Progress and warnings go to standard error in either format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One JSON object, for programs.
    Json,
}

impl Format {
    /// Prints a result; `text` renders it for people.
    pub(crate) fn print<T: Serialize>(self, result: &T, text: impl FnOnce(&T) -> String) -> anyhow::Result<()> {
        let printed = match self {
            Format::Text => text(result),
            Format::Json => serde_json::to_string(result)?,
        };
        match writeln!(io::stdout(), "{printed}") {
            // The reader has closed the pipe.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other.context("cannot write the result to standard output"),
        }
    }
}
