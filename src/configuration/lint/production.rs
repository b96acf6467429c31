//! When production may be changed, how, and what was accepted about it.

use super::context::Context;
use crate::configuration::diagnostic::quote::{alternatives, quoted};
use crate::configuration::diagnostic::{Code, Diagnostic};
use crate::core::rollout::{AcceptedDifference, ClockTime, Difference, LoadBalancer, Name, Weekday};

const WINDOW: &str = "production.change_window";
const DRAIN: &str = "production.drain";
const ACCEPTED: &str = "production.accepted_differences";

pub fn check(context: &mut Context<'_>) {
    for rule in [opens_at_the_end_of_the_day, no_time_at_all, nothing_to_leave, nobody_else_serves] {
        if let Some(mistake) = rule(context) {
            context.report(mistake);
        }
    }
    days_twice(context);
    differences(context);
}

fn opens_at_the_end_of_the_day(context: &Context<'_>) -> Option<Diagnostic> {
    let path = format!("{WINDOW}.from");
    context.read(&path).filter(|from: &ClockTime| from.is_end_of_day())?;
    let mistake = context.at(Code::RolloutChangeWindow, &path, "no window opens at the end of a day");
    Some(mistake.because("24:00 is the last moment of a day").help("write \"00:00\", with the day after in `days`"))
}

fn no_time_at_all(context: &Context<'_>) -> Option<Diagnostic> {
    let (from, to): (ClockTime, ClockTime) =
        (context.read(&format!("{WINDOW}.from"))?, context.read(&format!("{WINDOW}.to"))?);
    if from != to || from.is_end_of_day() {
        return None;
    }
    let path = format!("{WINDOW}.to");
    let mistake = context.at(Code::RolloutChangeWindow, &path, format!("the window opens and closes at {to}"));
    let help = "write another time; `from: \"00:00\", to: \"24:00\"` is a whole day";
    Some(mistake.because("nothing could ever be changed in it").help(help))
}

fn nothing_to_leave(context: &Context<'_>) -> Option<Diagnostic> {
    context.root.at(DRAIN)?;
    context.read("production.load_balancer").filter(|balancer| matches!(balancer, LoadBalancer::None(_)))?;
    let mistake = context.at(Code::RolloutDrain, DRAIN, "there is no load balancer that a target could leave");
    let line = context.line("production.load_balancer");
    Some(
        mistake
            .because(format!("`load_balancer: none` is on line {line}"))
            .help("remove `drain`, or name the target group there"),
    )
}

fn nobody_else_serves(context: &Context<'_>) -> Option<Diagnostic> {
    context.root.at(DRAIN)?;
    if context.count("production.targets") != 1 {
        return None;
    }
    let mistake = context.at(Code::RolloutDrain, DRAIN, "the only production target must not leave the load balancer");
    let help = "remove `drain`: a target is switched in place while it serves, and no user is logged out";
    Some(mistake.because("no target would serve users until it is back").help(help))
}

fn days_twice(context: &mut Context<'_>) {
    let path = format!("{WINDOW}.days");
    let mut seen: Vec<Weekday> = Vec::new();
    for position in 0..context.count(&path) {
        let path = format!("{path}.{position}");
        let Some(day) = context.read::<Weekday>(&path) else { continue };
        if seen.contains(&day) {
            let mistake = context.at(Code::RolloutChangeWindow, &path, "this day is listed twice");
            context.report(mistake.help("remove one of the two").warning());
        }
        seen.push(day);
    }
}

fn differences(context: &mut Context<'_>) {
    let count = context.count("production.targets");
    let names: Vec<Name> =
        (0..count).filter_map(|position| context.read(&format!("production.targets.{position}.name"))).collect();
    let group: Option<String> = context.read("production.load_balancer.target_group");
    let mut seen: Vec<Difference> = Vec::new();
    for position in 0..context.count(ACCEPTED) {
        let path = format!("{ACCEPTED}.{position}");
        let Some(accepted) = context.read::<AcceptedDifference>(&path) else { continue };
        let difference = accepted.difference().clone();
        if let AcceptedDifference::Sentence(_) = accepted {
            let message = "a sentence is deprecated: an entry names both sides with keys";
            let help = format!("write {}", difference.entry());
            context.report(context.at(Code::RolloutAcceptedDifference, &path, message).help(help).warning());
        }
        // A target's name that is wrong by itself is reported where it is.
        let all_are_known = count > 0 && names.len() == count;
        let unknown =
            difference.target().filter(|target| all_are_known && !names.iter().any(|name| name.as_str() == *target));
        if let Some(target) = unknown {
            let message = format!("{} is not a production target", quoted(target));
            let help = format!("write {}", alternatives(names.iter().map(Name::as_str)));
            context.report(context.at(Code::RolloutAcceptedDifference, &path, message).help(help));
        }
        if let (Difference::NoStickiness { target_group, .. }, Some(group)) = (&difference, &group)
            && target_group != group
        {
            let message = format!("{} is not the target group", quoted(target_group));
            let help = format!("write `target_group: {group}`, or remove it");
            context.report(context.at(Code::RolloutAcceptedDifference, &path, message).help(help));
        }
        if seen.contains(&difference) {
            let mistake = context.at(Code::RolloutAcceptedDifference, &path, "this is accepted twice");
            context.report(mistake.help("remove one of the two").warning());
        }
        seen.push(difference);
    }
}
