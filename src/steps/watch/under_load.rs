//! A load on the copy, watched from beginning to end, and taken off as soon as it does harm.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::gunicorn::GunicornWatch;
use super::load_course::Course;
use crate::core::Failure;
use crate::core::rollout::Rollout;
use crate::evidence::{Ceiling, Proportion, SaturationLimits};
use crate::ports::{
    AnsweredBy, LoadNews, LoadObserver, LoadPlan, LoadResult, LoadSnapshot, MasterOf, MonitorSample, MonitorSpec,
    Monitoring, ProgressSink,
};
use crate::steps::ReadContext;
use crate::steps::site::{copy_access, copy_layout};
use crate::steps::targets::list;

/// The maximum number of broken connections in one load.
const MAX_BREAKS: u32 = 5;
/// How much later than planned a watch ends that was not ended: the last replies take time.
const WATCH_END_TIMEOUT: Duration = Duration::from_secs(120);
/// As many errors as this end a load at once, whatever the ceiling is.
const FAR_TOO_MANY_ERRORS: f64 = 0.1;

/// What came of it.
#[derive(Debug, Default)]
pub struct UnderLoad {
    /// What the users met with; nothing when the load was taken off.
    pub result: LoadResult,
    /// What was seen of the copy and its host.
    pub watch: GunicornWatch,
    /// How it went over time.
    pub course: Course,
    /// Why the load was taken off before its time.
    pub taken_off: Option<String>,
}

/// The site's limits of its host and of errors.
pub fn limits(rollout: &Rollout) -> SaturationLimits {
    let load = &rollout.load;
    let usual = SaturationLimits::default();
    let errors = load.error_ceiling.share();
    SaturationLimits {
        hold: Ceiling { cpu: load.max_load.share(), errors, ..usual.hold },
        abort: Ceiling {
            cpu: load.critical_load.share(),
            errors: FAR_TOO_MANY_ERRORS.max(2.0 * errors),
            ..usual.abort
        },
        ..usual
    }
}

/// How often the host is looked at: often enough in a short load, never more than needed.
fn every(duration: Duration) -> Duration {
    (duration / 40).clamp(Duration::from_millis(200), Duration::from_secs(1))
}

/// Passes news on, and keeps what it needs of it.
struct Hearing<'a> {
    progress: &'a dyn ProgressSink,
    kept: Mutex<(LoadNews, Course)>,
}

impl Hearing<'_> {
    fn with<T>(&self, use_it: impl FnOnce(&mut (LoadNews, Course)) -> T) -> T {
        use_it(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl LoadObserver for Hearing<'_> {
    fn snapshot(&self, snapshot: LoadSnapshot) {
        let progress = self.with(|(news, course)| {
            course.take(snapshot);
            news.progress(&snapshot)
        });
        self.progress.report(progress);
    }
}

/// Puts the load on the copy. What counts of its course begins after `begins`.
///
/// # Errors
/// When the load cannot begin, or the host cannot be watched.
pub async fn under_load(
    context: &ReadContext<'_>,
    message: String,
    plan: &LoadPlan,
    begins: Duration,
) -> Result<UnderLoad, Failure> {
    let rollout = context.rollout();
    let plan = LoadPlan { answered_by: Some(AnsweredBy::BRIDGE), ..plan.clone() };
    let limits = limits(rollout);
    let watched = MonitorSpec {
        master: MasterOf::PidFile(copy_layout::below(rollout, copy_layout::PID_FILE)?),
        error_log: Some(copy_layout::below(rollout, copy_layout::ERROR_LOG)?),
        every: every(plan.duration),
        at_most: plan.duration + plan.timeout + WATCH_END_TIMEOUT,
    };
    let course = Course::between(begins, plan.duration);
    let kept = Mutex::new((LoadNews::new(message, plan.duration), course));
    let hearing = Hearing { progress: context.progress, kept };
    let mut watching = Watching::begin(context, watched).await?;
    let target = copy_access::copy(rollout);
    let mut watch = GunicornWatch::default();
    let (mut taken_off, mut result) = (None, LoadResult::default());
    {
        // Dropped at the end of this block, the load ends with all its users.
        let load = context.ports.load.run(&target, &rollout.journeys, &plan, &hearing);
        tokio::pin!(load);
        loop {
            tokio::select! {
                done = &mut load => {
                    result = done?;
                    break;
                }
                sample = watching.next(&mut watch) => {
                    let Some(sample) = sample? else { continue };
                    watch.take(&sample);
                    let (failed, requests) = hearing.with(|(news, course)| {
                        news.watched(&sample);
                        course.requests()
                    });
                    taken_off = watch.danger(Proportion::new(failed, requests), &limits);
                    if taken_off.is_some() {
                        break;
                    }
                }
            }
        }
    }
    let course = hearing.with(|(_, course)| std::mem::take(course));
    if let (Some(why), Some(kind)) = (&mut taken_off, course.mostly()) {
        why.extend([format!(" (mostly: {kind})")]);
    }
    Ok(UnderLoad { result, watch, course, taken_off })
}

/// A watching that survives a broken connection.
struct Watching<'a> {
    context: &'a ReadContext<'a>,
    watched: MonitorSpec,
    monitoring: Box<dyn Monitoring>,
    began: Duration,
    breaks: u32,
    is_over: bool,
}

impl<'a> Watching<'a> {
    async fn begin(context: &'a ReadContext<'a>, watched: MonitorSpec) -> Result<Self, Failure> {
        let monitoring = list::staging(context).monitor(&watched).await?;
        let began = context.ports.clock.elapsed();
        Ok(Self { context, watched, monitoring, began, breaks: 0, is_over: false })
    }

    /// The next sample; `None` when the watching began anew. May be dropped at any moment.
    async fn next(&mut self, watch: &mut GunicornWatch) -> Result<Option<MonitorSample>, Failure> {
        if self.is_over {
            // Nothing more comes, and the load has not ended: it is waited for.
            std::future::pending::<()>().await;
        }
        let failure = match self.monitoring.next().await {
            Ok(Some(sample)) => return Ok(Some(sample)),
            Ok(None) => {
                self.is_over = true;
                return Ok(None);
            }
            Err(failure) => failure,
        };
        self.breaks += 1;
        if !failure.class.is_retryable() || self.breaks > MAX_BREAKS {
            return Err(failure);
        }
        self.context.say(format!("{}; watching again", failure.message));
        self.monitoring = list::staging(self.context).monitor(&self.watched).await?;
        watch.begun_anew(self.context.ports.clock.elapsed().saturating_sub(self.began));
        Ok(None)
    }
}
