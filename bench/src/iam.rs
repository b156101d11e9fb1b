//! What policies cost: the CPU of a signed GET by a user with twenty statements on a bucket
//! with twenty, beside one by the root key of the account on a bucket without.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use osier_types::Timestamp;

use crate::load::{Plan, Prepared, Stop, count, run as drive};
use crate::process::cpu_seconds;
use crate::server::Server;
use crate::sign::Signer;
use crate::store::{noise, now, work_directory};

const ACCOUNT: &str = "1234567890123456";
const KEYS: usize = 64;
const SIZE: usize = 4096;
const CONNECTIONS: usize = 32;
/// Statements of each document. The last of the user's is the one that grants.
const STATEMENTS: usize = 20;

/// Measures in turns, so that a disturbance hits all alike, and prints the medians.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let directory = tempfile::Builder::new()
        .prefix("osier-bench")
        .tempdir_in(work_directory()?)?;
    let signer = |id: &str| Signer {
        id: id.to_owned(),
        secret: "bench-secret-of-one-run-only".to_owned(),
    };
    let (machine, root, user) = (
        signer("BENCHMACHINE"),
        signer("BENCHROOT"),
        signer("BENCHUSER"),
    );
    let seed = directory.path().join("accounts.toml");
    std::fs::write(&seed, accounts(&root, &user))?;
    let arguments = ["--seed".as_ref(), seed.as_os_str()];
    let server = Server::osier_with(&directory.path().join("data"), &machine, &arguments)?;
    let (rounds, seconds) = if quick { (3, 0.3) } else { (9, 1.0) };

    let mut works = Vec::new();
    for (name, bucket, key) in [
        ("root key, no policy", "plain", &root),
        ("user with 20 statements, no bucket policy", "plain", &user),
        (
            "user with 20 statements, bucket policy of 20",
            "governed",
            &user,
        ),
        ("root key, bucket policy of 20", "governed", &root),
    ] {
        prepare(&server, bucket, &root)?;
        let gets = (0..KEYS)
            .map(|nth| {
                let key_of = nth.to_string();
                let head = key.head("GET", bucket, &key_of, &[], None, now()?);
                Ok(Prepared {
                    head: head.into_bytes(),
                    body: Arc::default(),
                    expect_length: Some(u64::try_from(SIZE)?),
                })
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        works.push((name, Arc::new(gets), Vec::new()));
    }
    for _ in 0..rounds {
        for (_, gets, costs) in &mut works {
            costs.push(cpu_of(&server, gets, seconds)?);
        }
    }
    println!("| Signed GET of 4 KiB | CPU | beside the root key | goal |");
    println!("|---|---|---|---|");
    let mut yardstick = None;
    for (name, _, mut costs) in works {
        costs.sort_by(f64::total_cmp);
        let cost = costs.get(costs.len() / 2).copied().unwrap_or_default();
        let base = *yardstick.get_or_insert(cost);
        let goal = if name.contains("bucket policy of 20") && name.starts_with("user") {
            "1.15"
        } else {
            ""
        };
        println!("| {name} | {cost:.1} us | {:.2} | {goal} |", cost / base);
    }
    Ok(())
}

/// Microseconds of the server's CPU for each request.
fn cpu_of(server: &Server, requests: &Arc<Vec<Prepared>>, seconds: f64) -> anyhow::Result<f64> {
    let plan = |seconds: f64| Plan {
        address: server.address,
        requests: Arc::clone(requests),
        connections: CONNECTIONS,
        stop: Stop::After(Duration::from_secs_f64(seconds)),
        quick_ack: false,
    };
    drive(&plan(seconds / 4.0))?;
    let before = cpu_seconds(server.pid())?;
    let measured = drive(&plan(seconds))?;
    let used = cpu_seconds(server.pid())? - before;
    Ok(used * 1e6 / count(measured.requests.max(1)))
}

fn prepare(server: &Server, bucket: &str, root: &Signer) -> anyhow::Result<()> {
    let body = Arc::new(noise(SIZE));
    let mut puts = vec![request(
        root,
        "PUT",
        bucket,
        "",
        &[],
        &Arc::default(),
        now()?,
    )];
    if bucket == "governed" {
        let policy = Arc::new(bucket_policy().into_bytes());
        let query = [("policy", "")];
        puts.push(request(root, "PUT", bucket, "", &query, &policy, now()?));
    }
    for nth in 0..KEYS {
        puts.push(request(
            root,
            "PUT",
            bucket,
            &nth.to_string(),
            &[],
            &body,
            now()?,
        ));
    }
    drive(&Plan {
        address: server.address,
        requests: Arc::new(puts),
        connections: 1,
        stop: Stop::Once,
        quick_ack: false,
    })
    .map(drop)
}

fn request(
    signer: &Signer,
    method: &str,
    bucket: &str,
    key: &str,
    query: &[(&str, &str)],
    body: &Arc<Vec<u8>>,
    now: Timestamp,
) -> Prepared {
    let head = signer.head(method, bucket, key, query, Some(body.len()), now);
    Prepared {
        head: head.into_bytes(),
        body: Arc::clone(body),
        expect_length: None,
    }
}

fn accounts(root: &Signer, user: &Signer) -> String {
    let mut statements = String::new();
    for nth in 1..STATEMENTS {
        let _ = write!(
            statements,
            r#"{{"Effect":"Allow","Action":["oss:GetObject","oss:PutObject"],"Resource":["acs:oss:*:*:team-{nth}/*"],"Condition":{{"IpAddress":{{"acs:SourceIp":["10.{nth}.0.0/16"]}}}}}},"#
        );
    }
    statements.push_str(
        r#"{"Effect":"Allow","Action":["oss:GetObject"],"Resource":["acs:oss:*:*:plain/*","acs:oss:*:*:governed/*"]}"#,
    );
    format!(
        "[[account]]\nid = \"{ACCOUNT}\"\n\
         [[account.key]]\nid = \"{}\"\nsecret = \"{}\"\n\
         [[account.policy]]\nname = \"Reader\"\n\
         document = '''{{\"Version\":\"1\",\"Statement\":[{statements}]}}'''\n\
         [[account.user]]\nname = \"reader\"\npolicies = [\"Reader\"]\n\
         [[account.user.key]]\nid = \"{}\"\nsecret = \"{}\"\n",
        root.id, root.secret, user.id, user.secret
    )
}

fn bucket_policy() -> String {
    let statements: Vec<String> = (0..STATEMENTS)
        .map(|nth| {
            let effect = if nth % 4 == 0 { "Deny" } else { "Allow" };
            format!(
                r#"{{"Effect":"{effect}","Principal":["20{nth:02}173858490001"],"Action":["oss:GetObject"],"Resource":["acs:oss:*:*:governed/shared-{nth}/*"],"Condition":{{"IpAddress":{{"acs:SourceIp":["203.0.113.0/24"]}}}}}}"#
            )
        })
        .collect();
    format!(
        r#"{{"Version":"1","Statement":[{}]}}"#,
        statements.join(",")
    )
}
