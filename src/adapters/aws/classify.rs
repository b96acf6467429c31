//! What a failed AWS call means: its class for the engine, whether it may have happened, and a sentence for a person.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::core::{Failure, FailureClass, Outcome};
use crate::ports::WriteFailure;

/// Refused because of the rate, before anything was done.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
const THROTTLED: [&str; 11] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequests",
    "TooManyRequestsException",
    "PriorRequestNotComplete",
    "BandwidthLimitExceeded",
    "SlowDown",
];

/// Refused because IAM says no.
const DENIED: [&str; 7] = [
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "UnauthorizedException",
    "NotAuthorized",
    "AuthorizationError",
    "Client.UnauthorizedOperation",
];

/// Refused because the credentials themselves are no good: no permission would help.
const BAD_CREDENTIALS: [&str; 11] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "AuthFailure",
    "InvalidAccessKeyId",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
];

/// Refused because of a state that passes by itself.
const BUSY: [&str; 12] = [
    "DependencyViolation",
    "CacheSubnetGroupInUse",
    "InvalidReplicationGroupState",
    "InvalidReplicationGroupStateFault",
    "InvalidCacheSecurityGroupState",
    "InvalidCacheSecurityGroupStateFault",
    "InvalidCacheClusterState",
    "InvalidCacheClusterStateFault",
    "IncorrectState",
    "ResourceInUse",
    "OperationNotPermittedException",
    "ConcurrentModification",
];

/// Refused because the name is taken. An earlier request of ours, whose reply was lost, may have taken it: only a probe
/// can tell, so the outcome is unknown and the call may be tried again after one.
const TAKEN: [&str; 4] = [
    "ReplicationGroupAlreadyExists",
    "ReplicationGroupAlreadyExistsFault",
    "CacheSubnetGroupAlreadyExists",
    "InvalidGroup.Duplicate",
];

/// Why a read failed.
pub(super) fn read<E>(call: &str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    judge(call, error).0
}

/// Why a write failed, and whether it may have happened.
pub(super) fn write<E>(call: &str, error: &SdkError<E, HttpResponse>) -> WriteFailure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let (failure, outcome) = judge(call, error);
    WriteFailure { outcome, failure }
}

/// AWS's error code, when AWS answered with one.
pub(super) fn code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    error.as_service_error().and_then(|service| service.meta().code())
}

/// Whether AWS answered with one of these codes.
pub(super) fn has_code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>, codes: &[&str]) -> bool {
    code(error).is_some_and(|code| codes.contains(&code))
}

fn judge<E>(call: &str, error: &SdkError<E, HttpResponse>) -> (Failure, Outcome)
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(context) => {
            let meta = context.err().meta();
            refused(call, context.raw().status().as_u16(), meta.code(), meta.message())
        }
        SdkError::ResponseError(context) => {
            let status = context.raw().status();
            (
                Failure::transient(format!("{call}: AWS answered (HTTP {status}), but the answer cannot be read")),
                Outcome::Unknown,
            )
        }
        SdkError::TimeoutError(_) => {
            (Failure::transient(format!("{call}: AWS did not answer in time")), Outcome::Unknown)
        }
        SdkError::ConstructionFailure(_) => (not_sent(call, error), Outcome::Clean),
        SdkError::DispatchFailure(_) => dispatch(call, error),
        // The enum is open: a variant we do not know may have happened.
        _ => (Failure::transient(format!("{call}: {}", chain(error))), Outcome::Unknown),
    }
}

/// AWS answered with an error.
fn refused(call: &str, status: u16, code: Option<&str>, message: Option<&str>) -> (Failure, Outcome) {
    let said = message.map(|message| format!(": {}", message.trim())).unwrap_or_default();
    let Some(code) = code else {
        // Every refusal of AWS has a code. Without one this is a success that cannot be read, or the word of somebody
        // in between (a proxy), who may have spoken after AWS had acted.
        let text = format!("{call}: the answer (HTTP {status}) is not one of AWS{said}");
        let refused = (400..500).contains(&status) && status != 408 && status != 429;
        let failure = if refused { Failure::permanent(text) } else { Failure::transient(text) };
        return (failure.hint("check proxies, and AWS_ENDPOINT_URL"), Outcome::Unknown);
    };
    let text = format!("{call}: {code}{said}");
    let has = |codes: &[&str]| codes.contains(&code);
    if has(&THROTTLED) {
        (Failure::new(FailureClass::Throttled, text), Outcome::Clean)
    } else if has(&DENIED) {
        let hint = "`migrate permissions` prints the policy to attach";
        (Failure::new(FailureClass::Denied, text).hint(hint), Outcome::Clean)
    } else if has(&BAD_CREDENTIALS) {
        (Failure::permanent(text).hint(CREDENTIALS_HINT), Outcome::Clean)
    } else if has(&BUSY) {
        (Failure::transient(text), Outcome::Clean)
    } else if has(&TAKEN) {
        (Failure::transient(text), Outcome::Unknown)
    } else if status == 429 {
        (Failure::new(FailureClass::Throttled, text), Outcome::Clean)
    } else if status >= 500 {
        (Failure::transient(text), Outcome::Unknown)
    } else {
        (Failure::permanent(text), Outcome::Clean)
    }
}

const CREDENTIALS_HINT: &str =
    "refresh the credentials: `aws sso login`, AWS_PROFILE, or new keys; `aws sts get-caller-identity` checks them";

/// No answer: was anything sent?
fn dispatch<E>(call: &str, error: &SdkError<E, HttpResponse>) -> (Failure, Outcome)
where
    E: Error + 'static,
{
    let told = chain(error);
    if about_credentials(&told) {
        return (not_sent(call, error), Outcome::Clean);
    }
    // Only a connection that was never made proves that nothing was sent. The connector does not say so by type; its
    // words for it are pinned by a test, and with any other words the outcome is unknown, which is the safe side.
    let never_connected =
        told.contains("(Connect)") || told.contains("HTTP connect timeout") || told.contains("dns error");
    let (what, outcome) = if never_connected {
        ("cannot connect to AWS", Outcome::Clean)
    } else {
        ("the connection to AWS was lost before it answered", Outcome::Unknown)
    };
    (
        Failure::transient(format!("{call}: {what} ({told})"))
            .hint("check the network, the region in rollout.yaml and AWS_ENDPOINT_URL"),
        outcome,
    )
}

/// The request could not even be made.
fn not_sent<E: Error + 'static>(call: &str, error: &SdkError<E, HttpResponse>) -> Failure {
    let told = chain(error);
    if about_credentials(&told) {
        Failure::permanent(format!("{call}: no usable AWS credentials ({told})")).hint(CREDENTIALS_HINT)
    } else if told.contains("egion") {
        Failure::permanent(format!("{call}: the AWS region cannot be used ({told})"))
            .hint("check `region:` in rollout.yaml")
    } else {
        Failure::permanent(format!("{call}: the request could not be made ({told})"))
    }
}

fn about_credentials(told: &str) -> bool {
    let told = told.to_ascii_lowercase();
    told.contains("credential") || told.contains("auth scheme") || told.contains("identity")
}

/// An error and everything that caused it, on one line.
fn chain(error: &dyn Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if !parts.contains(&text) {
            parts.push(text);
        }
        next = error.source();
    }
    parts.join(": ")
}
