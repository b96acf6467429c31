//! The census of session files that a healthy site has.

use std::collections::BTreeMap;

use crate::ports::CensusFacts;

/// What a healthy site has.
pub(in crate::sim) fn usual() -> CensusFacts {
    CensusFacts {
        directories: vec!["flask_session".to_owned()],
        sessions: 412,
        expired: 12,
        file_bytes: [18_000, 240_000, 900_000],
        redis_bytes: [16_000, 210_000, 800_000],
        redis_total_bytes: 24_000_000,
        remaining_seconds: [1_200_000, 2_500_000, 2_678_400],
        types: BTreeMap::from([("builtins.str".to_owned(), 2_100), ("pandas.core.frame.DataFrame".to_owned(), 230)]),
        ..CensusFacts::default()
    }
}
