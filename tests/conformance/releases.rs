//! The first production target before and after a switch.

use migrate::sim::{SimulatedSessions, World};

use super::stage::Stage;

/// The host of the first production target.
pub const HOST: &str = "chatmrpt-production-1";
/// Where its application lives.
pub const LIVE: &str = "/home/ec2-user/ChatMRPT";

/// Changes what the application of the first production target does with sessions.
pub fn application(world: &World, change: impl FnOnce(&mut SimulatedSessions)) {
    let place = format!("{HOST} 127.0.0.1:8080");
    world.edit(|state| change(&mut state.applications.get_mut(&place).unwrap().sessions));
}

/// Changes what a release does with sessions that is tried beside it.
pub fn tried(world: &World, change: impl FnOnce(&mut SimulatedSessions)) {
    let place = format!("{HOST} 127.0.0.1:8081");
    world.edit(|state| change(&mut state.applications.get_mut(&place).unwrap().sessions));
}

/// The release goes live and serves.
pub async fn switch(stage: &mut Stage) {
    let (id, step) = (stage.id("in_place_switch"), stage.change("in_place_switch"));
    stage.bring_up(&id, &*step).await;
}

/// The original is live and serves again.
pub async fn switch_back(stage: &mut Stage) {
    let (id, step) = (stage.id("in_place_switch"), stage.change("in_place_switch"));
    stage.take_down(&id, &*step).await;
}
