//! Flights, a domain of the engine: requests, answers, features, models, evaluation. It has no dataflows, web pages or
//! commands.
//!
//! # Layout
//!
//! * [`flight`]: the vocabulary: codes, delays and their classes, times, schedules, time zones, weather, value ranges.
//! * [`domain`]: the engine's trait, implemented for flights.
//! * [`request`]: requests: fields, limits, decoding from and encoding to the wire.
//! * [`answer`]: scores and the documents of answers; [`explanation`]: their reasons.
//! * [`airports`]: known airports and airlines, and the distances between airports.
//! * [`routes`]: the table of distances that the processes on a store share.
//! * [`history`]: flown flights: their Parquet file, the fetch of their zips, and the importers of other formats;
//!   the bundled airports, with their time zones.
//! * [`live`]: the messages of events, and the live state: what events say of flights, as of a moment.
//! * [`feed`]: a history as a feed: its events and requests about its flights, in the order of time.
//! * [`explore`]: an index over a history, for the exploration pages and the schedules of flight numbers.
//! * [`follow`]: when a followed answer gets another version.
//! * [`features`]: the encoding of a flight as numbers, the same for training and scoring.
//! * [`classifier`]: the kinds of model: settings, prediction, explanation and bytes behind one enum each.
//! * [`delay_forecast`]: the forecast of an arrival delay in minutes.
//! * [`forest`]: random forests: the histogram trainer, and flat trees.
//! * [`evaluate`]: the evaluation of predictors on flights later than those they were trained on.
//! * [`model`]: the trained model: forests, features and airports in one checked file; a versioned directory.
//! * [`ask`]: publishes one request and waits for its answer.
//! * [`predict`]: scores requests from a pipe into a pipe.

pub mod airports;
pub mod answer;
pub mod ask;
mod binary;
pub mod classifier;
pub mod delay_forecast;
pub mod domain;
pub mod evaluate;
pub mod explanation;
pub mod explore;
pub mod features;
pub mod feed;
pub mod flight;
pub mod follow;
pub mod forest;
pub mod history;
pub mod live;
pub mod model;
mod observe;
pub mod phrase;
pub mod predict;
mod random;
pub mod request;
pub mod routes;
mod wire;
