//! What goes over the wire, and what is understood of what comes back.

use migrate::ports::{ErrorKind, LoadResult};

use crate::server::{Asked, Reply, Server, answer, ok};

fn errors(result: &LoadResult) -> Vec<(ErrorKind, u64)> {
    result.total().errors.iter().map(|(kind, tally)| (*kind, tally.count)).collect()
}

fn example(result: &LoadResult, kind: ErrorKind) -> String {
    result.total().errors[&kind].examples[0].clone()
}

#[tokio::test]
async fn a_whole_journey_as_a_browser_does_it() {
    let server = Server::start(|asked: &Asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/login?next=%2F") => Reply::Bytes(answer(
            "200 OK",
            "Set-Cookie: session=s1; Path=/; HttpOnly\r\nX-Request-Id: r-7\r\n",
            r#"<input name="csrf" value="a b&c">"#,
        )),
        ("POST", "/login") => {
            Reply::Bytes(answer("302 Found", "Location: home\r\nSet-Cookie: session=s2; Path=/\r\n", ""))
        }
        ("GET", "/home") => ok(r#"{"user":{"id":"user-1"},"n":3}"#),
        ("PUT", _) => Reply::Bytes(answer("201 Created", "", r#"{"ok":true}"#)),
        ("DELETE", _) => Reply::Bytes(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
        _ => ok("over"),
    })
    .await;
    let result = server
        .once(
            r#"
            {get: /login?next=%2F, extract: {csrf: {regex: 'value="([^"]+)"'}, rid: {header: x-request-id}, sid: {cookie: session}}},
            {name: sign in, post: /login, form: {user: "user-${user}", csrf: "${csrf}"}, headers: {X-Trace: "${rid}"},
             extract: {identity: {json: /user/id}, n: {json: /n}},
             expect: {status: 200, json: {/user/id: "user-${user}", /n: 3}, body_contains: "user-${user}"}},
            {put: "/note/${csrf}", json: {n: "${n}", sid: "${sid}"}, expect: {status: 201, json: {/ok: true}}},
            {delete: "/note/${iteration}"}
            "#,
        )
        .await;
    assert_eq!(errors(&result), [], "{:?}", result.total().errors);
    let asked = server.asked();
    let lines: Vec<String> = asked.iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect();
    assert_eq!(
        lines,
        ["GET /login?next=%2F", "POST /login", "GET /home", "PUT /note/a%20b%26c", "DELETE /note/1", "GET /over"]
    );
    assert_eq!(asked[0].header("cookie"), None);
    assert_eq!(asked[0].header("host"), Some(format!("127.0.0.1:{}", server.port).as_str()));
    assert_eq!((asked[1].header("cookie"), asked[1].header("x-trace")), (Some("session=s1"), Some("r-7")));
    assert_eq!(asked[1].body, "csrf=a+b%26c&user=user-1");
    assert_eq!((asked[2].header("cookie"), asked[2].body.as_str()), (Some("session=s2"), ""));
    assert_eq!(asked[3].body, r#"{"n":"3","sid":"s1"}"#);
    assert!(asked.iter().all(|asked| asked.connection == 0), "one connection is kept");
    assert_eq!((result.connections, result.journeys_failed), (1, 0));
    assert_eq!(result.identities[&1].iter().collect::<Vec<_>>(), ["user-1"]);
    assert_eq!(result.requests["test/sign in"].statuses[&200], 1);
}

#[tokio::test]
async fn bodies_of_every_framing_are_read() {
    let server = Server::start(|asked: &Asked| match asked.path.as_str() {
        "/chunked" => Reply::Bytes(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n3\r\npie\r\n0\r\n\r\n".to_vec(),
        ),
        "/closed" => Reply::Last(b"HTTP/1.1 200 OK\r\n\r\nuntil the end".to_vec()),
        "/old" => Reply::Last(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold".to_vec()),
        "/large" => ok(&format!("{}end", "x".repeat(300_000))),
        _ => ok("over"),
    })
    .await;
    let result = server
        .once(
            "{get: /chunked, expect: {body_contains: wikipie}}, {get: /closed, expect: {body_contains: the end}},
             {get: /old, expect: {body_contains: old}}, {get: /large, expect: {body_contains: xend}},
             {get: /large}",
        )
        .await;
    assert_eq!(errors(&result), [], "{:?}", result.total().errors);
    assert_eq!(result.connections, 3);
    assert!(result.bytes_received > 600_000);
}

#[tokio::test]
async fn every_disappointment_has_its_kind() {
    for (reply, request, kind, words) in [
        (
            answer("500 Oops", "", "Traceback"),
            "get: /",
            ErrorKind::Status,
            "500, expected below 400: status 500, `Traceback`",
        ),
        (answer("200 OK", "", ""), "get: /, expect: {status: 302}", ErrorKind::Status, "200, expected 302: status 200"),
        (
            answer("200 OK", "", "a"),
            "get: /, expect: {body_contains: b}",
            ErrorKind::Expectation,
            "`b` is not in the body: status 200, `a`",
        ),
        (
            answer("200 OK", "A: b\r\n", ""),
            "get: /, expect: {header: {a: c}}",
            ErrorKind::Expectation,
            "a is `b`, expected `c`",
        ),
        (
            answer("200 OK", "", r#"{"u":null}"#),
            "get: /, expect: {json: {/u: x}}",
            ErrorKind::Expectation,
            "/u is null, expected \"x\"",
        ),
        (
            answer("200 OK", "", "{}"),
            "get: /, extract: {x: {json: /y}}",
            ErrorKind::Extraction,
            "`x` is not in the answer",
        ),
        (b"220 smtp\r\n\r\n".to_vec(), "get: /", ErrorKind::Protocol, "the answer is not HTTP"),
        (
            answer("302 Found", "Location: http://other/\r\n", ""),
            "get: /",
            ErrorKind::Redirect,
            "a redirect to another place: http://other/",
        ),
        (answer("302 Found", "Location: /\r\n", ""), "get: /", ErrorKind::Redirect, "more than 10 redirects"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_vec(),
            "get: /",
            ErrorKind::Timeout,
            "no answer within 700ms",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"
                .iter()
                .chain(&vec![b'x'; 9 << 20])
                .copied()
                .collect(),
            "get: /",
            ErrorKind::BodyTooLarge,
            "larger than 8388608 bytes",
        ),
    ] {
        let server = Server::start(move |_: &Asked| Reply::Bytes(reply.clone())).await;
        let result = server.once(&format!("{{{request}}}")).await;
        assert_eq!(errors(&result).first().map(|(kind, _)| *kind), Some(kind), "{request}");
        let example = example(&result, kind);
        assert!(example.contains(words), "{example}");
        assert!(result.journeys_failed >= 1 && result.journeys_completed == 0);
    }
}

#[tokio::test]
async fn a_closed_connection_and_a_closed_port_are_told_apart() {
    let server = Server::start(|_: &Asked| Reply::Last(b"HTTP/1.1 2".to_vec())).await;
    let result = server.once("{post: /}").await;
    assert_eq!(errors(&result)[0].0, ErrorKind::Closed);
    assert_eq!(example(&result, ErrorKind::Closed), "the connection was closed after 10 bytes of the head");
    let gone = Server::start(|_: &Asked| ok("")).await;
    gone.stop().await;
    let result = gone.once("{get: /}").await;
    assert_eq!(errors(&result), [(ErrorKind::Connect, 1)]);
}

#[tokio::test]
async fn a_connection_the_server_gave_up_is_opened_again() {
    // An answer that keeps the connection, and then closes it all the same.
    let server = Server::start(|_: &Asked| Reply::Last(answer("200 OK", "", "x"))).await;
    let result = server.once("{get: /a, think: 20ms}, {post: /b, think: 20ms}, {get: /c, think: 20ms}").await;
    assert_eq!(errors(&result), [], "{:?}", result.total().errors);
    assert_eq!(result.connections, 4);
}

#[tokio::test]
async fn somebody_elses_session_is_noticed() {
    let server = Server::start(|asked: &Asked| match asked.path.as_str() {
        "/second" => ok(r#"{"user":"user-9"}"#),
        _ => ok(r#"{"user":"user-1"}"#),
    })
    .await;
    let who = "extract: {identity: {json: /user}}";
    let result = server.once(&format!("{{get: /first, {who}}}, {{get: /second, {who}}}")).await;
    assert_eq!(example(&result, ErrorKind::Identity), "taken for `user-9`, and for `user-1` before");
    assert_eq!(result.mixed_up().count(), 1);
}

#[tokio::test]
async fn an_expected_redirect_is_not_followed() {
    let server = Server::start(|_: &Asked| Reply::Bytes(answer("302 Found", "Location: /next\r\n", ""))).await;
    let result = server.once("{get: /, expect: {status: 302, header: {location: /next}}}").await;
    assert_eq!(result.requests["test/GET /"].statuses[&302], 1);
    assert!(server.asked().iter().all(|asked| asked.path != "/next" || asked.method == "GET"));
}
