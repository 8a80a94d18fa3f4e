//! What holds of the project as a whole: dependencies and files, language, and what is deployed.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod architecture;
mod deploy;
mod language;
