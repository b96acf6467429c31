//! Releases on a simulated host, and the switch of its service from one tree to another.

use std::time::Duration;

use async_trait::async_trait;

use super::hosts::Handle;
use crate::core::{ApplyPermit, Failure, StepId, UndoPermit};
use crate::ports::{
    Clock, LiveTree, ReleaseBuild, ReleaseFacts, ReleaseName, ReleaseRead, ReleaseSite, ReleaseWrite, WriteFailure,
};
use crate::sim::host::Host;

impl Handle {
    async fn change_release<T: Send>(
        &self,
        call: &str,
        step: &StepId,
        change: impl FnOnce(&mut Host, Duration) -> Result<T, Failure> + Send,
    ) -> Result<T, WriteFailure> {
        let clock = self.world.clone();
        self.change_host(call, step, |host| change(host, clock.elapsed())).await
    }

    /// A switch, after the time it takes. A host that cannot be reached says so at once.
    async fn switch(
        &self,
        call: &str,
        step: &StepId,
        takes: impl FnOnce(&Host) -> Duration + Send,
        change: impl FnOnce(&mut Host, Duration) -> Result<(), Failure> + Send,
    ) -> Result<(), WriteFailure> {
        let takes = self.world.edit(|state| state.hosts.get(self.host.as_str()).map_or(Duration::ZERO, takes));
        self.world.sleep(takes).await;
        let (host, clock) = (self.host.as_str(), self.world.clone());
        self.world
            .write(call, host, step, |state, _| {
                let found = Host::reached_mut(&mut state.hosts, &self.host)?;
                let before = found.releases.runs.clone();
                change(found, clock.elapsed())?;
                if found.releases.runs != before {
                    state.serve_from_its_tree(host);
                }
                Ok(())
            })
            .await
    }
}

#[async_trait]
impl ReleaseRead for Handle {
    async fn releases(&self, site: &ReleaseSite) -> Result<ReleaseFacts, Failure> {
        self.on_host("target.releases", |host| {
            Ok(host.releases.told.clone().unwrap_or_else(|| host.release_facts(site)))
        })
        .await
    }
}

#[async_trait]
impl ReleaseWrite for Handle {
    async fn make_room(&self, permit: &ApplyPermit, site: &ReleaseSite) -> Result<(), WriteFailure> {
        self.change_release("target.make_room", permit.step(), |host, _| host.make_room(site)).await
    }

    async fn clear_room(&self, permit: &UndoPermit, site: &ReleaseSite) -> Result<(), WriteFailure> {
        self.change_release("target.clear_room", permit.step(), |host, _| host.clear_room(site)).await
    }

    async fn build_release(
        &self,
        permit: &ApplyPermit,
        site: &ReleaseSite,
        build: &ReleaseBuild,
    ) -> Result<(), WriteFailure> {
        self.change_release("target.build_release", permit.step(), |host, _| host.build(site, build)).await
    }

    async fn remove_releases(&self, permit: &UndoPermit, site: &ReleaseSite) -> Result<(), WriteFailure> {
        self.change_release("target.remove_releases", permit.step(), |host, _| host.remove_releases(site)).await
    }

    async fn switch_to_release(
        &self,
        permit: &ApplyPermit,
        site: &ReleaseSite,
        release: &ReleaseName,
        patience: Duration,
    ) -> Result<(), WriteFailure> {
        let wanted = LiveTree::Release(release.clone());
        let takes = |host: &Host| host.switch_takes(&site.unit, &wanted, patience);
        let change = |host: &mut Host, now| host.switch_to_release(site, release, patience, now);
        self.switch("target.switch_to_release", permit.step(), takes, change).await
    }

    async fn switch_to_original(
        &self,
        permit: &UndoPermit,
        site: &ReleaseSite,
        patience: Duration,
    ) -> Result<(), WriteFailure> {
        let takes = |host: &Host| host.switch_takes(&site.unit, &LiveTree::Original, patience);
        let change = |host: &mut Host, now| host.switch_to_original(site, patience, now);
        self.switch("target.switch_to_original", permit.step(), takes, change).await
    }
}
