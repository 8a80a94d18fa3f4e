//! Tests of the whole project: dependencies and files, language, pages, the topics, the course guide, and the
//! deployment.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod architecture;
mod asyncapi;
mod cycles;
mod deploy;
mod guide;
mod language;
mod pages;
mod source;
