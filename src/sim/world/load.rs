//! Loads: what they measure is worked out at once, and the virtual time passes with news on the way.

use std::time::Duration;

use async_trait::async_trait;

use super::calls::World;
use crate::core::Failure;
use crate::core::rollout::Journey;
use crate::ports::{Clock, LoadGenerator, LoadObserver, LoadPlan, LoadResult, LoadSnapshot, LoadTarget, Route};
use crate::sim::application::application_at;
use crate::sim::host::Process;

#[async_trait]
impl LoadGenerator for World {
    /// Asks the application of the target's endpoint (`host:port`) in `State::applications`; through a host, the
    /// one of that host (`name/host:port`) when it has one of its own.
    async fn run(
        &self,
        target: &LoadTarget,
        journeys: &[Journey],
        plan: &LoadPlan,
        observer: &dyn LoadObserver,
    ) -> Result<LoadResult, Failure> {
        let endpoint = application_at(&self.lock().applications, target);
        let now = self.time().now();
        let through = match &target.route {
            Route::Through(host) => host.as_str(),
            Route::Direct => "",
        };
        let (application, running, known) = self
            .look("load.run", Duration::ZERO, |state| {
                let running = Process::listening(state.hosts.values(), &endpoint).map(|process| process.workers.len());
                if let Route::Through(host) = &target.route {
                    let away = state.hosts.get(host.as_str()).and_then(|host| host.unreachable.clone());
                    away.map_or(Ok(()), Err)?;
                }
                let own = format!("{through} {endpoint}");
                let known = if state.applications.contains_key(&own) { own } else { endpoint.clone() };
                let application = state.applications.get_mut(&known);
                let application = application.ok_or_else(|| Process::missing(&endpoint))?;
                let young = application.clone();
                application.median = application.median.mul_f64(application.ages);
                Ok((state.store_loss.slow(&state.paths, young, now), running, known))
            })
            .await?;
        if journeys.iter().all(|journey| journey.requests.is_empty()) {
            return Err(Failure::permanent("there are no user journeys").hint("add `journeys:` to rollout.yaml"));
        }
        let result = application.under(&known, running, journeys, plan);
        tell(&result, plan, observer, self).await;
        Ok(result)
    }
}

/// The time passes, with news on the way: once a second, or sixty times in all when it lasts longer than a minute.
async fn tell(result: &LoadResult, plan: &LoadPlan, observer: &dyn LoadObserver, world: &World) {
    let errors = result.errors();
    let total = result.total();
    let (mostly, total) = (total.errors.keys().next().copied(), total.latency);
    let news = u32::try_from(plan.duration.as_secs()).unwrap_or(60).clamp(1, 60);
    for part in 1..=news {
        world.sleep(plan.duration / news).await;
        let so_far = |count: u64| count * u64::from(part) / u64::from(news);
        observer.snapshot(LoadSnapshot {
            elapsed: plan.duration * part / news,
            requests: so_far(errors.of),
            failed: so_far(errors.hits),
            mostly,
            recent: errors.of / plan.duration.as_secs().max(1),
            recent_p50: total.percentile(50.0),
            recent_p95: total.percentile(95.0),
            recent_p99: total.percentile(99.0),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{FailureClass, Verdict};
    use crate::evidence::{Limits, Noise, compare};
    use crate::ports::{Endpoint, Silent};
    use crate::sim::application::SimulatedApplication;

    fn world() -> World {
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/rollout.yaml")).unwrap();
        World::from_rollout(&serde_yaml::from_str(&text).unwrap())
    }

    fn journeys() -> Vec<Journey> {
        serde_yaml::from_str(
            "[{name: a, requests: [{get: /w, extract: {identity: {json: /u}}, think: 1s}, {get: /x}]}]",
        )
        .unwrap()
    }

    async fn run(world: &World, port: u16) -> LoadResult {
        let target = LoadTarget::direct("t", Endpoint { host: "staging".into(), port });
        let plan = LoadPlan::closed(50, Duration::from_secs(120));
        world.run(&target, &journeys(), &plan, &Silent).await.unwrap()
    }

    #[tokio::test]
    async fn a_slower_copy_is_held_and_an_equal_one_passes() {
        let world = world();
        world.edit(|state| {
            let original = SimulatedApplication::default();
            let copy = SimulatedApplication { median: Duration::from_millis(50), ..original.clone() };
            state.applications.insert("staging:8080".into(), original.clone());
            state.applications.insert("staging:8082".into(), original);
            state.applications.insert("staging:8081".into(), copy);
        });
        let (first, again, copy) = (run(&world, 8080).await, run(&world, 8082).await, run(&world, 8081).await);
        let limits = Limits::default();
        let noise = Noise::between(&first.arm().latencies, &again.arm().latencies, limits.confidence);
        assert_eq!(compare(&first.arm(), &copy.arm(), noise, &limits, None).verdict, Verdict::Hold);
        assert_eq!(compare(&first.arm(), &again.arm(), noise, &limits, None).verdict, Verdict::Pass);
        assert_eq!(first.mixed_up().count(), 0);
    }

    #[tokio::test]
    async fn errors_and_mix_ups_are_as_scripted() {
        let world = world();
        let application = SimulatedApplication { error_share: 0.2, mixed_up_share: 0.5, ..Default::default() };
        world.edit(|state| state.applications.insert("staging:8081".into(), application));
        let result = run(&world, 8081).await;
        assert!((result.errors().share().unwrap() - 0.2).abs() < 0.03);
        assert!(result.mixed_up().count() > 40);
        assert_eq!(run(&world, 8081).await, result);
    }

    #[tokio::test]
    async fn nobody_is_no_load() {
        let target = LoadTarget::direct("t", Endpoint { host: "staging".into(), port: 1 });
        let plan = LoadPlan::closed(1, Duration::from_secs(1));
        let failure = world().run(&target, &journeys(), &plan, &Silent).await.unwrap_err();
        assert_eq!(failure.class, FailureClass::Transient);
    }
}
