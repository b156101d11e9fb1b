use super::{Argument, Feature, Function};

fn read(name: &str, arguments: &[(&str, &str)]) -> Result<Feature, String> {
    let arguments: Vec<Argument> = arguments
        .iter()
        .map(|(name, value)| Argument {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
        })
        .collect();
    let function = Function::find(name).map_err(|fault| fault.code())?;
    function.read(&arguments).map_err(|fault| fault.code())
}

#[test]
fn names_are_unique_and_exclusions_mutual() {
    for function in Function::all() {
        let same = Function::all().iter().filter(|it| it.name == function.name);
        assert_eq!(same.count(), 1, "{function:?}");
        if let Some(other) = function.excludes {
            assert_eq!(Function::find(other).unwrap().excludes, Some(function.name));
        }
    }
}

#[test]
fn what_does_nothing_here_is_never_taken() {
    for (name, arguments) in [
        ("edge_function", &[][..]),
        ("brotli", &[("enable", "on")]),
        ("video_seek", &[("enable", "on")]),
        ("ipv6", &[("switch", "on")]),
        ("gzip", &[("enable", "on"), ("level", "9")]),
        ("gzip", &[("enable", "yes")]),
        ("gzip", &[]),
        ("https_force", &[("enable", "on"), ("https_rewrite", "302")]),
        ("set_resp_header", &[("key", "Connection"), ("value", "x")]),
        ("set_resp_header", &[("key", "a b"), ("value", "x")]),
        ("set_resp_header", &[("key", "a"), ("value", "x\r\ny")]),
        (
            "aliauth",
            &[("auth_type", "type_d"), ("auth_key1", "abcdef123")],
        ),
        ("aliauth", &[("auth_type", "type_a")]),
        (
            "aliauth",
            &[("auth_type", "type_a"), ("auth_key1", "short")],
        ),
        (
            "filetype_based_ttl_set",
            &[("ttl", "-1"), ("file_type", "jpg")],
        ),
        (
            "filetype_based_ttl_set",
            &[("ttl", "1"), ("file_type", ",")],
        ),
        (
            "filetype_based_ttl_set",
            &[("ttl", "1"), ("file_type", "jpg"), ("weight", "100")],
        ),
        ("path_based_ttl_set", &[("ttl", "1"), ("path", "a")]),
        (
            "l2_oss_key",
            &[("private_oss_auth", "on"), ("perm_private_oss_tbl", "x")],
        ),
    ] {
        assert!(read(name, arguments).is_err(), "{name} {arguments:?}");
    }
}

#[test]
fn what_is_off_says_nothing() {
    for (name, arguments) in [
        ("gzip", &[("enable", "off")][..]),
        ("https_force", &[("enable", "off")]),
        ("aliauth", &[("auth_type", "no_auth"), ("auth_key1", "")]),
        ("l2_oss_key", &[("private_oss_auth", "off")]),
        (
            "set_hashkey_args",
            &[("disable", "off"), ("keep_oss_args", "on")],
        ),
        ("video_seek", &[("enable", "off")]),
    ] {
        assert_eq!(read(name, arguments), Ok(Feature::Nothing), "{name}");
    }
}
