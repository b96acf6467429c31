//! Browsers: they ask simulated applications, in virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use super::calls::World;
use crate::core::rollout::JourneyRequest;
use crate::core::{Failure, Secret};
use crate::ports::{Answer, Browser, BrowserCookie, Browsers, Clock, LoadTarget, Route};
use crate::sim::application::{Visitor, application_at};

/// What a request takes.
const REQUEST_DURATION: Duration = Duration::from_millis(30);

#[async_trait]
impl Browsers for World {
    /// Asks the application of the target's endpoint (`host:port`) in `State::applications`, or, before that, of its
    /// host's name and endpoint.
    async fn open(
        &self,
        target: &LoadTarget,
        user: u32,
        cookies: Vec<BrowserCookie>,
    ) -> Result<Box<dyn Browser>, Failure> {
        let cookies = cookies.into_iter().map(|cookie| (cookie.name, cookie.value.expose().to_owned())).collect();
        let host = match &target.route {
            Route::Through(host) => Some(host.to_string()),
            Route::Direct => None,
        };
        let (endpoint, place) = (target.endpoint.to_string(), application_at(&self.lock().applications, target));
        let extracted = BTreeMap::new();
        let visitor = Visitor { endpoint, place, host, user, cookies, extracted };
        Ok(Box::new(OpenBrowser { world: self.clone(), visitor }))
    }
}

struct OpenBrowser {
    world: World,
    visitor: Visitor,
}

#[async_trait]
impl Browser for OpenBrowser {
    async fn request(&mut self, request: &JourneyRequest) -> Result<Answer, Failure> {
        let now = self.world.time().now() + REQUEST_DURATION;
        let hangs = {
            let state = self.world.lock();
            state.store_loss.hangs_now(&state.paths, now)
        };
        if !hangs.is_zero() {
            self.world.sleep(hangs).await;
        }
        let (world, visitor) = (self.world.clone(), &mut self.visitor);
        world
            .look("browser.request", REQUEST_DURATION, |state| visitor.request(&mut state.visited(), request, now))
            .await
    }

    fn cookies(&self) -> Vec<BrowserCookie> {
        let cookies = self.visitor.cookies.iter().map(|(name, value)| BrowserCookie {
            name: name.clone(),
            value: Secret::new(value.clone()),
            path: "/".to_owned(),
        });
        cookies.collect()
    }

    fn extracted(&self) -> BTreeMap<String, Secret> {
        self.visitor.extracted.iter().map(|(name, value)| (name.clone(), Secret::new(value.clone()))).collect()
    }

    fn recall(&mut self, extracted: &BTreeMap<String, Secret>) {
        self.visitor.extracted.extend(extracted.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())));
    }
}
