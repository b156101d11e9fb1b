"""Configurations of nginx that `osier config import-nginx` reads, then used in front of a real origin."""

import subprocess

import pytest

from gateway import Edge, Origin, running, says
from harness import Osier, binary, free_port
from test_tls import certificate

HOSTED = "bucket-a.oss-cn-hangzhou-internal.aliyuncs.com"

# As a page shows it that lost the line breaks: comments, and behind them directives.
FLAT = (
    '# Where answers come from, with connections that are kept. upstream backend { # [Change this] The endpoint '
    'within its region. server 127.0.0.1:{origin}; # More of them for more requests at once. keepalive 64; } '
    '# Lines with upstream times. log_format production \'$remote_addr "$request" \' \'rt=$request_time\'; '
    'server { listen 127.0.0.1:{port}; # [Change this] A name that leads here. server_name oss.example.com; '
    '# Names are looked up again. resolver 127.0.0.1 valid=60s; # For balancers (and people). location /health { '
    'access_log off; return 200 "healthy"; } location / { # Everything else. proxy_pass http://backend; '
    'proxy_http_version 1.1; proxy_set_header Connection ""; # Or signatures would fail. proxy_set_header Host '
    '"files.example.net"; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Real-IP '
    '$remote_addr; # Times and sizes. proxy_connect_timeout 10s; proxy_read_timeout 30s; client_max_body_size 1k; } }')

TLS = """
server {{ listen 127.0.0.1:{port}; server_name oss.example.com; return 301 https://$host$request_uri; }}
server {{
    listen 127.0.0.1:{tls} ssl http2; server_name oss.example.com;
    ssl_certificate {chain}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;
    ssl_ciphers 'TLS_AES_128_GCM_SHA256'; ssl_prefer_server_ciphers on; ssl_session_cache shared:SSL:10m;
    add_header Strict-Transport-Security "max-age=600";
    location / {{ proxy_pass http://127.0.0.1:{origin}; proxy_set_header X-Forwarded-Proto $scheme; }}
}}
"""

LOCATION = """
location /s3-media/ {{
    limit_except GET {{ deny all; }}
    set $bucket "example-bucket"; set $endpoint "127.0.0.1:{origin}"; set $secret "xxxyyyzzz";
    proxy_set_header User-Agent $secret;
    rewrite ^/s3-media/(.*)$ /$bucket/$1 break;
    proxy_buffering off;
    proxy_pass http://$endpoint;
}}
"""

HOTLINKS = """
include /etc/nginx/mime.types;
proxy_cache_path /var/cache/nginx levels=1:2 keys_zone=c:10m max_size=1g inactive=60m;
server {{
    listen 127.0.0.1:{port}; server_name oss.example.com;
    set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;
    location / {{
        valid_referers none oss.example.com *.friends.example.com;
        if ($invalid_referer) {{ return 403; }}
        deny 203.0.113.0/24;
        proxy_cache c; proxy_cache_valid 200 10m; proxy_cache_use_stale error timeout updating;
        error_page 404 /sorry.html; gzip on;
        proxy_pass http://127.0.0.1:{origin};
    }}
}}
"""


def imported(tmp_path, text):
    path = tmp_path / "nginx.conf"
    path.write_text(text)
    done = subprocess.run(
        [binary(), "config", "import-nginx", path], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    made = tmp_path / "osier.toml"
    made.write_text(done.stdout)
    checked = subprocess.run(
        [binary(), "config", "check", made], capture_output=True, text=True, timeout=60, check=False)
    assert checked.returncode == 0, checked.stderr + done.stdout
    return done.stdout, done.stderr


@pytest.fixture
def origin():
    with running(Origin()) as server:
        for path in ["/x", "/example-bucket/pic.jpg", "/sorry.html"]:
            server.answers[path] = says({}, path.encode())
        yield server


def test_a_template_in_one_line_works(tmp_path, origin):
    port = free_port()
    settings, notes = imported(tmp_path, FLAT.replace("{origin}", str(origin.port)).replace("{port}", str(port)))
    assert "guessed" in notes and "not carried over" not in notes
    assert 'resolver = ["127.0.0.1"]' in settings
    server = Osier(settings=settings)
    with server:
        edge = Edge(server, port)
        assert edge.get("/x", host="oss.example.com").text == "/x"
        seen = origin.last("/x")["headers"]
        assert (seen["Host"], seen["X-Real-IP"]) == ("files.example.net", "127.0.0.1")
        assert edge.request("PUT", "/x", host="oss.example.com", data=b"x" * 2000).status_code == 413
        assert edge.get("/health", host="127.0.0.1").text.strip() == "healthy"
        assert edge.get("/x", host="other.example.com").status_code == 404
    assert server.process.returncode == 0, server.log()


def test_https_with_its_redirect_works(tmp_path, origin):
    port, tls = free_port(), free_port()
    chain, key = certificate(tmp_path, "site", "oss.example.com")
    settings, notes = imported(
        tmp_path, TLS.format(port=port, tls=tls, chain=chain, key=key, origin=origin.port))
    assert "not carried over" not in notes
    server = Osier(settings=settings)
    with server:
        to = Edge(server, port).get("/x", host="oss.example.com")
        assert (to.status_code, to.headers["Location"]) == (301, "https://oss.example.com/x")
        done = subprocess.run(
            ["curl", "--silent", "--include", "--cacert", chain, "--resolve", f"oss.example.com:{tls}:127.0.0.1",
             f"https://oss.example.com:{tls}/x"], capture_output=True, text=True, timeout=30, check=True)
        assert "HTTP/2 200" in done.stdout and "strict-transport-security: max-age=600" in done.stdout
        assert origin.last("/x")["headers"]["X-Forwarded-Proto"] == "https"
    assert server.process.returncode == 0, server.log()


def test_a_location_alone_works(tmp_path, origin):
    settings, notes = imported(tmp_path, LOCATION.format(origin=origin.port))
    assert "no `server` around" in notes
    port = free_port()
    server = Osier(settings=settings.replace("0.0.0.0:80", f"127.0.0.1:{port}"))
    with server:
        edge = Edge(server, port)
        assert edge.get("/s3-media/pic.jpg", host="any").text == "/example-bucket/pic.jpg"
        assert origin.last("/example-bucket/pic.jpg")["headers"]["User-Agent"] == "xxxyyyzzz"
        assert edge.request("DELETE", "/s3-media/pic.jpg", host="any").status_code == 405
    assert server.process.returncode == 0, server.log()


def test_a_map_of_hosts_to_buckets_is_a_site_each(tmp_path):
    text = f"""map $http_host $to {{ # Which bucket. "a.example.com" "{HOSTED}"; default ""; }}
server {{ listen 80; server_name a.example.com; location / {{ if ($to = "") {{ return 404; }}
proxy_pass http://$to; proxy_set_header Host $to; }} }}"""
    settings, _ = imported(tmp_path, text.replace("\n", " "))
    assert 'origin = "oss://bucket-a@oss-cn-hangzhou-internal"' in settings


def test_visitors_caches_and_pages_are_those_of_nginx(tmp_path, origin):
    port = free_port()
    settings, notes = imported(tmp_path, HOTLINKS.format(port=port, origin=origin.port))
    for line in ["line 2: `include`", "line 3: `proxy_cache_path`", "line 12: `gzip on` is not carried over"]:
        assert line in notes, notes
    server = Osier(settings=settings)
    with server:
        edge = Edge(server, port)

        def status(**headers):
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return edge.get("/x", host="oss.example.com", headers=named).status_code
        assert (status(), status(Referer="http://a.friends.example.com/p")) == (200, 200)
        assert status(Referer="http://evil.example.net/p") == 403
        assert status(X_Forwarded_For="203.0.113.7") == 403
        assert edge.get("/x", host="oss.example.com").headers["X-Cache"].lower().startswith("hit")
        missing = edge.get("/none", host="oss.example.com")
        assert (missing.status_code, missing.text) == (404, "/sorry.html")
    assert server.process.returncode == 0, server.log()


@pytest.mark.parametrize("text, told", [
    ("server { listen 80;", "missing"), ("server { location / { proxy_pass 'http://a; } }", "quote"),
    ("server { ; }", "no name")])
def test_what_is_no_configuration_is_told_with_its_line(tmp_path, text, told):
    path = tmp_path / "nginx.conf"
    path.write_text(text)
    done = subprocess.run(
        [binary(), "config", "import-nginx", path], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0 and "line 1" in done.stderr and told in done.stderr
    assert "panicked" not in done.stderr
