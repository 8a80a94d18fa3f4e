//! The dataflows of delaycast.
