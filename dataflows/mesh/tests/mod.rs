//! The rules of forming, on real sockets of this machine.

mod rules;
mod site;
mod strangers;
mod trust;
