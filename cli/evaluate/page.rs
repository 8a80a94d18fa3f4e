//! The file that the page goes to.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::Context;

/// A file that appears whole: it is written under another name, and renamed.
pub(super) struct Page {
    path: PathBuf,
    unfinished: PathBuf,
}

impl Page {
    /// Sees whether it may be written: before a training, so that nobody trains in vain.
    pub(super) fn prepare(path: &Path) -> anyhow::Result<Self> {
        anyhow::ensure!(!path.is_dir(), "{} is a directory: name a file for the page", path.display());
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".unfinished");
        let page = Page { path: path.to_owned(), unfinished: unfinished.into() };
        File::create(&page.unfinished)
            .and_then(|_| fs::remove_file(&page.unfinished))
            .with_context(|| page.cannot())?;
        Ok(page)
    }

    /// Writes it.
    pub(super) fn write(&self, html: &str) -> anyhow::Result<()> {
        let written = fs::write(&self.unfinished, html).and_then(|()| fs::rename(&self.unfinished, &self.path));
        if written.is_err() {
            // The error that is told is the first one.
            let _ = fs::remove_file(&self.unfinished);
        }
        written.with_context(|| self.cannot())
    }

    fn cannot(&self) -> String {
        format!(
            "cannot write the page to {}: check that its folder is there, its owner and the space",
            self.path.display()
        )
    }
}
