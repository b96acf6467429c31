//! One user whose every answer is looked at.

use migrate::adapters::HttpBrowsers;
use migrate::core::rollout::JourneyRequest;
use migrate::core::{FailureClass, Secret};
use migrate::ports::{Answer, Browser, BrowserCookie, Browsers};

use crate::server::{Asked, Reply, Server, answer, ok};

async fn open(server: &Server, cookies: Vec<BrowserCookie>) -> Box<dyn Browser> {
    HttpBrowsers::direct().open(&server.target(), 7, cookies).await.unwrap()
}

async fn ask(browser: &mut Box<dyn Browser>, request: &str) -> Answer {
    browser.request(&serde_yaml::from_str::<JourneyRequest>(request).unwrap()).await.unwrap()
}

/// Logs in by a form, knows who is logged in by a cookie, and has no other page.
async fn application() -> Server {
    Server::start(|asked: &Asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/login") => ok(r#"<input name="csrf" value="k3y">"#),
        ("POST", "/login") => Reply::Bytes(answer(
            "302 Found",
            "Location: /home\r\nSet-Cookie: session=s1.signature; Path=/; HttpOnly\r\n",
            "",
        )),
        ("GET", "/home") => match asked.header("cookie") {
            Some(cookie) => Reply::Bytes(answer("200 OK", "X-Worker: 12\r\n", &format!("{{\"cookie\":\"{cookie}\"}}"))),
            None => Reply::Bytes(answer("401 Unauthorized", "Set-Cookie: theme=dark; Path=/\r\n", "who are you?")),
        },
        ("GET", "/logout") => Reply::Bytes(answer("200 OK", "Set-Cookie: session=; Path=/; Max-Age=0\r\n", "bye")),
        ("GET", "/broken") => Reply::Last(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf".to_vec()),
        ("GET", "/round") => Reply::Bytes(answer("302 Found", "Location: /round\r\n", "")),
        ("GET", "/large") => ok(&"\u{e9}".repeat(1 << 20)),
        _ => Reply::Bytes(answer("404 Not Found", "", "no such page")),
    })
    .await
}

#[tokio::test]
async fn cookies_extracted_values_and_redirects_are_kept_from_request_to_request() {
    let server = application().await;
    let mut browser = open(&server, Vec::new()).await;
    assert_eq!(ask(&mut browser, r#"{get: /login, extract: {csrf: {regex: 'value="([^"]+)"'}}}"#).await.problem, None);
    let home = ask(
        &mut browser,
        r#"{post: /login, form: {csrf: "${csrf}", user: "u-${user}"}, expect: {json: {/cookie: "session=s1.signature"}}}"#,
    )
    .await;
    assert_eq!((home.status, home.problem), (200, None));
    assert_eq!(home.body, r#"{"cookie":"session=s1.signature"}"#);
    assert!(home.headers.contains(&("x-worker".into(), "12".into())), "{:?}", home.headers);
    assert_eq!(server.asked()[1].body, "csrf=k3y&user=u-7");
    let kept: Vec<(String, String, String)> = browser
        .cookies()
        .into_iter()
        .map(|cookie| (cookie.name, cookie.value.expose().to_owned(), cookie.path))
        .collect();
    assert_eq!(kept, [("session".into(), "s1.signature".into(), "/".into())]);
    ask(&mut browser, "{get: /logout}").await;
    assert!(browser.cookies().is_empty(), "a cookie that the server deleted is kept");
}

#[tokio::test]
async fn cookies_are_taken_up_by_another_browser_over_a_connection_of_its_own() {
    let server = application().await;
    let mut first = open(&server, Vec::new()).await;
    ask(&mut first, "{post: /login}").await;
    let mut second = open(&server, first.cookies()).await;
    assert_eq!(ask(&mut second, "{get: /home, expect: {status: 200}}").await.problem, None);
    let given = BrowserCookie { name: "other".into(), value: Secret::new("x".into()), path: "/elsewhere".into() };
    let mut third = open(&server, vec![given]).await;
    assert_eq!(ask(&mut third, "{get: /home}").await.status, 401, "the cookie is for another path");
    let connections: Vec<usize> = server.asked().iter().map(|asked| asked.connection).collect();
    assert_eq!(connections, [0, 0, 1, 2]);
}

#[tokio::test]
async fn an_answer_that_is_not_as_expected_is_a_problem_and_no_failure() {
    let server = application().await;
    let mut browser = open(&server, Vec::new()).await;
    let refused = ask(&mut browser, "{get: /home}").await;
    assert_eq!((refused.status, refused.body.as_str()), (401, "who are you?"));
    assert!(refused.problem.unwrap().contains("401, expected below 400"));
    assert!(!refused.headers.iter().any(|(name, value)| name == "set-cookie" || value.contains("dark")));
    assert_eq!(browser.cookies().len(), 1, "the cookies of a bad answer count, too");
    let missing = ask(&mut browser, "{get: /login, extract: {csrf: {regex: 'token=(\\d+)'}}}").await;
    assert!(missing.problem.unwrap().contains("`csrf` is not in the answer"));
    let other = ask(&mut browser, "{get: /login, expect: {body_contains: welcome}}").await;
    assert!(other.problem.unwrap().contains("`welcome` is not in the body"));
    assert_eq!(ask(&mut browser, "{get: /nothing, expect: {status: 404}}").await.problem, None);
    let round = ask(&mut browser, "{get: /round}").await;
    assert!(round.problem.unwrap().contains("redirects"));
    assert_eq!(ask(&mut browser, "{get: /large}").await.body.len(), 1 << 20, "no more of a body is kept");
}

#[tokio::test]
async fn half_an_answer_and_none_at_all_may_be_tried_again() {
    let server = application().await;
    let mut browser = open(&server, Vec::new()).await;
    let request = |path: &str| JourneyRequest { get: Some(path.into()), ..JourneyRequest::default() };
    let half = browser.request(&request("/broken")).await.unwrap_err();
    assert_eq!(half.class, FailureClass::Transient, "{half}");
    assert!(half.message.contains("test: `GET /broken` got no answer: connection closed"), "{half}");
    assert_eq!(browser.request(&request("/login")).await.unwrap().status, 200, "the next request has a new connection");
    drop(browser);
    let mut browser = open(&server, Vec::new()).await;
    server.stop().await;
    assert_eq!(browser.request(&request("/login")).await.unwrap_err().class, FailureClass::Transient);
    let unsendable = JourneyRequest { get: Some("/${broken".into()), ..JourneyRequest::default() };
    assert_eq!(browser.request(&unsendable).await.unwrap_err().class, FailureClass::Permanent);
}

#[tokio::test]
async fn what_one_browser_extracted_another_can_take_up() {
    let server = application().await;
    let mut first = open(&server, Vec::new()).await;
    ask(&mut first, r#"{get: /login, extract: {csrf: {regex: 'value="([^"]+)"'}}}"#).await;
    ask(&mut first, "{get: '/${never}', expect: {status: 404}}").await;
    let extracted = first.extracted();
    let names: Vec<&str> = extracted.keys().map(String::as_str).collect();
    assert_eq!((names, extracted["csrf"].expose()), (vec!["csrf"], "k3y"));
    let mut second = open(&server, Vec::new()).await;
    second.recall(&extracted);
    ask(&mut second, r#"{post: /login, form: {csrf: "${csrf}"}, expect: {status: 302}}"#).await;
    assert_eq!(server.asked().last().unwrap().body, "csrf=k3y");
    assert_eq!(second.extracted()["csrf"].expose(), "k3y");
}
