//! What an examination of a log, a store or a model directory finds, in plain words.

use serde::Serialize;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Well,
    /// It works, and somebody should know.
    Notice,
    /// It does not work.
    Broken,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub what: &'static str,
    /// How it is.
    pub state: State,
    /// What was found.
    pub found: String,
    /// What to do about it, unless it is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Finding {
    /// It is as it should be.
    pub fn well(what: &'static str, found: impl Into<String>) -> Self {
        Finding { what, state: State::Well, found: found.into(), advice: None }
    }

    /// It works, and somebody should know.
    pub fn notice(what: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Finding { what, state: State::Notice, found: found.into(), advice: Some(advice.into()) }
    }

    /// It does not work.
    pub fn broken(what: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Finding { what, state: State::Broken, found: found.into(), advice: Some(advice.into()) }
    }
}
