//! The result of a request, as the page shows it.

use delaycast::airports::Airports;
use engine::request::RequestId;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{answer::AnswerView, words::capitalized};
use crate::{addresses::of_result, flight_form::FlightForm};

/// The states of the result; the template of each is `templates/state/NAME.hbs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum ResultState {
    None,
    Waiting,
    Answered,
    Rejected,
    TimedOut,
    Unreachable,
}

/// The refresh of a page without JavaScript.
#[derive(Debug, Serialize)]
struct Refresh {
    after_s: u32,
    url: String,
}

/// The result part of the page.
#[derive(Debug, Serialize)]
pub(crate) struct ResultView {
    state: ResultState,
    id: Option<String>,
    url: Option<String>,
    refresh: Option<Refresh>,
    reason: Option<String>,
    answer: Option<AnswerView>,
}

impl ResultView {
    /// Nothing has been asked.
    pub(crate) fn none() -> Self {
        ResultView { state: ResultState::None, id: None, url: None, refresh: None, reason: None, answer: None }
    }

    fn of(state: ResultState, id: &RequestId) -> Self {
        let (id, url) = (id.as_str().to_owned(), of_result(id.as_str()));
        ResultView { state, id: Some(id), url: Some(url), ..Self::none() }
    }

    /// No answer yet; the page refreshes itself after a pause. `asked` is the number of refreshes with that one.
    pub(crate) fn waiting(id: &RequestId, pause_s: u32, asked: usize) -> Self {
        let url = format!("{}&asked={asked}#result", of_result(id.as_str()));
        ResultView { refresh: Some(Refresh { after_s: pause_s, url }), ..Self::of(ResultState::Waiting, id) }
    }

    /// No answer, and no more refreshes.
    pub(crate) fn timed_out(id: &RequestId) -> Self {
        Self::of(ResultState::TimedOut, id)
    }

    /// The store is unavailable.
    pub(crate) fn unreachable(id: &RequestId) -> Self {
        Self::of(ResultState::Unreachable, id)
    }

    /// The request was rejected.
    pub(crate) fn rejected(id: &RequestId, reason: String) -> Self {
        ResultView { reason: Some(capitalized(&reason)), ..Self::of(ResultState::Rejected, id) }
    }

    /// The request was answered.
    pub(crate) fn answered(id: &RequestId, document: &Map<String, Value>, airports: &Airports) -> Self {
        ResultView { answer: Some(AnswerView::new(document, airports)), ..Self::of(ResultState::Answered, id) }
    }

    /// The request as a form, if it is answered.
    pub(super) fn asked(&self) -> Option<&FlightForm> {
        self.answer.as_ref().map(|answer| &answer.asked)
    }

    /// The page's title in this state; `None`: the page's own.
    pub(super) fn title(&self) -> Option<&str> {
        match (self.state, &self.answer) {
            (ResultState::Answered, Some(answer)) => Some(&answer.headline),
            (ResultState::Waiting, _) => Some("Waiting for the answer"),
            (ResultState::Rejected, _) => Some("This flight could not be scored"),
            (ResultState::TimedOut, _) => Some("No answer yet"),
            (ResultState::Unreachable, _) => Some("We cannot answer right now"),
            _ => None,
        }
    }
}
