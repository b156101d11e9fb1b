use std::path::Path;

use super::*;
use crate::Settings;

/// Reads what was made by the rules of a settings file; certificates are not looked for.
fn imported(text: &str) -> (Settings, Vec<String>) {
    let imported = import_nginx(text).unwrap();
    let settings = Settings::parse(Path::new("osier.toml"), &imported.settings);
    let settings = settings.unwrap_or_else(|error| panic!("{error}\n{}", imported.settings));
    (settings, imported.notes)
}

/// A proxy in front of one bucket, as the documentation of OSS sets it up.
const PROXY: &str = r#"
upstream oss_backend {
    server your-bucket.oss-cn-hangzhou-internal.aliyuncs.com:80;
    keepalive 64;
}
log_format production '$remote_addr - $remote_user [$time_local] "$request" '
                      'rt=$request_time uct="$upstream_connect_time"';
server {
    listen 80;
    server_name oss.example.com;
    access_log /var/log/nginx/oss.log production;
    error_log /var/log/nginx/oss.error.log;
    resolver 100.100.2.136 100.100.2.138 valid=60s;
    location /health {
        access_log off;
        return 200 "healthy";
    }
    location / {
        proxy_pass http://oss_backend;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host "your-bucket.oss-cn-hangzhou-internal.aliyuncs.com";
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_connect_timeout 10s;
        proxy_send_timeout 30s;
        proxy_read_timeout 30s;
        client_max_body_size 1024m;
    }
}
"#;

#[test]
fn the_proxy_in_front_of_a_bucket_becomes_a_site() {
    let (settings, notes) = imported(PROXY);
    let [site] = settings.site.as_slice() else {
        panic!("one site");
    };
    assert_eq!(site.hosts, ["oss.example.com"]);
    let origin = "oss://your-bucket@oss-cn-hangzhou-internal";
    assert_eq!(site.origin.as_deref(), Some(origin));
    assert_eq!(site.origin_host, None);
    assert_eq!(
        (
            site.connect_timeout_s,
            site.send_timeout_s,
            site.read_timeout_s
        ),
        (10, 30, 30)
    );
    assert_eq!(site.body_bytes_max, 1 << 30);
    let gateway = &settings.gateway;
    let servers: Vec<String> = gateway
        .resolver
        .iter()
        .map(|server| server.0.to_string())
        .collect();
    assert_eq!(servers, ["100.100.2.136:53", "100.100.2.138:53"]);
    assert_eq!(gateway.resolver_valid_s, Some(60));
    assert!(site.request_headers.is_empty());
    assert_eq!(settings.gateway.listen[0].to_string(), "0.0.0.0:80");
    assert!(
        notes.iter().all(|note| !note.contains("not carried over")),
        "{notes:?}"
    );
    assert!(
        notes
            .iter()
            .any(|note| note.contains("`/health` is built in"))
    );
}

#[test]
fn a_server_that_only_redirects_and_one_with_tls_are_one_site() {
    let tls = PROXY
        .replace("listen 80;", "listen 443 ssl http2;\n ssl_certificate /c.pem;\n ssl_certificate_key /k.pem;\n ssl_protocols TLSv1.2 TLSv1.3;");
    let text = format!(
        "server {{ listen 80; server_name oss.example.com; return 301 https://$host$request_uri; }}\n{tls}"
    );
    let (settings, _) = imported(&text);
    assert_eq!(settings.site.len(), 1);
    assert_eq!(settings.site[0].https, osier_gateway::HttpsMode::Redirect);
    assert_eq!(settings.gateway.listen_tls[0].to_string(), "0.0.0.0:443");
    assert_eq!(settings.certificate[0].chain, Path::new("/c.pem"));
}

#[test]
fn a_map_of_hosts_becomes_a_site_for_each() {
    let text = r#"
map $http_host $oss_backend_host {
    "a.example.com" "bucket-a.oss-cn-hangzhou-internal.aliyuncs.com";
    "b.example.com" "bucket-b.oss-cn-shenzhen-internal.aliyuncs.com";
    default "";
}
server {
    listen 80;
    server_name a.example.com b.example.com;
    location / {
        if ($oss_backend_host = "") { return 404; }
        proxy_pass http://$oss_backend_host;
        proxy_set_header Host $oss_backend_host;
    }
}"#;
    let (settings, notes) = imported(text);
    let origins: Vec<_> = settings
        .site
        .iter()
        .map(|site| (site.hosts[0].as_str(), site.origin.clone().unwrap()))
        .collect();
    let expected = [
        (
            "a.example.com",
            "oss://bucket-a@oss-cn-hangzhou-internal".to_owned(),
        ),
        (
            "b.example.com",
            "oss://bucket-b@oss-cn-shenzhen-internal".to_owned(),
        ),
    ];
    assert_eq!(origins, expected);
    assert!(notes.is_empty(), "{notes:?}");
}

/// A bucket of S3 that knows its proxy by a secret.
#[test]
fn a_prefix_a_bucket_and_a_secret() {
    let text = r#"
server {
    server_name media.example.com;
    location /s3-media/ {
        limit_except GET { deny all; }
        set $aws_bucket "example-bucket";
        set $aws_endpoint "s3.eu-central-1.amazonaws.com";
        set $aws_custom_secret "xxxyyyzzz";
        proxy_set_header User-Agent $aws_custom_secret;
        rewrite ^/s3-media/(.*)$ /$aws_bucket/$1 break;
        proxy_buffering off;
        proxy_pass https://$aws_endpoint;
    }
}"#;
    let (settings, notes) = imported(text);
    let site = &settings.site[0];
    assert_eq!(
        site.origin.as_deref(),
        Some("https://s3.eu-central-1.amazonaws.com")
    );
    assert_eq!(site.methods, ["GET", "HEAD"]);
    assert_eq!(
        (site.path.as_str(), site.strip_prefix.as_str()),
        ("/s3-media/", "/s3-media")
    );
    assert_eq!(site.add_prefix, "/example-bucket");
    assert_eq!(site.secret_headers["User-Agent"], "xxxyyyzzz".into());
    assert_eq!(site.spill_bytes_max, 0, "the origin waits");
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn several_origins_keep_their_shares() {
    let text = "upstream u { server a:81 weight=3; server b; server c backup max_fails=2; }\n\
                server { location / { proxy_pass http://u/base/; proxy_set_header Host x; } }";
    let (settings, notes) = imported(text);
    let site = &settings.site[0];
    let origins: Vec<_> = site
        .origins
        .iter()
        .map(|origin| (origin.url.as_str(), origin.weight, origin.priority))
        .collect();
    assert_eq!(
        origins,
        [
            ("http://a:81", 3, 0),
            ("http://b", 1, 0),
            ("http://c", 1, 1)
        ]
    );
    assert_eq!(
        (site.add_prefix.as_str(), site.origin_host.as_deref()),
        ("/base", Some("x"))
    );
    assert_eq!(site.hosts, ["*"]);
    assert_eq!(
        notes,
        ["line 1: `server`: `max_fails=2` is not carried over"]
    );
}

#[test]
fn what_is_not_carried_over_is_told_with_its_line() {
    let text = "server {\n listen 80;\n gzip on;\n location ~ \\.php$ {\n fastcgi_pass x;\n }\n\
                location / {\n proxy_pass http://a;\n sub_filter a b;\n proxy_set_header X-Id $request_id;\n }\n}";
    let (_, notes) = imported(text);
    assert_eq!(
        notes,
        [
            "line 3: `gzip on` is not carried over",
            "line 4: `location ~ \\.php$` is not carried over",
            "line 9: `sub_filter a b` is not carried over",
            "line 8: `proxy_pass`: the header `X-Id` is not carried over",
        ]
    );
    assert!(import_nginx("server {").is_err());
    let nothing = import_nginx("events {}").unwrap();
    assert_eq!(
        nothing.notes,
        ["no server passes requests on: there is no site"]
    );
}

#[test]
fn what_was_written_to_break_out_of_a_string_stays_in_it() {
    let text = "server { server_name a.b; location / { proxy_pass http://h; \
                proxy_set_header X-A 'x\"\\n[[site]]\\nhosts = [\"evil\"]'; } }";
    let (settings, _) = imported(text);
    assert_eq!(settings.site.len(), 1);
    assert_eq!(
        settings.site[0].request_headers["X-A"],
        "x\"\\n[[site]]\\nhosts = [\"evil\"]"
    );
}

#[test]
fn a_configuration_in_one_line_is_the_same() {
    let flat: String = PROXY
        .replace(
            "listen 80;",
            "listen 80; # [Required] The name of the site.",
        )
        .replace(
            "location / {",
            "location / { # Proxy requests to the origin, by keepalive connections.",
        )
        .replace(
            "upstream oss_backend {",
            "# The origin of all. upstream oss_backend { # Replace it.",
        );
    let flat: Vec<&str> = flat.split_whitespace().collect();
    let (settings, notes) = imported(&flat.join(" "));
    let (expected, _) = imported(PROXY);
    assert_eq!(
        (settings.site, settings.gateway),
        (expected.site, expected.gateway)
    );
    assert!(notes[0].contains("guessed"), "{notes:?}");
    assert!(
        notes.iter().all(|note| !note.contains("not carried over")),
        "{notes:?}"
    );
}

#[test]
fn a_location_alone_answers_all_hosts() {
    let (settings, notes) = imported("location / { proxy_pass http://a; }");
    assert_eq!(settings.site[0].hosts, ["*"]);
    assert_eq!(
        notes,
        ["there is no `server` around a `location`: it answers all hosts"]
    );
}

#[test]
fn what_nginx_says_of_caches_clients_and_pages_is_carried_over() {
    let text = r#"
http {
    include mime.types;
    keepalive_timeout 65;
    proxy_cache_path /var/cache/nginx keys_zone=c:10m max_size=10g;
    set_real_ip_from 10.0.0.0/8;
    real_ip_header proxy_protocol;
    proxy_read_timeout 1m;
    server {
        listen 80 proxy_protocol;
        server_name a.example.com;
        resolver 10.0.0.2 valid=5m ipv6=off; resolver_timeout 5s;
        add_header Strict-Transport-Security "max-age=600" always; add_header X-A "b c";
        error_page 404 /404.html; error_page 500 502 =200 /sorry.html;
        allow 192.0.2.0/24; deny all;
        location / {
            valid_referers none *.example.com;
            if ($invalid_referer) { return 403; }
            proxy_pass https://oss-cn-hangzhou.aliyuncs.com;
            proxy_set_header Host b.oss-cn-hangzhou.aliyuncs.com;
            proxy_ssl_verify off;
            autoindex on; autoindex_format json;
            proxy_cache c; proxy_cache_valid 200 10m; proxy_cache_valid 404 1m;
            proxy_cache_use_stale error timeout updating;
            gzip on;
            if ($request_method = POST) { return 405; }
            limit_req zone=x;
        }
    }
}"#;
    let (settings, notes) = imported(text);
    let (site, gateway) = (&settings.site[0], &settings.gateway);
    assert_eq!(
        site.origin.as_deref(),
        Some("oss+https://b@oss-cn-hangzhou")
    );
    assert_eq!(
        (site.read_timeout_s, site.hsts_s, site.origin_verify),
        (60, 600, false)
    );
    assert_eq!(site.response_headers["X-A"], "b c");
    assert_eq!(site.error_pages.len(), 3);
    assert_eq!(
        (site.ip.allow.as_slice(), site.ip.deny.len()),
        (&["192.0.2.0/24".to_owned()][..], 0)
    );
    assert_eq!(
        (site.referer.allow.as_slice(), site.referer.allow_empty),
        (&["*.example.com".to_owned()][..], true)
    );
    assert_eq!(site.autoindex, osier_gateway::Autoindex::Json);
    assert_eq!((site.ttl[0].seconds, site.ttl[0].origin_first), (600, true));
    assert_eq!(
        (site.stale_if_error_s, site.stale_while_revalidate_s),
        (86_400, 60)
    );
    assert_eq!(
        (gateway.disk_bytes_max, gateway.proxy_protocol.len()),
        (10 << 30, 1)
    );
    assert_eq!(
        (
            gateway.resolver_valid_s,
            gateway.resolver_timeout_s,
            gateway.resolver_ipv6
        ),
        (Some(300), 5, false)
    );
    assert_eq!(
        (
            settings.http.trusted_proxies.len(),
            settings.http.idle_timeout_s
        ),
        (1, 65)
    );
    let told = |line: usize, what: &str| {
        let begin = format!("line {line}: ");
        assert!(
            notes
                .iter()
                .any(|note| note.starts_with(&begin) && note.contains(what)),
            "{line} {what} {notes:#?}"
        );
    };
    told(3, "`include`: the file is not opened");
    told(10, "`listen`");
    told(23, "`proxy_cache_valid 404 1m` is not carried over");
    told(25, "`gzip on` is not carried over");
    told(26, "`if ($request_method = POST)` is not carried over");
    told(27, "`limit_req zone=x` is not carried over");
}

#[test]
fn two_servers_of_one_name_are_one_site() {
    let server = |listen: &str, to: &str| {
        format!(
            "server {{ listen {listen}; server_name a.b; ssl_certificate c; ssl_certificate_key k; \
                 location / {{ proxy_pass http://{to}; }} }}\n"
        )
    };
    let (settings, notes) = imported(&(server("80", "x") + &server("443 ssl", "x")));
    assert_eq!(
        (settings.site.len(), settings.gateway.listen_tls.len()),
        (1, 1)
    );
    assert!(notes.is_empty(), "{notes:?}");
    let (settings, notes) = imported(&(server("80", "x") + &server("443 ssl", "y")));
    assert_eq!(settings.site.len(), 1);
    assert_eq!(
        notes,
        ["a second server for [\"a.b\"] says something else and is not carried over"]
    );
}
