//! Faults: scripted (at the nth call of a name, or at the nth write) and seeded (now and then, the same every time).

use std::collections::BTreeMap;

use crate::core::{Failure, FailureClass};

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Asked too often; nothing happened.
    Throttle,
    /// Not allowed; nothing happened.
    Deny,
    /// It happened, and the reply was lost.
    LostReply,
    /// The request was lost: it did not happen, but the caller cannot know.
    LostBefore,
    /// Refused for good; nothing happened.
    Permanent,
    /// It happened, and the caller died: the call never returns. See `World::crashed`.
    CrashAfter,
    /// The caller died before it happened: the call never returns.
    CrashBefore,
}

impl Fault {
    /// Whether the effect takes place all the same.
    pub fn takes_effect(self) -> bool {
        matches!(self, Self::LostReply | Self::CrashAfter)
    }

    /// Whether the call never returns.
    pub fn is_crash(self) -> bool {
        matches!(self, Self::CrashAfter | Self::CrashBefore)
    }

    /// Whether the caller cannot know what happened.
    pub fn is_lost(self) -> bool {
        matches!(self, Self::LostReply | Self::LostBefore)
    }

    /// What the caller is told.
    pub fn failure(self, call: &str) -> Failure {
        let (class, words) = match self {
            Self::Throttle => (FailureClass::Throttled, "Throttling: rate exceeded"),
            Self::Deny => (FailureClass::Denied, "AccessDenied"),
            Self::LostReply | Self::LostBefore => {
                (FailureClass::Transient, "the connection was closed before the reply")
            }
            Self::Permanent => (FailureClass::Permanent, "InvalidParameterValue"),
            Self::CrashAfter | Self::CrashBefore => (FailureClass::Interrupted, "the caller is dead"),
        };
        Failure::new(class, format!("{call}: {words} (simulated)"))
    }
}

/// A fault that came to pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// The call.
    pub call: String,
    /// What went wrong.
    pub fault: Fault,
}

#[derive(Debug, Clone)]
enum When {
    /// At the nth call of this name, counted from 1.
    Call(String, u32),
    /// At the nth write of any name, counted from 1.
    Write(u32),
    /// At every call of this name.
    Always(String),
}

/// Random faults.
#[derive(Debug, Clone)]
struct Noise {
    random: fastrand::Rng,
    percent: u8,
}

/// What is to go wrong, and what did.
#[derive(Debug, Clone, Default)]
pub(in crate::sim) struct Faults {
    rules: Vec<(When, Fault)>,
    calls: BTreeMap<String, u32>,
    writes: u32,
    noise: Option<Noise>,
    fired: Vec<Fired>,
}

impl Faults {
    pub fn at_call(&mut self, call: &str, nth: u32, fault: Fault) {
        self.rules.push((When::Call(call.to_owned(), self.count(call) + nth), fault));
    }

    pub fn at_write(&mut self, nth: u32, fault: Fault) {
        self.rules.push((When::Write(self.writes + nth), fault));
    }

    pub fn always(&mut self, call: &str, fault: Fault) {
        self.rules.push((When::Always(call.to_owned()), fault));
    }

    pub fn noise(&mut self, seed: u64, percent: u8) {
        self.noise = Some(Noise { random: fastrand::Rng::with_seed(seed), percent });
    }

    /// Nothing goes wrong any more.
    pub fn calm(&mut self) {
        self.rules.clear();
        self.noise = None;
    }

    /// How often a call was made.
    pub fn count(&self, call: &str) -> u32 {
        self.calls.get(call).copied().unwrap_or(0)
    }

    pub fn fired(&self) -> &[Fired] {
        &self.fired
    }

    /// Counts a call and says what goes wrong with it.
    pub fn next(&mut self, call: &str, is_write: bool) -> Option<Fault> {
        let count = self.calls.entry(call.to_owned()).or_default();
        *count += 1;
        let count = *count;
        self.writes += u32::from(is_write);
        let scripted = self.rules.iter().find(|(when, _)| match when {
            When::Call(name, nth) => name == call && *nth == count,
            When::Write(nth) => is_write && *nth == self.writes,
            When::Always(name) => name == call,
        });
        let fault = scripted.map(|(_, fault)| *fault).or_else(|| self.random(call, is_write))?;
        self.fired.push(Fired { call: call.to_owned(), fault });
        Some(fault)
    }

    fn random(&mut self, call: &str, is_write: bool) -> Option<Fault> {
        let noise = self.noise.as_mut()?;
        // An open connection to a store or to an application throttles nobody, and a test of it is hundreds of calls.
        if !is_write && ["cache.", "browser.", "load."].iter().any(|busy| call.starts_with(busy)) {
            return None;
        }
        if noise.random.u8(0..100) >= noise.percent {
            return None;
        }
        // A read can lose its reply, too, but that looks the same as being throttled.
        let possible =
            if is_write { &[Fault::Throttle, Fault::LostReply, Fault::LostBefore][..] } else { &[Fault::Throttle][..] };
        noise.random.choice(possible).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noisy(seed: u64) -> Vec<Option<Fault>> {
        let mut faults = Faults::default();
        faults.noise(seed, 30);
        (0..200).map(|call| faults.next("call", call % 2 == 0)).collect()
    }

    #[test]
    fn the_same_seed_is_the_same_noise() {
        assert_eq!(noisy(7), noisy(7));
        assert_ne!(noisy(7), noisy(8));
        let share = noisy(7).iter().flatten().count();
        assert!((40..80).contains(&share), "{share}");
    }

    #[test]
    fn scripted_faults_count_from_when_they_are_set() {
        let mut faults = Faults::default();
        assert_eq!(faults.next("a", true), None);
        faults.at_call("a", 2, Fault::Deny);
        faults.at_write(1, Fault::Throttle);
        assert_eq!(faults.next("b", false), None);
        assert_eq!(faults.next("a", true), Some(Fault::Throttle));
        assert_eq!(faults.next("a", true), Some(Fault::Deny));
        assert_eq!(faults.next("a", true), None);
        assert_eq!(faults.fired().len(), 2);
    }
}
