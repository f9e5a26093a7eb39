//! Counters of single endpoints: one broken among forty disappears in the sums of its family.
//!
//! There are as many series as there are methods and path templates, and never more than [`MOST`] for a family, whatever
//! somebody asks for: an endpoint is counted from its first answer on that is no 4xx.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use http::{Method, StatusCode};

use crate::forced::Side;

/// Endpoints of one family. Services have about forty.
const MOST: usize = 128;
/// Seconds kept of them.
pub(super) const KEPT: usize = 60;

/// Requests, errors and client errors.
pub(crate) type Counts = [u64; 3];

#[derive(Debug)]
struct Endpoint {
    name: String,
    sides: [[AtomicU64; 3]; 2],
}

impl Endpoint {
    fn count(&self, side: Side, status: StatusCode) {
        let counts = [true, status.is_server_error(), status.is_client_error()];
        for (counter, _) in self.sides[side as usize].iter().zip(counts).filter(|(_, counts)| *counts) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[derive(Debug, Default)]
struct Known {
    by_hash: HashMap<u64, Arc<Endpoint>>,
    in_order: Vec<Arc<Endpoint>>,
}

/// The endpoints of one family.
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    hasher: RandomState,
    known: RwLock<Known>,
}

impl Endpoints {
    pub(super) fn answered(&self, side: Side, method: &Method, path: &str, status: StatusCode) {
        let hash = self.hash(method, path);
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(endpoint) = known.by_hash.get(&hash) {
            return endpoint.count(side, status);
        }
        let is_full = known.in_order.len() >= MOST;
        drop(known);
        // Whoever guesses paths must not fill the table with them.
        if !is_full && !status.is_client_error() {
            self.add(hash, method, path).count(side, status);
        }
    }

    /// A hash of method and template, made without allocating.
    fn hash(&self, method: &Method, path: &str) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(method.as_str().as_bytes());
        for part in parts(path) {
            hasher.write_u8(b'/');
            part.bytes().for_each(|byte| hasher.write_u8(byte.to_ascii_lowercase()));
        }
        hasher.finish()
    }

    fn add(&self, hash: u64, method: &Method, path: &str) -> Arc<Endpoint> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let Known { by_hash, in_order } = &mut *known;
        let make = || {
            let name = format!("{method} {}", template(path));
            let endpoint = Arc::new(Endpoint { name, sides: Default::default() });
            in_order.push(Arc::clone(&endpoint));
            endpoint
        };
        Arc::clone(by_hash.entry(hash).or_insert_with(make))
    }

    /// Everything so far, in an order in which new ones come last.
    pub(super) fn read(&self) -> Vec<(String, [Counts; 2])> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let read = |endpoint: &Arc<Endpoint>| {
            let side = |side: &[AtomicU64; 3]| side.each_ref().map(|counter| counter.load(Ordering::Relaxed));
            (endpoint.name.clone(), endpoint.sides.each_ref().map(side))
        };
        known.in_order.iter().map(read).collect()
    }
}

/// The path with `{id}` in the place of ids, in lower case, as services ignore case.
pub fn template(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for part in parts(path) {
        out.push('/');
        out.push_str(&part.to_ascii_lowercase());
    }
    if out.is_empty() { "/".to_owned() } else { out }
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty()).map(|part| if is_id(part) { "{id}" } else { part })
}

/// Names of endpoints are words. What has a digit, an escape or an `@` in it is somebody's; `v1` and the like are not.
fn is_id(part: &str) -> bool {
    let is_version = part
        .strip_prefix(['v', 'V'])
        .is_some_and(|number| number.len() <= 2 && number.bytes().all(|b| b.is_ascii_digit()));
    !is_version && (part.len() > 32 || part.bytes().any(|byte| byte.is_ascii_digit() || matches!(byte, b'%' | b'@')))
}

/// One endpoint over some seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointWindow {
    /// Method and template.
    pub name: String,
    /// Requests, errors and client errors of the old side, then of the new one.
    pub sides: [Counts; 2],
    /// The same since the start.
    pub ever: [Counts; 2],
}

/// What the meter keeps of endpoints.
#[derive(Debug, Default)]
pub(super) struct EndpointSeries {
    last: Vec<(String, [Counts; 2])>,
    /// For each second, what changed: which endpoint, and how much on either side.
    seconds: VecDeque<Vec<(usize, [Counts; 2])>>,
}

impl EndpointSeries {
    pub(super) fn tick(&mut self, now: Vec<(String, [Counts; 2])>) {
        let mut changed = Vec::new();
        for (index, (_, now)) in now.iter().enumerate() {
            let before = self.last.get(index).map_or([[0; 3]; 2], |(_, counts)| *counts);
            let added = [0, 1].map(|side| [0, 1, 2].map(|n| now[side][n].saturating_sub(before[side][n])));
            if added != [[0; 3]; 2] {
                changed.push((index, added));
            }
        }
        self.last = now;
        self.seconds.push_back(changed);
        if self.seconds.len() > KEPT {
            self.seconds.pop_front();
        }
    }

    pub(super) fn window(&self, seconds: usize) -> Vec<EndpointWindow> {
        let mut sums = vec![[[0_u64; 3]; 2]; self.last.len()];
        for (index, added) in self.seconds.iter().rev().take(seconds).flatten() {
            let Some(sum) = sums.get_mut(*index) else { continue };
            sum.iter_mut().flatten().zip(added.iter().flatten()).for_each(|(sum, added)| *sum += added);
        }
        let window = |((name, ever), sides): (&(String, [Counts; 2]), [Counts; 2])| EndpointWindow {
            name: name.clone(),
            sides,
            ever: *ever,
        };
        self.last.iter().zip(sums).map(window).collect()
    }
}

#[cfg(test)]
mod tests {
    use http::{Method, StatusCode};

    use super::{EndpointSeries, Endpoints, MOST, template};
    use crate::forced::Side;

    #[test]
    fn ids_in_paths_are_one_endpoint() {
        for (path, named) in [
            ("/api/v1/users/0199-aa/roles", "/api/v1/users/{id}/roles"),
            ("/API/v1//Users/", "/api/v1/users"),
            ("/users/by-email/a%40b.c", "/users/by-email/{id}"),
            ("/users/ada@example.com", "/users/{id}"),
            ("/", "/"),
        ] {
            assert_eq!(template(path), named);
        }
    }

    #[test]
    fn there_are_never_more_than_the_table_holds_and_guessed_paths_are_none() {
        let endpoints = Endpoints::default();
        for n in 0..1000_u32 {
            let word: String = n.to_string().bytes().map(|digit| char::from(digit + 49)).collect();
            endpoints.answered(Side::Legacy, &Method::GET, &format!("/guessed/{word}"), StatusCode::NOT_FOUND);
        }
        assert_eq!(endpoints.read(), []);
        for n in 0..1000_u32 {
            let word: String = n.to_string().bytes().map(|digit| char::from(digit + 49)).collect();
            endpoints.answered(Side::Legacy, &Method::GET, &format!("/real/{word}"), StatusCode::OK);
        }
        assert_eq!(endpoints.read().len(), MOST);
    }

    #[test]
    fn windows_are_sums_of_the_last_seconds() {
        let (endpoints, mut series) = (Endpoints::default(), EndpointSeries::default());
        for second in 0..5 {
            for (id, status) in [(1, StatusCode::OK), (2, StatusCode::BAD_GATEWAY)] {
                endpoints.answered(Side::Platform, &Method::GET, &format!("/users/{id}{second}"), status);
            }
            series.tick(endpoints.read());
        }
        let window = series.window(2);
        assert_eq!(
            (&*window[0].name, window[0].sides[1], window[0].ever[1]),
            ("GET /users/{id}", [4, 2, 0], [10, 5, 0])
        );
    }
}
