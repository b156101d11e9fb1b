use std::fmt::Write as _;

use osier_types::{
    BucketVersioning, DataRedundancy, DeleteConditions, FaultKind, ObjectKey, ObjectToDelete,
    StorageClass, VersionId,
};
use proptest::prelude::*;

use super::super::decode::headers::object_key;
use super::*;
use crate::xml::documents::{self, complete, cors, tagging, versioning, well_formed};

fn is_malformed<T: std::fmt::Debug>(read: Result<T, Fault>) -> bool {
    matches!(read.unwrap_err().kind, FaultKind::MalformedXml { .. })
}

/// `Delete` with the keys of OSS.
fn delete(document: &[u8]) -> Result<documents::Deletion, Fault> {
    documents::delete(document, object_key, |_| Ok(DeleteConditions::default()))
}

fn status(document: &str) -> Result<BucketVersioning, Fault> {
    versioning(document.as_bytes())
}

fn deleted(inner: &str) -> Result<Vec<String>, Fault> {
    let document = format!("<Delete>{inner}</Delete>");
    let (objects, _) = delete(document.as_bytes())?;
    let keys = objects.iter().map(|object| object.key.to_string());
    Ok(keys.collect())
}

#[test]
fn documents_in_every_dress() {
    for document in [
        "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
        "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<VersioningConfiguration>\r\n  <Status>\n Enabled </Status>\n</VersioningConfiguration>\n",
        "<?xml version='1.0'?><!-- c --><VersioningConfiguration xmlns=\"http://doc.oss-cn-hangzhou.aliyuncs.com\"><Status><![CDATA[Enabled]]></Status><More a='1'><Status>x</Status></More></VersioningConfiguration>",
        "<o:VersioningConfiguration xmlns:o='urn:o'><o:Status>&#69;n&#x61;bled</o:Status><Empty/></o:VersioningConfiguration>",
        "<?xml-stylesheet href='x'?><VersioningConfiguration><Status>En<!-- c -->abled</Status></VersioningConfiguration><!-- end -->",
    ] {
        assert_eq!(
            status(document).unwrap(),
            BucketVersioning::Enabled,
            "{document}"
        );
    }
}

#[test]
fn refused_documents() {
    let deep = format!("{}{}", "<a>".repeat(100), "</a>".repeat(100));
    let wide = format!(
        "<VersioningConfiguration>{}</VersioningConfiguration>",
        "<a/>".repeat(70_000)
    );
    for document in [
        "",
        " ",
        "text",
        "{}",
        "<VersioningConfiguration>",
        "<VersioningConfiguration/>",
        "<VersioningConfiguration><Status/></VersioningConfiguration>",
        "<VersioningConfiguration><Status>Enabled</VersioningConfiguration>",
        "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>x",
        "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration><b/>",
        "<VersioningConfiguration><Status>Enabled</Status><Status>Suspended</Status></VersioningConfiguration>",
        "<Other><Status>Enabled</Status></Other>",
        "</a>",
        "<VersioningConfiguration><Status>&unknown;</Status></VersioningConfiguration>",
        "<VersioningConfiguration><Status>&#0;</Status></VersioningConfiguration>",
        "<VersioningConfiguration><Status>&#xFFFFFFFF;</Status></VersioningConfiguration>",
        "<VersioningConfiguration><Status>a & b</Status></VersioningConfiguration>",
        "<!DOCTYPE x><VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
        "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><VersioningConfiguration><Status>&e;</Status></VersioningConfiguration>",
        "<!DOCTYPE l [<!ENTITY a \"aa\"><!ENTITY b \"&a;&a;&a;\">]><VersioningConfiguration><Status>&b;</Status></VersioningConfiguration>",
        &deep,
        &wide,
    ] {
        let shown: String = document.chars().take(80).collect();
        assert!(is_malformed(status(document)), "{shown}");
    }
    assert!(is_malformed(versioning(b"\xff\xfe<\0a\0")));
    assert!(is_malformed(versioning(
        b"<VersioningConfiguration><Status>\xff</Status></VersioningConfiguration>"
    )));
    let wrong = status("<VersioningConfiguration><Status>On</Status></VersioningConfiguration>");
    assert!(
        matches!(wrong.unwrap_err().kind, FaultKind::InvalidArgument { name, .. } if name == "Status")
    );
}

#[test]
fn bucket_configuration() {
    assert_eq!(create_bucket(b"").unwrap(), (None, None));
    let both = b"<CreateBucketConfiguration><StorageClass>IA</StorageClass><DataRedundancyType>ZRS</DataRedundancyType></CreateBucketConfiguration>";
    let expected = (Some(StorageClass::Ia), Some(DataRedundancy::Zrs));
    assert_eq!(create_bucket(both).unwrap(), expected);
    let odd =
        b"<CreateBucketConfiguration><StorageClass>Hot</StorageClass></CreateBucketConfiguration>";
    assert!(create_bucket(odd).is_err());
}

#[test]
fn keys_to_delete_are_kept_to_the_byte() {
    let keys = deleted(
        "<Object><Key>a/b c</Key></Object><Quiet>true</Quiet>\
         <Object><Key> &lt;&amp;&gt;&quot;&apos;&#13;&#10; </Key><VersionId>null</VersionId></Object>\
         <Object><Key>\u{4e2d}%2F<![CDATA[<x>]]></Key><VersionId/></Object>",
    );
    let expected = ["a/b c", " <&>\"'\r\n ", "\u{4e2d}%2F<x>"];
    assert_eq!(keys.unwrap(), expected);
    let (objects, quiet) = delete(
        b"<Delete><Quiet>True</Quiet><Object><Key>k</Key><VersionId>CAEQ0000000000000001</VersionId></Object></Delete>",
    )
    .unwrap();
    let key = ObjectKey::parse(b"k").unwrap();
    let wanted = ObjectToDelete {
        key,
        version: Some(VersionId::Numbered(1)),
        conditions: DeleteConditions::default(),
    };
    assert_eq!(objects, [wanted]);
    assert!(quiet);
}

#[test]
fn deletions_are_bounded_and_checked() {
    let many = |count| "<Object><Key>k</Key></Object>".repeat(count);
    assert_eq!(deleted(&many(1000)).unwrap().len(), 1000);
    assert!(is_malformed(deleted(&many(1001))));
    assert!(is_malformed(deleted("")));
    assert!(is_malformed(deleted("<Object/>")));
    assert!(is_malformed(deleted(
        "<Object><Key>a</Key><Key>b</Key></Object>"
    )));
    for key in ["/a", "\\a", "", &"a".repeat(1025)] {
        let read = deleted(&format!("<Object><Key>{key}</Key></Object>"));
        assert_eq!(
            read.unwrap_err().kind,
            FaultKind::InvalidObjectName,
            "{key}"
        );
    }
    let unknown = deleted("<Object><Key>k</Key><VersionId>CAEQx</VersionId></Object>");
    let expected = FaultKind::NoSuchVersion {
        version: "CAEQx".to_owned(),
    };
    assert_eq!(unknown.unwrap_err().kind, expected);
}

#[test]
fn parts() {
    let read = |inner: &str| {
        let document = format!("<CompleteMultipartUpload>{inner}</CompleteMultipartUpload>");
        complete(document.as_bytes())
    };
    let part =
        |number: &str| format!("<Part><PartNumber>{number}</PartNumber><ETag>\"A\"</ETag></Part>");
    assert_eq!(
        read("<Part><PartNumber> 1 </PartNumber><ETag>&quot;AB&quot;</ETag></Part><Part><ETag>cd</ETag><PartNumber>10000</PartNumber></Part>").unwrap(),
        [(1, "\"AB\"".to_owned()), (10_000, "cd".to_owned())]
    );
    for number in ["0", "10001", "65537", "-1", "x", "99999999999999999999"] {
        let kind = read(&part(number)).unwrap_err().kind;
        assert!(
            matches!(kind, FaultKind::InvalidArgument { .. }),
            "{number}"
        );
    }
    assert!(is_malformed(read("")));
    assert!(is_malformed(read(
        "<Part><PartNumber>1</PartNumber></Part>"
    )));
    let mut all = String::new();
    for number in 1..=10_000 {
        write!(all, "{}", part(&number.to_string())).unwrap();
    }
    assert_eq!(read(&all).unwrap().len(), 10_000);
    assert!(is_malformed(read(&(all + &part("1")))));
}

#[test]
fn tags() {
    let read = |inner: &str| {
        tagging(
            format!("<Tagging><TagSet>{inner}</TagSet></Tagging>").as_bytes(),
            2,
        )
    };
    let tag = |key: &str| format!("<Tag><Key>{key}</Key><Value>v</Value></Tag>");
    assert_eq!(read("").unwrap().as_slice().len(), 0);
    assert_eq!(
        read("<Tag><Key> a </Key><Value/></Tag>")
            .unwrap()
            .as_slice()[0]
            .key,
        " a "
    );
    assert!(is_malformed(tagging(b"<Tagging/>", 2)));
    for inner in [
        tag(""),
        tag("!"),
        tag("a") + &tag("a"),
        tag("a") + &tag("b") + &tag("c"),
    ] {
        let kind = read(&inner).unwrap_err().kind;
        assert!(matches!(kind, FaultKind::InvalidTag { .. }), "{inner}");
    }
}

#[test]
fn cors_rules() {
    let read =
        |inner: &str| cors(format!("<CORSConfiguration>{inner}</CORSConfiguration>").as_bytes());
    let rule = "<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</AllowedMethod><AllowedHeader>x-*</AllowedHeader><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>5</MaxAgeSeconds></CORSRule>";
    let config = read(&format!("{rule}<ResponseVary>true</ResponseVary>")).unwrap();
    assert!(config.response_vary);
    assert_eq!(config.rules[0].allowed_methods, ["GET", "PUT"]);
    assert_eq!(config.rules[0].expose_headers, ["ETag"]);
    assert_eq!(config.rules[0].max_age_seconds, Some(5));
    assert_eq!(read(&rule.repeat(20)).unwrap().rules.len(), 20);
    assert!(read(&rule.repeat(21)).is_err());
    for bad in [
        String::new(),
        "<CORSRule/>".to_owned(),
        rule.replace("GET", "PATCH"),
        rule.replace(">*<", ">http://*.a.*<"),
        rule.replace(">*<", ">a&#10;b<"),
        rule.replace("ETag", "*"),
        rule.replace("ETag", "a&#13;&#10;Set-Cookie: x"),
        rule.replace(">5<", ">-1<"),
    ] {
        assert!(read(&bad).is_err(), "{bad}");
    }
}

#[test]
fn kept_documents_are_documents() {
    assert!(well_formed(b"<A><B/></A>", "A").is_ok());
    assert!(well_formed(b"<A><B/></A>", "B").is_err());
    assert!(well_formed(b"<A><B></A>", "A").is_err());
}

proptest! {
    /// Any key survives, however its characters are written.
    #[test]
    fn keys_round_trip(key in "[^/\\\\\u{0}-\u{1f}]\\PC{0,30}", by_number: bool) {
        let written: String = if by_number {
            key.chars().fold(String::new(), |text, c| text + &format!("&#{};", u32::from(c)))
        } else {
            key.replace('&', "&amp;").replace('<', "&lt;").replace("]]>", "]]&gt;")
        };
        let read = deleted(&format!("<Object><Key>{written}</Key></Object>"));
        prop_assert_eq!(read.unwrap(), [key]);
    }

    /// S22, S35.
    #[test]
    fn nothing_panics(document in "(<[A-Za-z!?/]{0,6}>|[<>&;#\\[\\]\"'=/a-z !?-]|&#x?[0-9a-f]{0,9};|<Object><Key>|</Key></Object>|<Delete>|</Delete>){0,30}", noise in prop::collection::vec(any::<u8>(), 0..100)) {
        for bytes in [document.as_bytes(), &noise] {
            let _ = delete(bytes);
            let _ = complete(bytes);
            let _ = cors(bytes);
            let _ = well_formed(bytes, "Delete");
        }
    }
}
