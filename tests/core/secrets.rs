//! A secret is never printed.

use migrate::core::Secret;

const TOKEN: &str = "hunter2-hunter2";

#[test]
fn no_way_of_formatting_shows_it() {
    let secret = Secret::new(TOKEN.to_owned());
    for text in [format!("{secret}"), format!("{secret:?}"), format!("{secret:#?}"), format!("{:?}", Some(&secret))] {
        assert!(text.contains("[redacted]") && !text.contains("hunter2"), "{text}");
    }
}

#[test]
fn the_one_call_that_needs_it_gets_it() {
    assert_eq!(Secret::new(TOKEN.to_owned()).clone().expose(), TOKEN);
}
