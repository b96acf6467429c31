//! No data is Inconclusive, and Inconclusive never passes.

use migrate::core::{Exit, FailureClass, Verdict};

#[test]
fn nothing_measured_is_inconclusive() {
    assert_eq!(Verdict::over([]), Verdict::Inconclusive);
}

#[test]
fn the_worst_counts() {
    use Verdict::{Abort, Hold, Inconclusive, Pass};
    let table: [(&[Verdict], Verdict); 6] = [
        (&[Pass], Pass),
        (&[Pass, Pass], Pass),
        (&[Pass, Inconclusive], Inconclusive),
        (&[Hold, Inconclusive, Pass], Hold),
        (&[Abort, Hold], Abort),
        (&[Inconclusive], Inconclusive),
    ];
    for (verdicts, worst) in table {
        assert_eq!(Verdict::over(verdicts.iter().copied()), worst, "{verdicts:?}");
    }
}

#[test]
fn only_a_pass_passes() {
    let passing: Vec<Verdict> = [Verdict::Pass, Verdict::Inconclusive, Verdict::Hold, Verdict::Abort]
        .into_iter()
        .filter(|verdict| verdict.passes())
        .collect();
    assert_eq!(passing, [Verdict::Pass]);
}

#[test]
fn no_failure_exits_as_a_pass() {
    use FailureClass as Class;
    let table = [
        (Class::Denied, Exit::WaitingForPermissions),
        (Class::Inconclusive, Exit::Waiting),
        (Class::ProtectedChanged, Exit::ProtectedChanged),
        (Class::Interrupted, Exit::Interrupted),
        (Class::Throttled, Exit::GateFailed),
        (Class::Transient, Exit::GateFailed),
        (Class::Permanent, Exit::GateFailed),
        (Class::Foreign, Exit::GateFailed),
        (Class::Gate, Exit::GateFailed),
    ];
    for (class, exit) in table {
        assert_eq!(Exit::from(class), exit, "{class}");
    }
}

#[test]
fn every_exit_has_its_own_code() {
    let codes: Vec<u8> = Exit::ALL.into_iter().map(Exit::code).collect();
    assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 129, 130, 143]);
}
