//! When production may be changed. Outside of it nothing new is begun; what is observed goes on, and so does a rollback.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::values::InvalidValue;

const MINUTES_OF_A_DAY: u16 = 24 * 60;
const SECONDS_OF_A_DAY: i64 = 86_400;

/// When production may be changed, in UTC, so that no clock change moves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeWindow {
    /// The days on which it opens; every day when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 7))]
    pub days: Vec<Weekday>,
    /// When it opens.
    pub from: ClockTime,
    /// When it closes: on the next day, when that is earlier than `from`.
    pub to: ClockTime,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Weekday {
    /// All of them, Monday first.
    const ALL: [Self; 7] = [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    /// Of a day, counted from 1 January 1970, which was a Thursday.
    fn of(day: i64) -> Self {
        let number = usize::try_from((day + 3).rem_euclid(7)).unwrap_or(0);
        Self::ALL[number % 7]
    }
}

/// A time of the day as `HH:MM`; `24:00` is its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClockTime {
    minutes: u16,
}

impl ClockTime {
    /// Whether it is the end of the day.
    pub fn is_end_of_day(self) -> bool {
        self.minutes == MINUTES_OF_A_DAY
    }
}

impl TryFrom<String> for ClockTime {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        let number = |digits: &str| {
            let two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            two.then(|| digits.parse::<u16>().ok()).flatten()
        };
        let parts = text.split_once(':').and_then(|(hours, minutes)| Some((number(hours)?, number(minutes)?)));
        parts
            .filter(|(hours, minutes)| *minutes < 60 && (*hours < 24 || (*hours, *minutes) == (24, 0)))
            .map(|(hours, minutes)| Self { minutes: hours * 60 + minutes })
            .ok_or_else(|| InvalidValue(format!("`{text}` is not a time of the day such as 22:00")))
    }
}

impl From<ClockTime> for String {
    fn from(time: ClockTime) -> Self {
        time.to_string()
    }
}

impl std::fmt::Display for ClockTime {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

impl JsonSchema for ClockTime {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ClockTime".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)$",
            "description": "a time of the day in UTC such as 22:00"
        })
    }
}

impl ChangeWindow {
    /// When it opens next; `None` while it is open.
    pub fn closed_until(&self, now: jiff::Timestamp) -> Option<jiff::Timestamp> {
        let second = now.as_second();
        let (today, in_day) = (second.div_euclid(SECONDS_OF_A_DAY), second.rem_euclid(SECONDS_OF_A_DAY));
        let (from, to) = (i64::from(self.from.minutes) * 60, i64::from(self.to.minutes) * 60);
        let is_open = if from < to {
            self.opens_on(today) && (from..to).contains(&in_day)
        } else {
            (self.opens_on(today) && in_day >= from) || (self.opens_on(today - 1) && in_day < to)
        };
        if is_open {
            return None;
        }
        let openings = (today..).map(|day| (day, day * SECONDS_OF_A_DAY + from)).take(8);
        let next =
            openings.filter(|(day, opens)| self.opens_on(*day) && *opens > second).map(|(_, opens)| opens).next();
        // Eight days hold every day of the week twice over today's; only a time that no timestamp reaches is none.
        Some(next.and_then(|opens| jiff::Timestamp::from_second(opens).ok()).unwrap_or(jiff::Timestamp::MAX))
    }

    fn opens_on(&self, day: i64) -> bool {
        self.days.is_empty() || self.days.contains(&Weekday::of(day))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(days: &[Weekday], from: &str, to: &str) -> ChangeWindow {
        let time = |text: &str| ClockTime::try_from(text.to_owned()).unwrap();
        ChangeWindow { days: days.to_vec(), from: time(from), to: time(to) }
    }

    /// When it opens next, as text; nothing while it is open. 5 January 2026 is a Monday.
    fn opens(window: &ChangeWindow, now: &str) -> Option<String> {
        window.closed_until(now.parse().unwrap()).map(|at| at.to_string())
    }

    #[test]
    fn over_midnight_it_belongs_to_the_day_on_which_it_opens() {
        let window = window(&[Weekday::Mon, Weekday::Tue], "22:00", "04:00");
        assert_eq!(opens(&window, "2026-01-05T21:59:59Z").as_deref(), Some("2026-01-05T22:00:00Z"));
        assert_eq!(opens(&window, "2026-01-05T22:00:00Z"), None);
        assert_eq!(opens(&window, "2026-01-06T03:59:59Z"), None);
        assert_eq!(opens(&window, "2026-01-06T04:00:00Z").as_deref(), Some("2026-01-06T22:00:00Z"));
        assert_eq!(opens(&window, "2026-01-07T03:00:00Z"), None, "it opened on Tuesday");
        assert_eq!(opens(&window, "2026-01-07T04:00:00Z").as_deref(), Some("2026-01-12T22:00:00Z"));
        assert_eq!(opens(&window, "2026-01-05T03:00:00Z").as_deref(), Some("2026-01-05T22:00:00Z"), "not on Sunday");
    }

    #[test]
    fn within_a_day_and_to_its_end() {
        let one = window(&[Weekday::Sun], "09:30", "24:00");
        assert_eq!(opens(&one, "2026-01-04T09:29:00Z").as_deref(), Some("2026-01-04T09:30:00Z"));
        assert_eq!(opens(&one, "2026-01-04T23:59:59Z"), None);
        assert_eq!(opens(&one, "2026-01-05T00:00:00Z").as_deref(), Some("2026-01-11T09:30:00Z"));
        let daily = window(&[], "00:00", "24:00");
        assert_eq!(opens(&daily, "2026-01-05T00:00:00Z"), None, "always");
        let daily = window(&[], "10:00", "11:00");
        assert_eq!(opens(&daily, "2026-01-05T11:00:00Z").as_deref(), Some("2026-01-06T10:00:00Z"));
    }

    #[test]
    fn times_are_two_digits_each() {
        for wrong in ["7:00", "07:0", "24:01", "25:00", "07:60", "0700", "", "+7:00", "07:00:00"] {
            assert!(ClockTime::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
        for right in ["00:00", "07:05", "23:59", "24:00"] {
            assert_eq!(ClockTime::try_from(right.to_owned()).unwrap().to_string(), right);
        }
    }
}
