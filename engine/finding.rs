//! Findings of an examination of a log, a store or a model directory.

use serde::Serialize;

/// The severity of a finding. Its names in JSON are those of the `state` that `delaycast doctor --format json` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Severity {
    /// As it should be.
    #[serde(rename = "well")]
    Ok,
    /// It works, and an operator should know.
    #[serde(rename = "notice")]
    Warn,
    /// It does not work.
    #[serde(rename = "broken")]
    Fail,
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The part that was checked.
    pub what: &'static str,
    /// Its severity.
    #[serde(rename = "state")]
    pub severity: Severity,
    /// The result, in words.
    pub found: String,
    /// The remedy, unless all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Finding {
    /// Returns the finding that a part is as it should be.
    pub fn ok(what: &'static str, found: impl Into<String>) -> Self {
        Finding { what, severity: Severity::Ok, found: found.into(), advice: None }
    }

    /// Returns the finding that a part works, and that an operator should know of this.
    pub fn warn(what: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Finding { what, severity: Severity::Warn, found: found.into(), advice: Some(advice.into()) }
    }

    /// Returns the finding that a part does not work.
    pub fn fail(what: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Finding { what, severity: Severity::Fail, found: found.into(), advice: Some(advice.into()) }
    }
}
