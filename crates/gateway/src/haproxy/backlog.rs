//! How many requests wait at HAProxy, and since when. It tells of a request once there is an answer, so those that wait are
//! the ones it has begun and not told of.

use std::collections::VecDeque;

use crate::counters::AGES;

/// Seconds over which the least difference is taken for none: lines that were lost on their way are no requests that wait.
const KEPT: usize = 60;

/// What HAProxy says of a backend now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sessions {
    /// Those that it has, answered or not.
    pub(super) now: u64,
    /// Those that it ever had.
    pub(super) ever: u64,
    /// Requests that it has answered.
    pub(super) answered: u64,
}

/// The last minute of one side of a family.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// Requests ever begun, and how many more these are than those told of; the newest last.
    seconds: VecDeque<(u64, i64)>,
}

impl Backlog {
    /// Whoever did not look for a while, or looks at another process, begins anew.
    pub(super) fn clear(&mut self) {
        self.seconds.clear();
    }

    /// A second is over: how many wait, by the seconds since they came. If answers overtake each other, those that wait
    /// seem younger than they are, never older.
    pub(super) fn look(&mut self, sessions: Sessions, told: u64) -> [u64; AGES] {
        if self.seconds.back().is_some_and(|(ever, _)| sessions.ever < *ever) {
            self.clear();
        }
        let untold = i64::try_from(i128::from(sessions.ever) - i128::from(told)).unwrap_or(0);
        self.seconds.push_back((sessions.ever, untold));
        if self.seconds.len() > KEPT {
            self.seconds.pop_front();
        }
        let least = self.seconds.iter().map(|(_, untold)| *untold).min().unwrap_or(untold);
        let mut left = u64::try_from(untold - least).unwrap_or(0).min(sessions.now);
        let mut by_age = [0; AGES];
        let newest_first = self.seconds.iter().rev().map(|(ever, _)| *ever);
        let begun = newest_first.clone().zip(newest_first.skip(1)).map(|(ever, before)| ever - before);
        for (waiting, begun) in by_age.iter_mut().zip(begun) {
            *waiting = left.min(begun);
            left -= *waiting;
        }
        // They came before anybody looked.
        by_age[AGES - 1] += left;
        by_age
    }
}

#[cfg(test)]
mod tests {
    use super::{AGES, Backlog, Sessions};

    struct World {
        backlog: Backlog,
        begun: u64,
        told: u64,
    }

    impl World {
        fn second(&mut self, begun: u64, told: u64) -> [u64; AGES] {
            self.begun += begun;
            self.told += told;
            let now = self.begun.saturating_sub(self.told);
            self.backlog.look(Sessions { now, ever: self.begun, answered: 0 }, self.told)
        }
    }

    fn world() -> World {
        let mut world = World { backlog: Backlog::default(), begun: 1000, told: 1000 };
        for _ in 0..10 {
            assert_eq!(world.second(100, 100)[..3], [0, 0, 0]);
        }
        world
    }

    #[test]
    fn requests_without_an_answer_grow_old() {
        let mut world = world();
        assert_eq!(world.second(100, 95)[..3], [5, 0, 0]);
        assert_eq!(world.second(100, 100)[..3], [5, 0, 0], "who waits may have been overtaken or not");
        let hang: Vec<_> = (0..4).map(|_| world.second(100, 0)).collect();
        assert_eq!(hang[3][..5], [100, 100, 100, 100, 5]);
        assert_eq!(world.second(0, 405)[..5], [0; 5]);
    }

    #[test]
    fn lines_that_were_lost_are_nobody_who_waits() {
        let mut world = world();
        world.told -= 1000;
        let lost = world.backlog.look(Sessions { now: 3, ever: world.begun, answered: 0 }, world.told);
        assert_eq!(lost.iter().sum::<u64>(), 3, "no more than HAProxy has");
        for _ in 0..60 {
            world.begun += 100;
            world.told += 100;
            world.backlog.look(Sessions { now: 3, ever: world.begun, answered: 0 }, world.told);
        }
        let after = world.backlog.look(Sessions { now: 3, ever: world.begun, answered: 0 }, world.told);
        assert_eq!(after.iter().sum::<u64>(), 0);
    }

    #[test]
    fn process_that_counts_from_nothing_is_a_new_one() {
        let mut world = world();
        world.begun = 7;
        assert_eq!(world.second(0, 5).iter().sum::<u64>(), 0);
        assert_eq!(world.second(50, 50).iter().sum::<u64>(), 0);
        assert_eq!(world.backlog.look(Sessions { now: 9, ever: world.begun + 9, answered: 0 }, world.told)[0], 9);
    }
}
