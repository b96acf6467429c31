//! An answer of a simulated application.

use crate::ports::Answer;

/// An answer in JSON.
pub(super) fn answer(status: u16, body: &str, problem: Option<String>) -> Answer {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Answer { status, headers, body: body.to_owned(), problem }
}
