//! The versions of a followed answer, in words.

use engine::{
    follow::{FollowState, FollowedVersion},
    request::RequestId,
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    delay::delay_in_short,
    live::{FlightState, time_of},
};
use crate::{
    form_page::result_url,
    texts::{Texts, say},
};

/// The following of an answer.
#[derive(Debug, Default, Serialize)]
pub(crate) struct FollowView {
    /// `followed`, `ended`, `refused`, or `starting` before the first version.
    state: &'static str,
    /// The number of the version that is shown; 0 before the first one.
    shown: u32,
    note: String,
    /// True if an earlier version than the last one is shown.
    is_earlier: bool,
    /// The last ones, the very last first.
    versions: Vec<VersionView>,
    /// Those before.
    older: Vec<VersionView>,
    older_count: usize,
}

/// Upper bound on the versions that are shown at once.
const SHOWN_MAX: usize = 5;

/// A version in the list of all.
#[derive(Debug, Serialize)]
struct VersionView {
    number: u32,
    /// `14:05`; empty if nothing was known of the day.
    time: String,
    words: String,
    url: String,
    is_shown: bool,
}

impl FollowView {
    /// The versions of an answer, of which the one of this number is shown, or the last one.
    pub(crate) fn new(id: &RequestId, versions: &[Map<String, Value>], wanted: Option<u32>, texts: Texts) -> Self {
        let all: Vec<FollowedVersion> = versions.iter().map(FollowedVersion::of).collect();
        let Some(last) = all.last() else {
            let note = say!(texts, "follow-starting");
            return FollowView { state: "starting", shown: 0, note, ..FollowView::default() };
        };
        let shown = wanted.filter(|wanted| all.iter().any(|it| it.number == *wanted)).unwrap_or(last.number);
        let state = last.state.name();
        let note = match &last.state {
            FollowState::GoesOn => say!(texts, "follow-on"),
            FollowState::Ended => say!(texts, "follow-ended"),
            FollowState::Refused(reason) => say!(texts, "follow-refused", reason = reason),
        };
        let view = |(version, document): (&FollowedVersion, &Map<String, Value>)| VersionView {
            number: version.number,
            time: time_of(document).unwrap_or_default(),
            words: words(document, texts),
            url: format!("{}&version={}#result", result_url(id.as_str()), version.number),
            is_shown: version.number == shown,
        };
        let mut views: Vec<VersionView> = all.iter().zip(versions).rev().map(view).collect();
        let older = views.split_off(SHOWN_MAX.min(views.len()));
        let (is_earlier, older_count) = (shown != last.number, older.len());
        FollowView { state, shown, note, is_earlier, versions: views, older, older_count }
    }

    /// The number of the version that is shown.
    pub(crate) fn shown(&self) -> u32 {
        self.shown
    }

    /// True while other versions may come.
    pub(crate) fn goes_on(&self) -> bool {
        matches!(self.state, "followed" | "starting") && !self.is_earlier
    }
}

/// The news of a version: the flight's state, and the forecast while it is not over.
fn words(document: &Map<String, Value>, texts: Texts) -> String {
    let state = FlightState::of(document, texts);
    let forecast =
        if state.as_ref().is_some_and(|state| state.is_over) { None } else { delay_in_short(document, texts) };
    let parts: Vec<String> = state.map(|state| state.words).into_iter().chain(forecast).collect();
    if parts.is_empty() { say!(texts, "follow-no-forecast") } else { parts.join("; ") }
}
