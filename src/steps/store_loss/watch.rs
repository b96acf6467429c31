//! Watching the copy from before the cut until it reads from the store again.

use std::time::Duration;

use serde::Serialize;

use super::drill::Settings;
use crate::core::Failure;
use crate::ports::{
    CutState, Endpoint, LoadPlan, LoadResult, LoadTarget, Reachability, Route, Silent, TransportSecurity,
};
use crate::steps::ReadContext;
use crate::steps::site::staying_users::{SignInScript, StayingUser, UserObservations, milliseconds};
use crate::steps::waiting::is_passing;

/// How long to wait between two reads, and between two requests of a user.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// How long one connection attempt to the store waits.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How much later than announced the host may cut and restore the path.
const MAX_DELAY: Duration = Duration::from_secs(30);
/// The maximum number of consecutive failed reads of the host.
const MAX_FAILED_READS: u32 = 5;

/// Everything that was observed during a drill.
#[derive(Debug, Default, Serialize)]
pub struct DrillObservations {
    /// Why nothing can be concluded.
    pub flaw: Option<String>,
    /// Before the cut.
    pub before: UserObservations,
    /// During it, users who were there before.
    pub during: UserObservations,
    /// Users who signed in during it, until it ended.
    pub newcomers: UserObservations,
    /// Afterwards, everybody, until the copy read from the store again.
    pub meanwhile: UserObservations,
    /// At last, everybody once more.
    pub at_last: UserObservations,
    /// How many users signed in before the cut.
    pub from_before: usize,
    /// How many signed in during it.
    pub from_during: usize,
    /// How long the cut was watched.
    pub cut_ms: u64,
    /// How long after it the copy read from the store again.
    pub recovered_ms: Option<u64>,
    /// What a connection attempt to the store met afterwards.
    pub reach_afterwards: Option<Reachability>,
    /// The others' load during the cut.
    pub load: Option<LoadResult>,
}

/// The watch over one drill.
pub struct DrillWatch<'a> {
    context: &'a ReadContext<'a>,
    settings: &'a Settings,
    endpoint: Endpoint,
    copy: LoadTarget,
    script: SignInScript<'a>,
}

impl<'a> DrillWatch<'a> {
    /// # Errors
    /// When the endpoint is not known, or no journey says who its user is.
    pub fn new(context: &'a ReadContext<'a>, settings: &'a Settings) -> Result<Self, Failure> {
        let rollout = context.rollout();
        let copy = LoadTarget {
            name: "copy".to_owned(),
            endpoint: Endpoint { host: "127.0.0.1".to_owned(), port: rollout.staging.copy.port.number() },
            route: Route::Through(rollout.staging.host.clone()),
            security: TransportSecurity::Plain,
            host_header: None,
        };
        let script = SignInScript::of(&rollout.journeys)?;
        Ok(Self { context, settings, endpoint: settings.endpoint.text(context.facts)?.parse()?, copy, script })
    }

    /// What it is measured on.
    pub fn resource(&self) -> String {
        format!("{} without {}", self.copy.endpoint, self.endpoint)
    }

    /// Watches the whole drill.
    ///
    /// # Errors
    /// When staging or the copy cannot be asked at all.
    pub async fn whole_drill(&self) -> Result<DrillObservations, Failure> {
        let mut found = DrillObservations::default();
        found.flaw = self.drill(&mut found).await?.err();
        Ok(found)
    }

    /// `Err` inside is why nothing can be concluded.
    async fn drill(&self, found: &mut DrillObservations) -> Result<Result<(), String>, Failure> {
        let mut users = match self.before(found).await? {
            Ok(users) => users,
            Err(flaw) => return Ok(Err(flaw)),
        };
        let remaining = match self.beginning().await? {
            Ok(remaining) => remaining,
            Err(flaw) => return Ok(Err(flaw)),
        };
        self.context.say(format!("the path to the store is cut for {} s", remaining.as_secs()));
        let load = self.load(remaining);
        let staying = self.during_and_after(found, &mut users, remaining);
        let (load, staying) = tokio::join!(load, staying);
        found.load = Some(load?);
        staying
    }

    /// Users sign in, and are known to the store.
    async fn before(&self, found: &mut DrillObservations) -> Result<Result<Vec<StayingUser>, String>, Failure> {
        if !matches!(self.state().await?, CutState::Armed { .. }) {
            return Ok(Err("the cut is no longer ahead: run the phase again, and it is made again".to_owned()));
        }
        self.context.say("users sign in before the path to the store is cut");
        let clock = self.context.ports.clock.as_ref();
        let mut users = self.newcomers(0, &mut found.before).await?;
        let mut read = Vec::new();
        for user in &mut users {
            read.push(user.ask(clock, &self.script, &mut found.before).await);
        }
        found.from_before = users.len();
        if found.before.bad() > 0 {
            return Ok(Err(format!(
                "users could not use the copy before the cut: {}",
                found.before.examples.join("; ")
            )));
        }
        if let Some(other) = read.iter().flatten().find(|read| *read != "redis") {
            return Ok(Err(format!("before the cut the copy read sessions from `{other}`, not from `redis`")));
        }
        Ok(match self.state().await? {
            CutState::Armed { .. } => Ok(users),
            _ => {
                Err("the cut began before the users had signed in: set `begins_after:` of this step higher".to_owned())
            }
        })
    }

    /// Waits until the path is cut; for how long it stays so.
    async fn beginning(&self) -> Result<Result<Duration, String>, Failure> {
        let clock = &self.context.ports.clock;
        let start = clock.elapsed();
        while clock.elapsed().saturating_sub(start) < self.settings.begins_after.get() + MAX_DELAY {
            match self.state().await? {
                CutState::Armed { .. } => clock.sleep(POLL_INTERVAL).await,
                CutState::Cut { remaining_ms } => {
                    let met = self.reach().await?;
                    return Ok(match met {
                        Reachability::TimedOut => Ok(Duration::from_millis(remaining_ms)),
                        other => Err(format!(
                            "the path was not cut: a connection attempt from staging to {} met `{other:?}`, not silence",
                            self.endpoint
                        )),
                    });
                }
                CutState::Failed { why } => return Ok(Err(format!("the path was not cut: {why}"))),
                CutState::Healed | CutState::Whole => {
                    return Ok(Err("the path was not cut: another process has restored it".to_owned()));
                }
            }
        }
        Ok(Err("the path was not cut: its time came and nothing happened".to_owned()))
    }

    async fn load(&self, remaining: Duration) -> Result<LoadResult, Failure> {
        let ports = self.context.ports;
        let plan = LoadPlan {
            first_user: 1 + 2 * self.settings.watched_users,
            ..LoadPlan::closed(self.settings.load_users, remaining)
        };
        ports.load.run(&self.copy, &self.context.rollout().journeys, &plan, &Silent).await
    }

    async fn during_and_after(
        &self,
        found: &mut DrillObservations,
        users: &mut [StayingUser],
        remaining: Duration,
    ) -> Result<Result<(), String>, Failure> {
        let clock = self.context.ports.clock.as_ref();
        let start = clock.elapsed();
        let mut newcomers = Vec::new();
        for user in users.iter_mut() {
            user.ask(clock, &self.script, &mut found.during).await;
        }
        newcomers.extend(self.newcomers(self.settings.watched_users, &mut found.newcomers).await?);
        while matches!(self.state().await?, CutState::Cut { .. }) {
            if clock.elapsed().saturating_sub(start) > remaining + MAX_DELAY {
                return Ok(Err("the host did not restore the path in time: `migrate rollback` does".to_owned()));
            }
            for user in users.iter_mut() {
                user.ask(clock, &self.script, &mut found.during).await;
            }
            for user in &mut newcomers {
                user.ask(clock, &self.script, &mut found.newcomers).await;
            }
            // Whoever signed in only when the path was whole again was not there during the cut.
            found.from_during = newcomers.len();
            clock.sleep(POLL_INTERVAL).await;
        }
        found.cut_ms = milliseconds(clock.elapsed().saturating_sub(start));
        self.context.say("the path to the store is whole again");
        self.recovery(found, users, &mut newcomers).await?;
        for user in users.iter_mut().chain(&mut newcomers) {
            user.ask(clock, &self.script, &mut found.at_last).await;
        }
        Ok(Ok(()))
    }

    /// Asks everybody until all who were there before the cut are read from the store again, or the time is up.
    async fn recovery(
        &self,
        found: &mut DrillObservations,
        users: &mut [StayingUser],
        newcomers: &mut [StayingUser],
    ) -> Result<(), Failure> {
        let clock = self.context.ports.clock.as_ref();
        let healed = clock.elapsed();
        loop {
            let mut is_back = true;
            for user in users.iter_mut() {
                let read = user.ask(clock, &self.script, &mut found.meanwhile).await;
                is_back &= read.as_deref() == Some("redis");
            }
            for user in newcomers.iter_mut() {
                user.ask(clock, &self.script, &mut found.meanwhile).await;
            }
            let since = clock.elapsed().saturating_sub(healed);
            if is_back {
                found.recovered_ms = Some(milliseconds(since));
                break;
            }
            if since >= self.settings.recovery.get() {
                break;
            }
            clock.sleep(POLL_INTERVAL).await;
        }
        found.reach_afterwards = Some(self.reach().await?);
        Ok(())
    }

    /// Users who sign in now, numbered on from `first`.
    async fn newcomers(&self, first: u32, seen: &mut UserObservations) -> Result<Vec<StayingUser>, Failure> {
        let ports = self.context.ports;
        let mut users = Vec::new();
        for number in first + 1..=first + self.settings.watched_users {
            let (browsers, clock) = (ports.browsers.as_ref(), ports.clock.as_ref());
            users.extend(StayingUser::sign_in(browsers, clock, &self.copy, number, &self.script, seen).await?);
        }
        Ok(users)
    }

    async fn reach(&self) -> Result<Reachability, Failure> {
        let staging = self.context.ports.targets.reader(&self.context.rollout().staging.host);
        let mut failed = 0;
        loop {
            match staging.reach(&self.endpoint, CONNECT_TIMEOUT).await {
                Err(failure) if is_passing(&failure) && failed < MAX_FAILED_READS => failed += 1,
                met => return met,
            }
            self.context.ports.clock.sleep(POLL_INTERVAL).await;
        }
    }

    /// A look that fails now and then must not end a drill that cannot be repeated at once.
    async fn state(&self) -> Result<CutState, Failure> {
        let rollout = self.context.rollout();
        let staging = self.context.ports.targets.reader(&rollout.staging.host);
        let mut failed = 0;
        loop {
            match staging.path_cut(&rollout.name).await {
                Err(failure) if is_passing(&failure) && failed < MAX_FAILED_READS => failed += 1,
                seen => return seen,
            }
            self.context.ports.clock.sleep(POLL_INTERVAL).await;
        }
    }
}
