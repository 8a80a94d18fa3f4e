//! The page with the form and the result of a request.

use delaycast::{airports::Airports, flight::CLASSES, request::Field};
use engine::{follow::FollowedVersion, request::RequestId};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    answer::AnswerView,
    follow::FollowView,
    form::FormView,
    past::PastView,
    words::{capitalized, class_names},
};
use crate::{
    field_error::FieldError,
    flight_form::FlightForm,
    form_page::{FormPage, result_url},
    past::PastFlights,
    render::View,
    replay::{Replay, ReplayedFlight},
    state::Parts,
    texts::{Texts, say},
};

/// Interval at which a followed page without JavaScript refreshes itself, in seconds.
const FOLLOWED_REFRESH_S: u32 = 30;

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct PredictView {
    /// The title in a state of the result, if it is not that of the page.
    #[serde(skip)]
    title: Option<String>,
    heading: String,
    form: FormView,
    replay: Option<ReplayView>,
    result: ResultView,
    classes: [String; CLASSES],
    give_up_after_ms: u128,
}

impl View for PredictView {
    const PAGE: &'static str = "predict";

    fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }
}

impl PredictView {
    /// The form alone.
    pub(crate) fn empty(parts: &Parts, texts: Texts) -> Self {
        Self::new(&initial_form(parts, texts), &[], ResultView::none(), parts, texts)
    }

    /// The form with what a link says of a flight.
    pub(crate) fn prefilled(form: &FlightForm, parts: &Parts, texts: Texts) -> Self {
        Self::new(form, &[], ResultView::none(), parts, texts)
    }

    /// The same form under another heading, on another page.
    pub(crate) fn on(self, page: FormPage, heading: String) -> Self {
        PredictView { heading, form: self.form.on(page), ..self }
    }

    /// The form as it was sent, each wrong field with its reason.
    pub(crate) fn refused(form: &FlightForm, errors: &[FieldError], parts: &Parts, texts: Texts) -> Self {
        Self::new(form, errors, ResultView::none(), parts, texts)
    }

    /// The form and the result of a request. If it is answered, the form shows the request.
    pub(crate) fn with_result(result: ResultView, parts: &Parts, texts: Texts) -> Self {
        let form = result.asked().cloned().unwrap_or_else(|| initial_form(parts, texts));
        Self::new(&form, &[], result, parts, texts)
    }

    fn new(form: &FlightForm, errors: &[FieldError], result: ResultView, parts: &Parts, texts: Texts) -> Self {
        // An answer says what was asked, and comes soon on a phone.
        let is_asking = result.state == ResultState::None;
        PredictView {
            title: result.title(texts),
            heading: say!(texts, "predict-heading"),
            form: FormView::new(form, errors, is_asking, parts, texts),
            replay: parts.config.replay.as_deref().and_then(|replay| ReplayView::new(replay, texts)),
            result,
            classes: class_names(texts),
            give_up_after_ms: parts.config.give_up_after.as_millis(),
        }
    }
}

/// The initial form: without a flight, or a flight of the day that is replayed.
fn initial_form(parts: &Parts, texts: Texts) -> FlightForm {
    let replay = parts.config.replay.as_deref();
    let Some((replay, flight)) = replay.and_then(|replay| Some((replay, replay.flights().pop()?))) else {
        return FlightForm::initial(parts.now().date_naive());
    };
    let ReplayedFlight { carrier, number, origin, dest, departs, .. } = flight;
    let date = departs.with_timezone(&replay.zone()).date_naive();
    let mut form = FlightForm::default();
    let flight = format!("{carrier} {number}");
    form.phrase = say!(texts, "phrase-flight", flight = flight, origin = origin, dest = dest);
    form.set(Field::FlightDate, date.to_string());
    form.set(Field::Follow, "true");
    form
}

/// A day that is replayed.
#[derive(Debug, Serialize)]
struct ReplayView {
    /// `14:05 on Sunday, 28 July 2013`.
    now: String,
    /// `A second is a minute.`
    pace: String,
    flights: Vec<ReplayedFlightView>,
}

#[derive(Debug, Serialize)]
struct ReplayedFlightView {
    words: String,
    url: String,
}

impl ReplayView {
    fn new(replay: &dyn Replay, texts: Texts) -> Option<Self> {
        let zone = replay.zone();
        let now = replay.now()?.with_timezone(&zone);
        let view = |ReplayedFlight { id, carrier, number, origin, dest, departs }: ReplayedFlight| {
            let time = departs.with_timezone(&zone).format("%H:%M").to_string();
            let flight = format!("{carrier} {number}");
            let words = say!(texts, "replay-flight", flight = flight, origin = origin, dest = dest, time = time);
            ReplayedFlightView { url: result_url(&id), words }
        };
        Some(ReplayView {
            now: say!(
                texts,
                "replay-time",
                time = now.format("%H:%M").to_string(),
                day = texts.long_day(now.date_naive())
            ),
            pace: match replay.speed() {
                60.0 => say!(texts, "replay-minute"),
                speed => say!(texts, "replay-pace", speed = speed),
            },
            flights: replay.flights().into_iter().map(view).collect(),
        })
    }
}

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
    /// `None` if the answer is not followed.
    follow: Option<FollowView>,
    /// `None` without a history.
    past: Option<PastView>,
}

impl ResultView {
    /// Nothing has been asked.
    pub(crate) fn none() -> Self {
        ResultView {
            state: ResultState::None,
            id: None,
            url: None,
            refresh: None,
            reason: None,
            answer: None,
            follow: None,
            past: None,
        }
    }

    fn of(state: ResultState, id: &RequestId) -> Self {
        let (id, url) = (id.as_str().to_owned(), result_url(id.as_str()));
        ResultView { state, id: Some(id), url: Some(url), ..Self::none() }
    }

    /// No answer yet; the page refreshes itself after a pause. `asked` is the number of refreshes with that one.
    pub(crate) fn waiting(id: &RequestId, pause_s: u32, asked: usize) -> Self {
        let url = format!("{}&asked={asked}#result", result_url(id.as_str()));
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

    /// The request was answered. Of a followed answer the version `wanted` is shown, or the last one.
    pub(crate) fn answered(
        id: &RequestId,
        first: &Map<String, Value>,
        versions: Option<&[Map<String, Value>]>,
        wanted: Option<u32>,
        airports: &Airports,
        texts: Texts,
    ) -> Self {
        let follow = versions.map(|versions| FollowView::new(id, versions, wanted, texts));
        let number = follow.as_ref().map_or(0, FollowView::shown);
        let shown = versions.into_iter().flatten().find(|it| FollowedVersion::of(it).number == number);
        let refresh = follow
            .as_ref()
            .filter(|follow| follow.goes_on())
            .map(|_| Refresh { after_s: FOLLOWED_REFRESH_S, url: format!("{}#result", result_url(id.as_str())) });
        let answer = Some(AnswerView::new(shown.unwrap_or(first), airports, texts));
        ResultView { answer, follow, refresh, ..Self::of(ResultState::Answered, id) }
    }

    /// The same with flights of the history beside the answer.
    pub(crate) fn with_past(self, past: &PastFlights, airports: &Airports, texts: Texts) -> Self {
        ResultView { past: Some(PastView::new(past, airports, texts)), ..self }
    }

    /// The request as a form, if it is answered.
    pub(crate) fn asked(&self) -> Option<&FlightForm> {
        self.answer.as_ref().map(|answer| &answer.asked)
    }

    /// The page's title in this state; `None`: the page's own.
    fn title(&self, texts: Texts) -> Option<String> {
        match (self.state, &self.answer) {
            (ResultState::Answered, Some(answer)) => Some(answer.headline.clone()),
            (ResultState::Waiting, _) => Some(say!(texts, "result-waiting")),
            (ResultState::Rejected, _) => Some(say!(texts, "result-rejected")),
            (ResultState::TimedOut, _) => Some(say!(texts, "result-timed-out")),
            (ResultState::Unreachable, _) => Some(say!(texts, "result-unreachable")),
            _ => None,
        }
    }
}
