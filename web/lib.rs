//! The pages and routes of delaycast.
