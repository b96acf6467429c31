//! What is asked of a target that was switched, apart from its sessions: its processes, its health without and with a
//! cookie, and whether the load balancer sends users to it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use crate::core::rollout::{JourneyRequest, LoadBalancer, ProductionTarget};
use crate::core::{Failure, Measurement, Verdict};
use crate::ports::{Answer, LoadTarget, TargetHealth};
use crate::steps::ReadContext;
use crate::steps::measure::measurement;
use crate::steps::site::release_facts::wanted_workers;
use crate::steps::site::settings_in_force::Running;
use crate::steps::site::{copy_access, release_layout};
use crate::steps::targets::group_inspection;

/// How long the load balancer may take until it sends users to the target again: some of its checks have to pass first.
const HEALTHY_TIMEOUT: Duration = Duration::from_secs(180);
/// How long to wait between two reads of the target group.
const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// The service's processes, and whether there are as many as there have to be.
///
/// # Errors
/// When the target cannot be asked.
pub async fn workers(
    context: &ReadContext<'_>,
    target: &ProductionTarget,
) -> Result<(Option<Running>, Measurement), Failure> {
    let unit = &context.rollout().application.unit;
    let name = target.name.as_str();
    let facts = context.ports.targets.reader(&target.host).service(unit).await?;
    let running = Running::service(name, &facts).filter(|_| facts.active);
    let wanted = wanted_workers(context)?;
    let (verdict, words) = match &running {
        None => (Verdict::Abort, format!("{unit} does not run on {name}")),
        Some(running) if u32::try_from(running.count).is_ok_and(|count| count == wanted) => {
            (Verdict::Pass, format!("{unit} has {wanted} workers on {name}"))
        }
        Some(running) => (Verdict::Abort, format!("{unit} has {} workers on {name}, not {wanted}", running.count)),
    };
    let data = json!({ "workers": facts.workers, "wanted": wanted, "master": facts.main_pid });
    Ok((running, measurement(verdict, name, words, data)))
}

/// What the release's processes were given, as the file says that they read; and what it has to say.
///
/// # Errors
/// When the file cannot be read.
pub async fn variables(
    context: &ReadContext<'_>,
    target: &ProductionTarget,
) -> Result<BTreeMap<String, String>, Failure> {
    let rollout = context.rollout();
    let reader = context.ports.targets.reader(&target.host);
    let text = reader.private_file(&rollout.application.directory, release_layout::ENVIRONMENT).await?;
    let lines = text.expose().lines().filter_map(|line| line.split_once('='));
    let mut variables: BTreeMap<String, String> =
        lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    for (name, value) in [
        ("MIGRATE_SESSIONS_KEY_PREFIX", release_layout::key_prefix(rollout)),
        ("MIGRATE_SESSIONS_WRITE", "both".into()),
    ] {
        variables.insert(name.to_owned(), value);
    }
    Ok(variables)
}

/// Where the load balancer looks, or, without one, a page that anybody may ask for.
async fn health_path(context: &ReadContext<'_>) -> Result<(String, bool), Failure> {
    if let LoadBalancer::Group(group) = &context.rollout().production.load_balancer
        && let Some(facts) = context.ports.cloud.target_group(&group.target_group).await?
    {
        return Ok((facts.health_path, true));
    }
    let requests = context.rollout().journeys.iter().flat_map(|journey| &journey.requests);
    let page = requests.filter_map(|request| request.get.clone()).find(|path| !path.contains("${"));
    Ok((page.unwrap_or_else(|| "/".to_owned()), false))
}

/// A page without a cookie, and the same with one. Many an application is green for the load balancer and fails everybody
/// who has a session.
///
/// # Errors
/// When there is no answer.
pub async fn health(
    context: &ReadContext<'_>,
    target: &ProductionTarget,
    user: u32,
) -> Result<Vec<Measurement>, Failure> {
    health_of(context, target.name.as_str(), &copy_access::production(context.rollout(), target), user).await
}

/// The same, of a release wherever it listens.
///
/// # Errors
/// As [`health`].
pub async fn health_of(
    context: &ReadContext<'_>,
    name: &str,
    site: &LoadTarget,
    user: u32,
) -> Result<Vec<Measurement>, Failure> {
    let (path, is_health_check) = health_path(context).await?;
    let page = JourneyRequest { get: Some(path.clone()), ..JourneyRequest::default() };
    // A page of the journeys may well refuse a stranger.
    let is_well = |answer: &Answer| if is_health_check { answer.status < 400 } else { answer.status < 500 };
    let browsers = &context.ports.browsers;
    let without = browsers.open(site, user, Vec::new()).await?.request(&page).await?;
    let data = |answer: &Answer| json!({ "path": path, "status": answer.status });
    let verdict = if is_well(&without) { Verdict::Pass } else { Verdict::Abort };
    let words = format!("GET {path} on {name} answers {} without a cookie", without.status);
    let mut measurements = vec![measurement(verdict, name, words, data(&without))];

    let mut browser = browsers.open(site, user, Vec::new()).await?;
    let requests = context.rollout().journeys.iter().take(1).flat_map(|journey| &journey.requests);
    for request in requests {
        browser.request(request).await?;
        if !browser.cookies().is_empty() {
            break;
        }
    }
    if browser.cookies().is_empty() {
        let words = format!("GET {path} on {name} could not be asked for with a cookie: the first journey gives none");
        measurements.push(measurement(Verdict::Inconclusive, name, words, json!({ "path": path })));
        return Ok(measurements);
    }
    let with = browser.request(&page).await?;
    let (verdict, words) = match (is_well(&without), is_well(&with)) {
        (_, true) => (Verdict::Pass, format!("GET {path} on {name} answers {} with a cookie", with.status)),
        (true, false) => (
            Verdict::Abort,
            format!(
                "GET {path} on {name} answers {} without a cookie and {} with one: the load balancer would never see it",
                without.status, with.status
            ),
        ),
        (false, false) => (Verdict::Abort, format!("GET {path} on {name} answers {} with a cookie, too", with.status)),
    };
    measurements.push(measurement(verdict, name, words, data(&with)));
    Ok(measurements)
}

/// Whether the load balancer sends users to the target; waits until it does.
///
/// # Errors
/// When AWS cannot be asked.
pub async fn load_balancer(context: &ReadContext<'_>, target: &ProductionTarget) -> Result<Measurement, Failure> {
    let name = target.name.as_str();
    let LoadBalancer::Group(group) = &context.rollout().production.load_balancer else {
        let words = "rollout.yaml says that there is no load balancer";
        return Ok(measurement(Verdict::Pass, name, words, json!({})));
    };
    let group = &group.target_group;
    let id = group_inspection::instance_id(context, target).await?;
    let clock = &context.ports.clock;
    let began = clock.elapsed();
    loop {
        let facts = context.ports.cloud.target_group(group).await?;
        let registered = facts.as_ref().and_then(|facts| facts.targets.iter().find(|target| target.id == id));
        let why = match registered.map(|target| &target.health) {
            Some(TargetHealth::Healthy) => {
                let words = format!("{group} sends users to {name}");
                return Ok(measurement(Verdict::Pass, name, words, json!({ "instance": id })));
            }
            Some(TargetHealth::Initial) => "it is not judged healthy yet".to_owned(),
            Some(TargetHealth::Draining) => "it is being deregistered".to_owned(),
            Some(TargetHealth::Unhealthy(why) | TargetHealth::Idle(why)) => why.clone(),
            None => format!("{id} is not registered"),
        };
        let waited = clock.elapsed().saturating_sub(began);
        if waited >= HEALTHY_TIMEOUT {
            let words = format!("{group} sends no users to {name} after {} s: {why}", HEALTHY_TIMEOUT.as_secs());
            return Ok(measurement(Verdict::Abort, name, words, json!({ "instance": id, "why": why })));
        }
        context.say(format!("{group} sends no users to {name} yet: {why}"));
        clock.sleep(POLL_INTERVAL).await;
    }
}
