//! Writing in one worker and reading in another, until every ordered pair of workers has been seen often enough.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use serde_json::{Value, json};

use crate::core::Failure;
use crate::core::rollout::{JourneyRequest, SharedState};
use crate::ports::{Answer, AnsweredBy, Browser};
use crate::steps::ReadContext;
use crate::steps::site::copy_access;

/// The maximum number of users: more find nothing more.
const MAX_USERS: usize = 65;
/// Reads after each write: as many as there are workers, within these bounds.
const READS: (usize, usize) = (3, 16);
/// All users ask at the same moments, so far apart: a worker that is busy leaves the next request to another one, where
/// one request after the other may all go to the same.
const READ_INTERVAL: Duration = Duration::from_millis(250);
/// The number of requests without an answer at which the check ends.
const MAX_UNANSWERED: u64 = 8;
/// The maximum number of examples that are kept.
const MAX_EXAMPLES: usize = 3;

/// Right and wrong answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Split {
    /// As they should be.
    pub right: u64,
    /// Not so.
    pub wrong: u64,
}

impl Split {
    /// All of them.
    pub fn all(self) -> u64 {
        self.right + self.wrong
    }

    fn add(&mut self, other: Self) {
        self.right += other.right;
        self.wrong += other.wrong;
    }
}

/// What was found out about one pair of requests.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// By the worker that wrote, and the one that read.
    pub by_workers: BTreeMap<(u32, u32), Split>,
    /// Requests without an answer.
    pub unanswered: u64,
    /// Answers that do not name their worker.
    pub unnamed: u64,
    /// Writes, or requests before them, that went wrong.
    pub refused: u64,
    /// What was said the first few times.
    pub examples: Vec<String>,
    reads: u64,
}

impl Tally {
    /// Workers that answered.
    pub fn workers(&self) -> BTreeSet<u32> {
        self.by_workers.keys().flat_map(|(writer, reader)| [*writer, *reader]).collect()
    }

    /// What was read in another worker than the one that wrote, or in the same one.
    pub fn split(&self, in_another: bool) -> Split {
        let mut split = Split::default();
        let those = self.by_workers.iter().filter(|((writer, reader), _)| (writer != reader) == in_another);
        those.for_each(|(_, one)| split.add(*one));
        split
    }

    /// Ordered pairs of so many workers that were seen too seldom: how many of how many.
    pub fn missing(&self, workers: usize, each: u64) -> (usize, usize) {
        let wanted = workers * workers.saturating_sub(1);
        let enough = self.by_workers.iter().filter(|((writer, reader), split)| writer != reader && split.all() >= each);
        (wanted.saturating_sub(enough.count()), wanted)
    }

    fn example(&mut self, words: String) {
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push(words);
        }
    }

    /// As evidence.
    pub fn data(&self) -> Value {
        let pairs = self.by_workers.iter().map(|((writer, reader), split)| {
            json!({ "wrote": writer, "read": reader, "right": split.right, "wrong": split.wrong })
        });
        json!({
            "pairs": pairs.collect::<Vec<_>>(),
            "unanswered": self.unanswered,
            "unnamed": self.unnamed,
            "refused": self.refused,
            "examples": self.examples,
        })
    }
}

/// When there is enough.
#[derive(Debug, Clone, Copy)]
pub struct Enough {
    /// How many workers there are.
    pub workers: usize,
    /// How often each ordered pair of them has to be seen.
    pub each: u64,
    /// No more reads than this.
    pub at_most: u64,
}

/// Users who write and read.
pub struct Trying<'a> {
    /// The site.
    pub context: &'a ReadContext<'a>,
    /// How users sign in.
    pub signing_in: &'a [JourneyRequest],
    /// What is written and read.
    pub pair: &'a SharedState,
    /// When there is enough.
    pub enough: Enough,
}

impl Trying<'_> {
    /// Tries until there is enough.
    ///
    /// # Errors
    /// When there is no way to the copy at all.
    pub async fn all(&self) -> Result<Tally, Failure> {
        let tally = Mutex::new(Tally::default());
        // Two for each worker and one more, so that whose turn it is moves on even where workers take turns.
        let users = u32::try_from((2 * self.enough.workers + 1).min(MAX_USERS)).unwrap_or(1);
        let users = (1..=users).map(|number| Box::pin(self.user(number, &tally)) as User<'_>);
        all_of(users.collect()).await?;
        Ok(tally.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    async fn user(&self, number: u32, tally: &Mutex<Tally>) -> Result<(), Failure> {
        let target = copy_access::copy(self.context.rollout());
        let mut browser = self.context.ports.browsers.open(&target, number, Vec::new()).await?;
        for request in self.signing_in {
            if self.ask(&mut *browser, request, tally, true).await.is_none() {
                return Ok(());
            }
        }
        while !self.is_enough(&open(tally)) {
            self.wait().await;
            let Some(writer) = self.ask(&mut *browser, &self.pair.write, tally, true).await else { continue };
            let Some(writer) = worker(&writer, tally) else { continue };
            for _ in 0..self.enough.workers.clamp(READS.0, READS.1) {
                self.wait().await;
                let Some(answer) = self.ask(&mut *browser, &self.pair.read, tally, false).await else { continue };
                let Some(reader) = worker(&answer, tally) else { continue };
                let mut tally = open(tally);
                tally.reads += 1;
                let split = tally.by_workers.entry((writer, reader)).or_default();
                match answer.problem {
                    None => split.right += 1,
                    Some(problem) => {
                        split.wrong += 1;
                        let words = format!("worker {writer} wrote, worker {reader} read: {problem}");
                        tally.example(words);
                    }
                }
            }
        }
        Ok(())
    }

    fn is_enough(&self, tally: &Tally) -> bool {
        let bad = tally.unanswered + tally.refused + tally.unnamed;
        bad >= MAX_UNANSWERED
            || tally.reads >= self.enough.at_most
            || tally.missing(self.enough.workers, self.enough.each).0 == 0 && tally.split(false).all() > 0
    }

    /// Waits for the next moment.
    async fn wait(&self) {
        let clock = &self.context.ports.clock;
        let beat = READ_INTERVAL.as_millis();
        let past = clock.elapsed().as_millis() % beat;
        clock.sleep(Duration::from_millis(u64::try_from(beat - past).unwrap_or(1))).await;
    }

    /// One request; `None` when there is no answer, or not the one it has to be where it has to be one.
    async fn ask(
        &self,
        browser: &mut dyn Browser,
        request: &JourneyRequest,
        tally: &Mutex<Tally>,
        has_to_be_right: bool,
    ) -> Option<Answer> {
        match browser.request(request).await {
            Err(failure) => {
                let mut tally = open(tally);
                tally.unanswered += 1;
                tally.example(format!("{}: {}", request.title(), failure.message));
                None
            }
            Ok(answer) => match &answer.problem {
                Some(problem) if has_to_be_right => {
                    let mut tally = open(tally);
                    tally.refused += 1;
                    tally.example(format!("{}: {problem}", request.title()));
                    None
                }
                _ => Some(answer),
            },
        }
    }
}

/// One user's doings.
type User<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

/// Waits for all of them, or for the first that fails.
async fn all_of(mut users: Vec<User<'_>>) -> Result<(), Failure> {
    std::future::poll_fn(|context| {
        let mut failed = None;
        users.retain_mut(|user| match user.as_mut().poll(context) {
            Poll::Pending => true,
            Poll::Ready(done) => {
                failed = failed.take().or(done.err());
                false
            }
        });
        match failed {
            Some(failure) => Poll::Ready(Err(failure)),
            None if users.is_empty() => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    })
    .await
}

/// Held for a few instructions, never across a wait.
fn open(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

fn worker(answer: &Answer, tally: &Mutex<Tally>) -> Option<u32> {
    let named = answer.headers.iter().filter(|(name, _)| name == AnsweredBy::BRIDGE.header);
    let worker = named.into_iter().find_map(|(_, value)| AnsweredBy::BRIDGE.worker(value));
    if worker.is_none() {
        open(tally).unnamed += 1;
    }
    worker
}
