//! The applications of a site, and the sessions that they hand to each other.

use std::collections::BTreeMap;

use super::load::SimulatedApplication;
use super::sessions::SimulatedSessions;
use crate::core::rollout::Rollout;
use crate::ports::{LoadTarget, Route};

/// Applications, by endpoint (`host:port`, as their host sees it), or by the host's name and the endpoint.
pub(in crate::sim) type Applications = BTreeMap<String, SimulatedApplication>;

impl SimulatedApplication {
    /// The original and the copy on staging, by the endpoints staging itself sees, and the original and the release on
    /// trial on every production target, by its host's name and the endpoint.
    pub(in crate::sim) fn pair_of(rollout: &Rollout) -> Applications {
        let at = |port: crate::core::rollout::Port| format!("127.0.0.1:{port}");
        let copy = Self { sessions: SimulatedSessions::of_copy(rollout), ..Self::default() };
        let mut all =
            BTreeMap::from([(at(rollout.application.port), Self::default()), (at(rollout.staging.copy.port), copy)]);
        for target in &rollout.production.targets {
            let live = format!("{} {}", target.host, at(rollout.application.port));
            let mut tried = Self::default();
            tried.sessions.go_to_release(rollout.name.as_str());
            tried.sessions.on_trial_beside = Some(live.clone());
            all.insert(live, Self::default());
            all.insert(format!("{} {}", target.host, at(rollout.staging.copy.port)), tried);
        }
        all
    }
}

/// Hands the sessions of one application to another: both read the same files.
pub(super) fn hand_sessions(applications: &mut Applications, from: &str, to: &str) {
    let Some(giver) = applications.get_mut(from) else { return };
    let (opened, served) = (std::mem::take(&mut giver.sessions.opened), giver.sessions.served);
    let Some(taker) = applications.get_mut(to) else { return };
    (taker.sessions.opened, taker.sessions.served) = (opened, served);
}

/// The key of the application at a target: its host's name and the endpoint that the host sees, when this host has one of
/// its own there.
pub(in crate::sim) fn application_at(applications: &Applications, target: &LoadTarget) -> String {
    let endpoint = target.endpoint.to_string();
    match &target.route {
        Route::Through(host) => {
            let own = format!("{host} {endpoint}");
            if applications.contains_key(&own) { own } else { endpoint }
        }
        Route::Direct => endpoint,
    }
}

/// The application of a host does with sessions what the tree does that its service runs in: a release of this rollout, or
/// the original.
pub(in crate::sim) fn serve_from_its_tree(applications: &mut Applications, host: &str, release_of: Option<&str>) {
    let own = |place: &str| place.split_once(' ').is_some_and(|(name, _)| name == host);
    let here = applications.iter_mut().filter(|(place, _)| own(place));
    for sessions in here.map(|(_, application)| &mut application.sessions).filter(|it| it.on_trial_beside.is_none()) {
        match release_of {
            Some(rollout) => sessions.go_to_release(rollout),
            None => sessions.go_to_original(),
        }
    }
}
