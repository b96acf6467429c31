//! Shares in words.

/// A share as a person says it: 0.0123 is `1.23 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}
