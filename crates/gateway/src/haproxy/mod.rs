//! Moves traffic in a HAProxy that stands where the gateway would, by the same words and with the same leases.
//!
//! Two ways, chosen by what the configuration of HAProxy can do:
//! - *Threshold* ([`threshold`]): HAProxy hashes who a request is from, as [`crate::split`] does, and compares it with an
//!   entry of a map. One command changes it, exactly and for everybody at once. HAProxy ends a lease by itself.
//! - *Weights* ([`weights`]): servers of both sides share a backend, and their weights are set. For configurations that are
//!   to stay as they are. People stick only as far as the `balance` of the backend makes them.
//!
//! With the printed configuration HAProxy tells of each request ([`told`]); they are counted and judged as the gateway's own
//! ([`measured`]), so gates take traffic back here too.
//!
//! Invariants:
//! - What was set is read back before it is called done.
//! - What HAProxy forgot, as at a reload, is set again within a tick ([`driver`]).
//! - There is a server with a weight at every moment, in whatever order processes die.

mod backlog;
mod driver;
mod files;
pub mod guard;
mod measured;
mod runtime;
mod servers;
pub mod threshold;
pub(crate) mod told;
mod view;
pub mod weights;
mod words;

pub(crate) use self::driver::is_plain;
pub use self::driver::{Driver, Mode, Parts};
pub use self::measured::Measure;
pub use self::runtime::{Address, Trouble};
