//! What has come of a request, as the page shows it.

use delaycast::{atlas::Atlas, request::RequestId};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{FlightForm, answer::AnswerView, capitalized, result_url};

/// The states that the page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    None,
    Waiting,
    Answered,
    Rejected,
    TimedOut,
    Unreachable,
}

/// When and where a page without JavaScript looks again.
#[derive(Debug, Serialize)]
struct Refresh {
    after_s: u32,
    url: String,
}

/// The result part of the page.
#[derive(Debug, Serialize)]
pub(crate) struct ResultView {
    state: State,
    id: Option<String>,
    url: Option<String>,
    refresh: Option<Refresh>,
    reason: Option<String>,
    answer: Option<AnswerView>,
}

impl ResultView {
    /// Nothing has been asked.
    pub(crate) fn none() -> Self {
        ResultView { state: State::None, id: None, url: None, refresh: None, reason: None, answer: None }
    }

    fn of(state: State, id: &RequestId) -> Self {
        let (id, url) = (id.as_str().to_owned(), result_url(id.as_str()));
        ResultView { state, id: Some(id), url: Some(url), ..Self::none() }
    }

    /// No answer yet; the page looks again after a pause, saying that it has asked so often.
    pub(crate) fn waiting(id: &RequestId, pause_s: u32, asked: usize) -> Self {
        let url = format!("{}&asked={asked}#result", result_url(id.as_str()));
        ResultView { refresh: Some(Refresh { after_s: pause_s, url }), ..Self::of(State::Waiting, id) }
    }

    /// No answer, and the page no longer looks by itself.
    pub(crate) fn timed_out(id: &RequestId) -> Self {
        Self::of(State::TimedOut, id)
    }

    /// The store does not say.
    pub(crate) fn unreachable(id: &RequestId) -> Self {
        Self::of(State::Unreachable, id)
    }

    /// There will be no answer.
    pub(crate) fn rejected(id: &RequestId, reason: String) -> Self {
        ResultView { reason: Some(capitalized(&reason)), ..Self::of(State::Rejected, id) }
    }

    /// The answer.
    pub(crate) fn answered(id: &RequestId, document: &Map<String, Value>, atlas: &Atlas) -> Self {
        ResultView { answer: Some(AnswerView::new(document, atlas)), ..Self::of(State::Answered, id) }
    }

    /// What was asked, where the answer says so.
    pub(super) fn asked(&self) -> Option<&FlightForm> {
        self.answer.as_ref().map(|answer| &answer.asked)
    }

    /// The page's title in this state: also what a screen reader says first.
    pub(super) fn title(&self) -> &str {
        match (self.state, &self.answer) {
            (State::Answered, Some(answer)) => &answer.headline,
            (State::Waiting, _) => "Waiting for the answer",
            (State::Rejected, _) => "This flight could not be scored",
            (State::TimedOut, _) => "No answer yet",
            (State::Unreachable, _) => "We cannot answer right now",
            _ => "How late will this flight be?",
        }
    }
}
