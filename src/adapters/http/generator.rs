//! The load generator.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::recorder::{Recorder, result, snapshot};
use super::script::compile;
use super::user::{Run, User};
use super::way::Way;
use crate::adapters::ssh::Hosts;
use crate::core::{Failure, rollout::Journey};
use crate::ports::{LoadGenerator, LoadObserver, LoadPlan, LoadResult, LoadTarget};

/// How often the observer hears something.
const NEWS: Duration = Duration::from_secs(1);

/// Users as tasks, each with a connection of its own, over plain HTTP/1.1 (`docs/adr/0008-own-http-client-for-load.md`).
pub struct HttpLoad {
    hosts: Option<Arc<Hosts>>,
}

impl HttpLoad {
    /// Goes through the connections of these hosts where a target's route says so.
    pub fn new(hosts: Arc<Hosts>) -> Self {
        Self { hosts: Some(hosts) }
    }

    /// Only from this machine.
    pub fn direct() -> Self {
        Self { hosts: None }
    }
}

#[async_trait]
impl LoadGenerator for HttpLoad {
    async fn run(
        &self,
        target: &LoadTarget,
        journeys: &[Journey],
        plan: &LoadPlan,
        observer: &dyn LoadObserver,
    ) -> Result<LoadResult, Failure> {
        let script = compile(journeys, target)?;
        let way = Way::to(target, self.hosts.as_deref()).await?;
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let recorders = (0..processors).map(|_| Recorder::new(script.titles.len())).collect();
        let turns = plan.requests_at_once.map(|most| Semaphore::new(most.max(1) as usize));
        let run = Arc::new(Run { script, way, plan: plan.clone(), recorders, began: Instant::now(), turns });
        // Dropping the set ends every user.
        let mut users = JoinSet::new();
        for position in 0..plan.users {
            users.spawn(User::new(run.clone(), position).live());
        }
        let outcome = attend(&mut users, &run, observer).await;
        run.way.close().await;
        outcome?;
        Ok(result(&run.recorders, &run.script.titles, run.began.elapsed()))
    }
}

/// Waits for all users, with news once a second.
async fn attend(users: &mut JoinSet<()>, run: &Run, observer: &dyn LoadObserver) -> Result<(), Failure> {
    let mut ticks = interval(NEWS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        tokio::select! {
            gone = users.join_next() => match gone {
                None => return Ok(()),
                Some(Ok(())) => {}
                Some(Err(error)) => return Err(Failure::permanent(format!("a simulated user broke down: {error}"))),
            },
            _ = ticks.tick() => observer.snapshot(snapshot(&run.recorders, run.began.elapsed())),
        }
    }
}
