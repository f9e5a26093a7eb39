//! What is done with one read: it is asked again, of the same side or of the other, and what comes back is judged.

use std::sync::Arc;
use std::time::Instant;

use super::Shadow;
use super::ask::Unanswered;
use super::capture::Captured;
use super::compare::{Answer, Difference, compare};
use super::question::Question;
use super::tally::Tallies;
use crate::forced::Side;

/// Smaller bodies are compared where the answer was read; the others would keep a core from everybody else.
const SMALL: usize = 16 * 1024;

impl Shadow {
    pub(super) async fn learn(&self, one: &Captured, tallies: &Tallies) -> Result<(), Unanswered> {
        let again = self.asker.ask(&one.question, one.question.primary).await?;
        let differences = differences(&one.answer(), &again).await;
        self.state().noise.learn(&one.question.endpoint, &differences);
        tallies.learned.add();
        Ok(())
    }

    pub(super) async fn compare(&self, one: &Captured, tallies: &Tallies) -> Result<(), Unanswered> {
        let question = &one.question;
        let (primary, other) = match question.primary {
            Side::Legacy => (Side::Legacy, Side::Platform),
            Side::Platform => (Side::Platform, Side::Legacy),
        };
        // It may have waited here while people moved.
        if !question.may_ask_other() {
            return Ok(());
        }
        let theirs = self.asker.ask(question, other).await;
        let ours = one.answer();
        let mut ours_again = None;
        if other == Side::Platform
            && let Some(has_failed) = self.has_failed(question, &ours, &theirs)
        {
            // Once in a hundred times is seldom twice in a row, so the new side is not asked again. But what happens to
            // both in this moment is no fault of one.
            if has_failed {
                ours_again = self.asker.ask(question, primary).await.ok();
            }
            if !has_failed || ours_again.as_ref().is_some_and(|answer| !is_error(answer)) {
                question.counters.mirrored(has_failed);
            }
            if has_failed {
                tallies.failed.add();
            }
        }
        let theirs = theirs?;
        let found = ordered(primary, &ours, &theirs).await;
        if found.is_empty() {
            let mut state = self.state();
            state.noise.compared(&question.endpoint, &[]);
            state.ledger.compared(&question.family, &question.endpoint, None, Instant::now());
            tallies.equal.add();
            tallies.compared.add();
            return Ok(());
        }
        let register = Arc::clone(&self.state().register);
        let now = self.clock.now();
        let (intended, open): (Vec<_>, Vec<_>) = found
            .into_iter()
            .map(|difference| (register.reason(&question.endpoint, &difference, now).map(str::to_owned), difference))
            .partition(|(reason, _)| reason.is_some());
        let open: Vec<Difference> = open.into_iter().map(|(_, difference)| difference).collect();
        // Somebody may have changed it between the two reads, and some fields are never twice the same. Whoever is asked
        // again and still differs, but not from itself, differs.
        let again = if open.is_empty() {
            (Vec::new(), Vec::new())
        } else {
            self.again(&one.question, &ours, ours_again, primary, other).await?
        };
        let mut state = self.state();
        intended.iter().filter_map(|(reason, _)| reason.as_deref()).for_each(|reason| state.ledger.excuse(reason));
        let real = state.noise.real(&question.endpoint, &open, &again.0, &again.1);
        let field = real.first().map(|difference| difference.field.clone());
        let request_id = question.request_id.to_str().unwrap_or_default();
        for difference in &real {
            state.ledger.add(&question.endpoint, request_id, difference, now);
        }
        let outcome = match (real.is_empty(), open.is_empty()) {
            (false, _) => &tallies.different,
            (true, true) => &tallies.intended,
            (true, false) => &tallies.noise,
        };
        outcome.add();
        tallies.compared.add();
        state.ledger.compared(&question.family, &question.endpoint, field, Instant::now());
        Ok(())
    }

    /// Whether the new side failed where the old one did not; nothing if that cannot be said, or is intended.
    fn has_failed(&self, question: &Question, ours: &Answer, theirs: &Result<Answer, Unanswered>) -> Option<bool> {
        if is_error(ours) {
            return None;
        }
        match theirs {
            Ok(answer) if !is_error(answer) => Some(false),
            Ok(answer) => {
                let register = Arc::clone(&self.state().register);
                let found = compare(ours, answer);
                let now = self.clock.now();
                let is_intended = found.iter().all(|one| register.reason(&question.endpoint, one, now).is_some());
                (!is_intended).then_some(true)
            }
            Err(Unanswered::Broken) => Some(true),
            // The shadow's own limits are no fault of anybody.
            Err(_) => None,
        }
    }

    /// Differences of the primary side from itself, and of both sides, when asked once more.
    async fn again(
        &self,
        question: &Question,
        before: &Answer,
        after: Option<Answer>,
        primary: Side,
        other: Side,
    ) -> Result<(Vec<Difference>, Vec<Difference>), Unanswered> {
        let ours = async {
            match after {
                Some(answer) => Ok(answer),
                None => self.asker.ask(question, primary).await,
            }
        };
        let (ours, theirs) = tokio::join!(ours, self.asker.ask(question, other));
        let (ours, theirs) = (ours?, theirs?);
        Ok((differences(before, &ours).await, ordered(primary, &ours, &theirs).await))
    }
}

fn is_error(answer: &Answer) -> bool {
    answer.status >= 500
}

/// Differences with the old side first, whoever answered the client.
async fn ordered(primary: Side, ours: &Answer, theirs: &Answer) -> Vec<Difference> {
    match primary {
        Side::Legacy => differences(ours, theirs).await,
        Side::Platform => differences(theirs, ours).await,
    }
}

async fn differences(one: &Answer, other: &Answer) -> Vec<Difference> {
    if one == other {
        return Vec::new();
    }
    if one.body.len() + other.body.len() <= SMALL {
        return compare(one, other);
    }
    let (one, other) = (one.clone(), other.clone());
    tokio::task::spawn_blocking(move || compare(&one, &other)).await.unwrap_or_default()
}
