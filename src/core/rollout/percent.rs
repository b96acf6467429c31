//! A share or a surplus, as people write it.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A percentage as people write it: `10%`, `0.5%`. Two digits after the point are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Percent {
    /// In hundredths of a percent, so that it can be compared.
    hundredths: u32,
}

/// A text that is no percentage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a percentage such as 10% or 0.5%")]
pub struct NotAPercentage(String);

impl Percent {
    /// So many hundredths of a percent: 50 is 0.5%.
    pub const fn hundredths(hundredths: u32) -> Self {
        Self { hundredths }
    }

    /// As a share of one: 10% is 0.1.
    pub fn share(self) -> f64 {
        f64::from(self.hundredths) / 10_000.0
    }

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.hundredths == 0
    }
}

impl TryFrom<String> for Percent {
    type Error = NotAPercentage;

    fn try_from(text: String) -> Result<Self, NotAPercentage> {
        let read = |text: &str| -> Option<u32> {
            let number = text.strip_suffix('%')?;
            let (whole, part) = number.split_once('.').map_or((number, None), |(whole, part)| (whole, Some(part)));
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            let part = part.unwrap_or("00");
            if !(1..=4).contains(&whole.len()) || !(1..=2).contains(&part.len()) || !digits(whole) || !digits(part) {
                return None;
            }
            let hundredths: u32 = format!("{part:0<2}").parse().ok()?;
            Some(whole.parse::<u32>().ok()? * 100 + hundredths)
        };
        read(&text).map(Self::hundredths).ok_or(NotAPercentage(text))
    }
}

impl std::str::FromStr for Percent {
    type Err = NotAPercentage;

    fn from_str(text: &str) -> Result<Self, NotAPercentage> {
        Self::try_from(text.to_owned())
    }
}

impl From<Percent> for String {
    fn from(value: Percent) -> Self {
        value.to_string()
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.hundredths / 100, self.hundredths % 100) {
            (whole, 0) => write!(out, "{whole}%"),
            (whole, part) if part % 10 == 0 => write!(out, "{whole}.{}%", part / 10),
            (whole, part) => write!(out, "{whole}.{part:02}%"),
        }
    }
}

impl JsonSchema for Percent {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Percent".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^[0-9]{1,4}(?:\.[0-9]{1,2})?%$",
            "description": "a percentage such as 10% or 0.5%"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Percent;

    #[test]
    fn what_is_written_is_read_back() {
        for (text, hundredths) in [("10%", 1_000), ("0.5%", 50), ("0.05%", 5), ("150%", 15_000), ("0%", 0)] {
            let percent: Percent = text.parse().unwrap();
            assert_eq!(percent, Percent::hundredths(hundredths));
            assert_eq!(percent.to_string(), text);
        }
        assert_eq!("1.50%".parse::<Percent>().unwrap().to_string(), "1.5%");
        assert!(("12.5%".parse::<Percent>().unwrap().share() - 0.125).abs() < 1e-12);
    }

    #[test]
    fn what_is_no_percentage_is_refused() {
        for text in ["", "10", "%", "-1%", "1.%", ".5%", "1.234%", "99999%", "1e2%", "+1%", "1 %"] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
    }
}
