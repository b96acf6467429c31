//! What an unquoted word is, by the YAML 1.2 core schema.
//! <https://yaml.org/spec/1.2.2/#103-core-schema>

use serde_json::Number;

use super::Value;

/// Reads an unquoted word.
pub fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).map_or_else(|| Value::Text(text.to_owned()), Value::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    // `010` is ten to some readers and eight to others. Left as text, so that a number there is asked for again.
    let ambiguous = digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    if ambiguous || !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let plain = text.strip_prefix('+').unwrap_or(text);
        return plain.parse::<u64>().ok().map(Number::from).or_else(|| plain.parse::<i64>().ok().map(Number::from));
    }
    decimal_fraction(digits).then(|| text.parse::<f64>().ok().and_then(Number::from_f64)).flatten()
}

/// `1.5`, `.5`, `1.`, `1e3`, `1.5e-3`.
fn decimal_fraction(digits: &str) -> bool {
    let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    !exponent.is_empty()
        && all_digits(exponent)
        && all_digits(whole)
        && all_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
}
