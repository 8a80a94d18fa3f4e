//! The command line of delaycast.

fn main() {}
