//! One user whose every answer is looked at, where a load only counts. Cookies can be kept and taken up again later.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::LoadTarget;
use crate::core::{Failure, Secret, rollout::JourneyRequest};

/// A cookie, as a browser keeps it. Its value is as good as a password, so it is never shown.
#[derive(Debug, Clone)]
pub struct BrowserCookie {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Secret,
    /// Where it is sent.
    pub path: String,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Answer {
    /// The status of the last answer, after redirects.
    pub status: u16,
    /// Its headers, names in lower case, without `set-cookie`.
    pub headers: Vec<(String, String)>,
    /// Its body as text, the first MiB.
    pub body: String,
    /// What was not as the request expects it; `None` when everything was.
    pub problem: Option<String>,
}

/// One user: cookies, a connection, and what earlier requests extracted.
#[async_trait]
pub trait Browser: Send {
    /// Makes a request, follows redirects, and looks whether the answer is as expected.
    ///
    /// # Errors
    /// `Transient` when there was no complete answer; `Permanent` when the request cannot be sent as it is written, or
    /// when what answers does not speak HTTP. An answer of any status is no error.
    async fn request(&mut self, request: &JourneyRequest) -> Result<Answer, Failure>;

    /// The cookies as they are now.
    fn cookies(&self) -> Vec<BrowserCookie>;

    /// What requests have extracted so far, by name: later requests insert it. It may be a token, so it is not shown.
    fn extracted(&self) -> BTreeMap<String, Secret>;

    /// Takes up what was extracted earlier, perhaps by another browser: as if this one had.
    fn recall(&mut self, extracted: &BTreeMap<String, Secret>);
}

/// Opens browsers.
#[async_trait]
pub trait Browsers: Send + Sync {
    /// The user of this number, with these cookies; none is a stranger.
    ///
    /// # Errors
    /// When there is no way to the target.
    async fn open(
        &self,
        target: &LoadTarget,
        user: u32,
        cookies: Vec<BrowserCookie>,
    ) -> Result<Box<dyn Browser>, Failure>;
}
