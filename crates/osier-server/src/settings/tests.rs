use super::*;

fn problem(text: &str) -> String {
    let error = Settings::parse(Path::new("osier.toml"), text).unwrap_err();
    match error.suggestion() {
        Some(suggestion) => format!("{error} ({suggestion})"),
        None => error.to_string(),
    }
}

#[test]
fn an_empty_file_is_the_default() {
    let settings = Settings::parse(Path::new("x"), "").unwrap();
    assert_eq!(settings, Settings::default());
    assert_eq!(settings.listen, [ListenAddress::loopback(9000)]);
    assert_eq!(settings.connections(), ConnectionSettings::default());
}

#[test]
fn every_section_can_be_set() {
    let settings = Settings::parse(
        Path::new("x"),
        r#"
        data = "/srv/osier"
        listen = ["[::]:9000", ":80"]
        console_listen = "localhost:9001"
        region = "cn-beijing"
        region_only = true
        public_endpoint = "oss.example.com"
        [http]
        suffixes = ["oss.example.com"]
        cnames = { "img.example.com" = "pictures" }
        idle_timeout_s = 7
        trusted_proxies = ["127.0.0.1", "10.0.0.0/8", "fd00::/8"]
        vpcs = { "vpc-1" = ["10.9.0.0/16"] }
        [identity]
        vault_key = "/etc/osier/vault-key"
        seed = "accounts.toml"
        [access]
        block_public_access = true
        [log]
        filter = "warn,access=info"
        [limits]
        body_bytes_max = 1024
        [engine]
        inline_bytes_max = 100
        "#,
    )
    .unwrap();
    assert_eq!(settings.listen[0].to_string(), "[::]:9000");
    assert_eq!(settings.listen[1].to_string(), "[::]:80");
    assert_eq!(settings.console_listen, ListenAddress::loopback(9001));
    assert_eq!(settings.connections().idle_timeout, Duration::from_secs(7));
    let store = settings.store("e".to_owned());
    assert_eq!(
        (
            store.location.as_str(),
            store.body_bytes_max,
            store.block_public_access,
        ),
        ("oss-cn-beijing", 1024, true)
    );
    assert_eq!(settings.engine.inline_bytes_max, 100);
    let surroundings = settings.service().surroundings;
    assert_eq!(
        (settings.http.trusted_proxies.len(), surroundings.vpcs.len()),
        (3, 1)
    );
    assert_eq!(settings.vault_key(), Path::new("/etc/osier/vault-key"));
    assert_eq!(
        Settings::default().vault_key(),
        Path::new("osier-data/vault-key")
    );
}

#[test]
fn problems_name_their_place_and_what_was_meant() {
    assert_eq!(
        problem("\nlisen = [\"127.0.0.1:1\"]\n"),
        "osier.toml:2:1: unknown setting `lisen` (did you mean `listen`?)"
    );
    assert_eq!(
        problem("console-listen = \"127.0.0.1:1\""),
        "osier.toml:1:1: unknown setting `console-listen` (did you mean `console_listen`?)"
    );
    assert_eq!(
        problem("[http]\n  thread = 1\n"),
        "osier.toml:2:3: unknown setting `thread` (did you mean `threads`?)"
    );
    assert_eq!(
        problem("[engine]\nquux = 1"),
        "osier.toml:2:1: unknown setting `quux`"
    );
    assert!(problem("listen = [\"here:1\"]").starts_with(
        "osier.toml:1:12: `here:1` is not an address to listen on; names are not looked up"
    ));
    assert!(problem("region = 1").starts_with("osier.toml:1:10: invalid type: integer"));
    assert!(problem("[http]\nthreads = -1").starts_with("osier.toml:2:11: invalid value"));
    for wrong in ["*", "10.0.0.0/33", "proxy.example.com", ""] {
        let told = problem(&format!("[http]\ntrusted_proxies = [\"{wrong}\"]"));
        assert!(told.contains("is not a network"), "{told}");
    }
    assert!(problem("a = \"ü\"\nb = = 1").starts_with("osier.toml:2:5: "));
    assert_eq!(
        problem("# none\nlisten = []\n"),
        "osier.toml:2:1: `listen` names no address"
    );
}

#[test]
fn addresses_are_read_as_people_write_them() {
    for (text, address) in [
        ("127.0.0.1:9000", "127.0.0.1:9000"),
        ("[::1]:9000", "[::1]:9000"),
        (":9000", "[::]:9000"),
        ("*:9000", "[::]:9000"),
        ("localhost:0", "127.0.0.1:0"),
    ] {
        assert_eq!(text.parse::<ListenAddress>().unwrap().to_string(), address);
    }
    for (text, hint) in [
        ("9000", "did you mean `127.0.0.1:9000`?"),
        ("::1:9000:x", "the port must be a number"),
        ("fe80::x:9000", "did you mean `[fe80::x]:9000`?"),
        ("127.0.0.1:99999", "the port must be a number"),
        ("example.com:80", "names are not looked up"),
        ("", "write it as"),
    ] {
        let error = text.parse::<ListenAddress>().unwrap_err();
        assert!(error.contains(hint), "{text}: {error}");
    }
    assert!(ListenAddress("[::ffff:127.0.0.1]:1".parse().unwrap()).is_loopback());
    assert!(!ListenAddress("0.0.0.0:1".parse().unwrap()).is_loopback());
}

#[test]
fn the_manual_shows_the_defaults() {
    let manual = include_str!("../../../../docs/settings.md");
    let (_, rest) = manual.split_once("```toml\n").unwrap();
    let (file, _) = rest.split_once("```").unwrap();
    assert_eq!(
        Settings::parse(Path::new("x"), file).unwrap(),
        Settings::default()
    );
    // Not by leaving keys out.
    let shown = |line: &&str| !line.starts_with('#') && line.contains(" = ");
    let keys = file.lines().filter(shown).count();
    assert_eq!(keys, 65);
}
