//! Hosts: connections to them, and what is asked and changed there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::calls::World;
use crate::core::rollout::{AbsolutePath, SshHost, VolatilePattern};
use crate::core::{ApplyPermit, Digest, Failure, StepId, UndoPermit};
use crate::ports::{
    CommandOutput, DiskFacts, Endpoint, ModuleFacts, Reachability, Script, ServiceFacts, TargetRead, TargetWrite,
    TargetsRead, TargetsWrite, TreeFacts, WritableTarget, WriteFailure,
};
use crate::sim::host::Host;

/// What a call to a host takes.
const READ_DURATION: Duration = Duration::from_millis(15);

/// A connection to a host.
pub(super) struct Handle {
    pub(super) world: World,
    pub(super) host: SshHost,
}

impl Handle {
    pub(super) async fn on_host<T: Send>(
        &self,
        call: &str,
        answer: impl FnOnce(&mut Host) -> Result<T, Failure> + Send,
    ) -> Result<T, Failure> {
        self.world.look(call, READ_DURATION, |state| answer(Host::reached_mut(&mut state.hosts, &self.host)?)).await
    }

    pub(super) async fn change_host<T: Send>(
        &self,
        call: &str,
        step: &StepId,
        change: impl FnOnce(&mut Host) -> Result<T, Failure> + Send,
    ) -> Result<T, WriteFailure> {
        self.world
            .write(call, self.host.as_str(), step, |state, _| change(Host::reached_mut(&mut state.hosts, &self.host)?))
            .await
    }

    async fn script(&self, call: &str, step: &StepId, script: &Script) -> Result<CommandOutput, WriteFailure> {
        self.change_host(call, step, |host| Ok(host.run(script))).await
    }
}

#[async_trait]
impl TargetRead for Handle {
    async fn hello(&self) -> Result<String, Failure> {
        self.on_host("target.hello", |host| Ok(host.account.clone())).await
    }

    async fn service(&self, unit: &str) -> Result<ServiceFacts, Failure> {
        let missing = || Failure::permanent(format!("there is no unit {unit}"));
        self.on_host("target.service", |host| host.services.get(unit).cloned().ok_or_else(missing)).await
    }

    async fn tree(&self, directory: &AbsolutePath, left_out: &[VolatilePattern]) -> Result<TreeFacts, Failure> {
        self.on_host("target.tree", |host| host.tree(directory, left_out)).await
    }

    async fn manifest(
        &self,
        directory: &AbsolutePath,
        _: &[VolatilePattern],
    ) -> Result<BTreeMap<String, Digest>, Failure> {
        self.on_host("target.manifest", |host| host.manifest(directory)).await
    }

    async fn disk(&self, _: &AbsolutePath) -> Result<DiskFacts, Failure> {
        self.on_host("target.disk", |host| Ok(DiskFacts { free_bytes: host.free_bytes })).await
    }

    async fn listening(&self) -> Result<Vec<u16>, Failure> {
        self.on_host("target.listening", |host| Ok(host.listening.clone())).await
    }

    async fn modules(
        &self,
        _: &str,
        directory: &AbsolutePath,
        modules: &[String],
    ) -> Result<Vec<ModuleFacts>, Failure> {
        self.on_host("target.modules", |host| Ok(host.modules_in(directory, modules))).await
    }

    async fn reach(&self, endpoint: &Endpoint, _: Duration) -> Result<Reachability, Failure> {
        self.world.look("target.reach", READ_DURATION, |_| Ok(())).await?;
        let now = self.world.time().now();
        self.world.edit(|state| state.reachability(Some(&self.host), endpoint, now))
    }

    async fn check(&self, script: &Script) -> Result<CommandOutput, Failure> {
        self.on_host("target.check", |host| {
            // On a copy: a check that changes something changes nothing here, and so does not work.
            Ok(host.clone().run(script))
        })
        .await
    }
}

#[async_trait]
impl TargetWrite for Handle {
    async fn execute(&self, permit: &ApplyPermit, script: &Script) -> Result<CommandOutput, WriteFailure> {
        self.script("target.execute", permit.step(), script).await
    }

    async fn revert(&self, permit: &UndoPermit, script: &Script) -> Result<CommandOutput, WriteFailure> {
        self.script("target.revert", permit.step(), script).await
    }
}

#[async_trait]
impl TargetsRead for World {
    fn reader(&self, host: &SshHost) -> Arc<dyn TargetRead> {
        Arc::new(Handle { world: self.clone(), host: host.clone() })
    }

    async fn reach_from_here(&self, endpoint: &Endpoint, _: Duration) -> Result<Reachability, Failure> {
        self.look("operator.reach", READ_DURATION, |_| Ok(())).await?;
        let now = self.time().now();
        self.edit(|state| state.reachability(None, endpoint, now))
    }
}

impl TargetsWrite for World {
    fn writer(&self, target: &WritableTarget) -> Arc<dyn TargetWrite> {
        Arc::new(Handle { world: self.clone(), host: target.host().clone() })
    }
}
