"""HTTP/2 to the clients of sites, by curl, and nginx's configuration in front of nginx and of us."""

import concurrent.futures
import os
import subprocess

import pytest

from conftest import new_name
from gateway import Edge, Origin, running, says
from harness import Osier, binary, free_port
from test_gateway_upstreams import Nginx, wait_for
from test_tls import certificate

LARGE = os.urandom(3_000_000)


@pytest.fixture(scope="module")
def edge(tmp_path_factory):
    folder = tmp_path_factory.mktemp("h2")
    chain, key = certificate(folder, "site", "localhost", "other.localhost")
    port, tls = free_port(), free_port()
    with running(Origin()) as origin:
        origin.answers["/x"] = says({"Cache-Control": "max-age=600"})
        origin.answers["/large"] = says({"Cache-Control": "no-store"}, LARGE)
        origin.answers["/echo"] = lambda seen: (200, {"Cache-Control": "no-store"}, seen["body"])
        server = Osier(settings=f"""
[gateway]
listen = ["127.0.0.1:{port}"]
listen_tls = ["127.0.0.1:{tls}"]
[[certificate]]
chain = "{chain}"
key = "{key}"
[[site]]
hosts = ["localhost"]
origin = "http://127.0.0.1:{origin.port}"
[[site]]
hosts = ["other.localhost"]
origin = "http://127.0.0.1:{origin.port}"
""")
        with server:
            edge = Edge(server, port)
            edge.origin, edge.tls, edge.chain, edge.folder = origin, tls, chain, folder
            yield edge
        assert server.process.returncode == 0, server.log()


def curl(edge, path, *more, host="localhost"):
    """Body, then version and status as curl saw them."""
    done = subprocess.run(
        ["curl", "-s", "--cacert", edge.chain, "--resolve", f"other.localhost:{edge.tls}:127.0.0.1",
         "-w", "\n%{http_version} %{http_code}", *more, f"https://{host}:{edge.tls}{path}"],
        capture_output=True, timeout=60, check=True)
    body, _, told = done.stdout.rpartition(b"\n")
    return body, told.decode()


def test_curl_speaks_http2_and_shares_what_is_kept(edge):
    assert curl(edge, "/x", "--http2") == (b"content", "2 200")
    body, told = curl(edge, "/x", "--http2", "-i")
    assert told == "2 200" and b"x-cache: HIT" in body
    assert curl(edge, "/x", "--http1.1") == (b"content", "1.1 200")
    seen = edge.origin.last("/x")["headers"]
    assert seen["Host"] == f"127.0.0.1:{edge.origin.port}" and seen["X-Forwarded-Proto"] == "https"


def test_bodies_of_any_size_pass_both_ways(edge):
    assert curl(edge, "/large", "--http2") == (LARGE, "2 200")
    upload = edge.folder / "upload"
    upload.write_bytes(LARGE)
    assert curl(edge, "/echo", "--http2", "-T", upload) == (LARGE, "2 200")


def test_many_requests_share_one_connection(edge):
    urls = [f"https://localhost:{edge.tls}/x?n={n}" for n in range(100)]
    arguments = [argument for url in urls for argument in ("-o", "/dev/null", url)]
    done = subprocess.run(
        ["curl", "-s", "--http2", "--cacert", edge.chain, "--parallel", "-w", "%{http_version} %{http_code} %{num_connects}\n", *arguments],
        capture_output=True, text=True, timeout=60, check=True)
    told = [line.split() for line in done.stdout.splitlines()]
    assert len(told) == 100 and {(version, status) for version, status, _ in told} == {("2", "200")}
    assert sum(int(connects) for _, _, connects in told) < 100


def test_edge_a_connection_serves_only_the_site_it_was_made_for(edge):
    body, told = curl(edge, "/x", "--http2", "-H", "Host: other.localhost")
    assert told == "2 421" and b"<Code>MisdirectedRequest</Code>" in body
    assert curl(edge, "/x", "--http1.1", "-H", "Host: other.localhost")[1] == "1.1 421"
    assert curl(edge, "/x", "--http2", host="other.localhost") == (b"content", "2 200")


def test_a_server_that_stops_ends_its_connections_in_order(edge):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert {told for _, told in pool.map(lambda _: curl(edge, "/large", "--http2"), range(8))} == {"2 200"}


def test_nginx_and_its_import_answer_alike(tmp_path):
    """One configuration, read by nginx itself and by us, in front of the same origin."""
    nginx_port, port = free_port(), free_port()
    with running(Origin()) as origin:
        bucket = new_name("b")
        origin.answers[f"/{bucket}/pic.jpg"] = says({"Content-Type": "image/jpeg"}, b"picture")
        server_block = f"""
listen 127.0.0.1:{nginx_port};
server_name media.example.com;
client_max_body_size 1k;
location /s3-media/ {{
    limit_except GET {{ deny all; }}
    set $aws_bucket "{bucket}";
    set $aws_custom_secret "xxxyyyzzz";
    proxy_set_header User-Agent $aws_custom_secret;
    proxy_set_header Host "bucket.example.net";
    rewrite ^/s3-media/(.*)$ /$aws_bucket/$1 break;
    proxy_buffering off;
    proxy_pass http://127.0.0.1:{origin.port};
}}
"""
        conf = tmp_path / "site.conf"
        conf.write_text(f"server {{ {server_block.replace(str(nginx_port), str(port))} }}")
        imported = subprocess.run(
            [binary(), "config", "import-nginx", conf], capture_output=True, text=True, timeout=60, check=True)
        assert imported.stderr == ""
        assert "xxxyyyzzz" in imported.stdout
        told = {}
        server = Osier(settings=imported.stdout)
        with Nginx(tmp_path / "nginx", server_block) as nginx, server:
            wait_for(lambda: (nginx.folder / "pid").exists())
            for name, at in [("nginx", nginx_port), ("osier", port)]:
                edge = Edge(server, at)
                answers = [
                    edge.request(method, path, host="media.example.com", **more) for method, path, more in [
                        ("GET", "/s3-media/pic.jpg", {}), ("HEAD", "/s3-media/pic.jpg", {}),
                        ("GET", "/s3-media/none", {})]]
                told[name] = [(answer.status_code, answer.content if answer.ok else b"") for answer in answers]
                seen = origin.last(f"/{bucket}/pic.jpg")
                told[name].append((seen["headers"]["User-Agent"], seen["headers"]["Host"]))
                assert edge.request("DELETE", "/s3-media/pic.jpg", host="media.example.com").status_code in (403, 405)
        assert told["nginx"] == told["osier"]
        assert server.process.returncode == 0, server.log()
