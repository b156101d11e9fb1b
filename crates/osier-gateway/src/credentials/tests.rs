use std::net::TcpListener;

use super::*;

fn settings(text: &str) -> CredentialSettings {
    toml::from_str(text).unwrap()
}

fn of(source: KeySource) -> Credentials {
    Credentials::new(source)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(second)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn forms_of_keys() {
    for (text, token) in [
        (
            r#"{"AccessKeyId":"i","AccessKeySecret":"s","SecurityToken":"t","Expiration":"2026-11-27T08:00:00Z","Code":"Success"}"#,
            Some("t"),
        ),
        (
            r#"{"AccessKeyId":"i","SecretAccessKey":"s","Token":"t"}"#,
            Some("t"),
        ),
        (
            "[Credentials]\nlanguage=EN\naccessKeyID=i\naccessKeySecret = s\n",
            None,
        ),
        (
            "[default]\naws_access_key_id = i\naws_secret_access_key = s\naws_session_token=t\n[x]\naws_access_key_id = j\n",
            Some("t"),
        ),
        (
            "# a comment\naccess_key_id = \"i\"\naccess_key_secret = \"s\"",
            None,
        ),
    ] {
        let key = Told::read(text.as_bytes()).unwrap().key;
        assert_eq!(key.id, "i", "{text}");
        assert!(key.secret.matches(b"s"), "{text}");
        assert_eq!(key.token.is_some(), token.is_some(), "{text}");
    }
    for text in [
        "",
        "{}",
        "accessKeyID=i",
        r#"{"AccessKeyId":"i","AccessKeySecret":"s","Code":"Failed"}"#,
        r#"{"AccessKeyId":"i","AccessKeySecret":"s","Expiration":"soon"}"#,
    ] {
        assert!(Told::read(text.as_bytes()).is_none(), "{text}");
    }
}

#[test]
fn one_source_is_named() {
    let several = settings("file = 'x'\nmetadata = 'http://h'");
    assert_eq!(KeySource::new(&several), Err(InvalidCredentials::Several));
    let tls = settings("metadata = 'https://h'");
    let expected = InvalidCredentials::Metadata("https://h".to_owned());
    assert_eq!(KeySource::new(&tls), Err(expected));
}

#[test]
fn s18_secrets_of_settings_print_nothing_of_themselves() {
    let source = settings("access_key_id = 'id'\naccess_key_secret = 'hunter2'");
    assert!(!format!("{source:?}").contains("hunter2"));
    let source = KeySource::new(&source).unwrap();
    assert!(!format!("{source:?}").contains("hunter2"));
    let credentials = of(source);
    let key = runtime().block_on(credentials.key(&Resolver::default(), at(0)));
    assert!(key.unwrap().secret.matches(b"hunter2"));
    assert!(!format!("{credentials:?}").contains("hunter2"));
}

#[test]
fn a_file_is_read_again_when_it_changes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    std::fs::write(&path, "accessKeyID=a\naccessKeySecret=s").unwrap();
    let credentials = of(KeySource::File(path.clone()));
    let id = |second| {
        let key = runtime().block_on(credentials.key(&Resolver::default(), at(second)));
        key.map(|key| key.id.clone()).ok()
    };
    assert_eq!(id(0).as_deref(), Some("a"));
    std::fs::write(&path, "accessKeyID=other\naccessKeySecret=s").unwrap();
    assert_eq!(id(0).as_deref(), Some("a"), "it was looked at a moment ago");
    assert_eq!(id(2).as_deref(), Some("other"));
    std::fs::write(&path, "nothing").unwrap();
    assert_eq!(
        id(4).as_deref(),
        Some("other"),
        "a broken file takes no key away"
    );
    std::fs::remove_file(&path).unwrap();
    assert_eq!(id(6).as_deref(), Some("other"));
}

/// A metadata service on a thread of its own; answers `served` requests for the key.
fn service(answers: Vec<String>) -> (u16, std::thread::JoinHandle<Vec<String>>) {
    use std::io::{BufRead as _, BufReader, Write as _};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = std::thread::spawn(move || {
        let mut seen = Vec::new();
        let mut answers = answers.into_iter();
        while answers.len() > 0 {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                if reader.read_line(&mut head).unwrap() == 0 {
                    break;
                }
            }
            let request = head.lines().next().unwrap_or_default().to_owned();
            let (status, body) = if request.starts_with("PUT") {
                ("200 OK", "session".to_owned())
            } else if request.contains("/security-credentials/ ") {
                ("200 OK", "the-role\n".to_owned())
            } else {
                assert!(
                    head.contains("x-aliyun-ecs-metadata-token: session"),
                    "{head}"
                );
                ("200 OK", answers.next().unwrap())
            };
            seen.push(request);
            write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            )
            .unwrap();
        }
        seen
    });
    (port, thread)
}

fn temporary(id: &str, until: Timestamp) -> String {
    format!(
        r#"{{"AccessKeyId":"{id}","AccessKeySecret":"s","SecurityToken":"t","Expiration":"{}","Code":"Success"}}"#,
        until.iso8601()
    )
}

#[test]
fn a_temporary_key_is_replaced_before_it_ends_and_once_for_all() {
    let (port, thread) = service(vec![
        temporary("first", at(3600)),
        temporary("second", at(7200)),
    ]);
    let source = settings(&format!("metadata = 'http://127.0.0.1:{port}'"));
    let credentials = of(KeySource::new(&source).unwrap());
    let resolver = Resolver::default();
    let runtime = runtime();
    let ids = |second, times: usize| {
        let all = async {
            let mut asking: Vec<_> = (0..times)
                .map(|_| Box::pin(credentials.key(&resolver, at(second))))
                .collect();
            let mut ids = vec![None; times];
            std::future::poll_fn(|cx| {
                for (asking, id) in asking.iter_mut().zip(&mut ids) {
                    if id.is_none()
                        && let std::task::Poll::Ready(key) = asking.as_mut().poll(cx)
                    {
                        *id = Some(key.unwrap().id.clone());
                    }
                }
                if ids.iter().all(Option::is_some) {
                    std::task::Poll::Ready(())
                } else {
                    std::task::Poll::Pending
                }
            })
            .await;
            ids.into_iter().flatten().collect::<Vec<_>>()
        };
        runtime.block_on(all)
    };
    assert_eq!(ids(0, 20), vec!["first"; 20], "all wait for one");
    assert_eq!(ids(2000, 2), ["first"; 2]);
    let around = ids(3100, 20);
    assert_eq!(around.iter().filter(|id| *id == "second").count(), 1);
    assert_eq!(around.iter().filter(|id| *id == "first").count(), 19);
    assert_eq!(ids(3601, 3), ["second"; 3]);
    let seen = thread.join().unwrap();
    let of_keys = seen.iter().filter(|seen| seen.contains("/the-role "));
    assert_eq!(of_keys.count(), 2, "{seen:?}");
}

#[test]
fn without_an_answer_there_is_no_key_and_the_source_is_left_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let source = settings(&format!("metadata = 'http://127.0.0.1:{port}/key'"));
    let credentials = of(KeySource::new(&source).unwrap());
    let resolver = Resolver::default();
    let first = runtime().block_on(credentials.key(&resolver, at(0)));
    assert!(matches!(first, Err(NoKey::Metadata(_))), "{first:?}");
    let second = runtime().block_on(credentials.key(&resolver, at(0)));
    assert!(matches!(second, Err(NoKey::FailedBefore)), "{second:?}");
}
