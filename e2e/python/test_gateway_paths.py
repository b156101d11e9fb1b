"""Paths that are written differently than the rules for them, by raw requests to sites in front of nginx."""


import hashlib
import time

import pytest

from gateway import Edge
from harness import Osier, free_port, wire
from test_gateway_upstreams import Nginx, wait_for

WAYS = [
    "/%70rivate/x", "//private/x", "/./private/x", "/a/../private/x", "/a/%2e%2e/private/x", "/a%2F..%2Fprivate/x",
    "/%2e/private/x", "/private%2Fx", "/%2fprivate/x", "/a//..//private/x", "/.//private/x"]


@pytest.fixture(scope="module")
def edge(tmp_path_factory):
    """nginx follows dots, decodes and joins slashes, as most origins do."""
    folders = "".join(
        f'location /{folder}/ {{ return 200 "{folder}"; }} ' for folder in ["private", "public", "media", "secret"])
    own, port = free_port(), free_port()
    server = Osier(settings=f"""
[gateway]
listen = ["127.0.0.1:{port}"]
[[site]]
hosts = ["a.example.com"]
origin = "http://127.0.0.1:{own}"
[[site]]
hosts = ["a.example.com"]
path = "/private"
origin = "http://127.0.0.1:{own}"
ip = {{ allow = ["192.0.2.1"] }}
[[site]]
hosts = ["media.example.com"]
origin = "http://127.0.0.1:{own}"
strip_prefix = "/m"
add_prefix = "/media"
[[site]]
hosts = ["ttl.example.com"]
origin = "http://127.0.0.1:{own}"
ttl = [{{ directory = "/private", seconds = 0, weight = 99, over_no_cache = true }}]
[[site]]
hosts = ["proof.example.com"]
origin = "http://127.0.0.1:{own}"
url_auth = {{ type = "A", keys = ["0123456789abcdef"] }}
""")
    with Nginx(tmp_path_factory.mktemp("nginx") / "run", f"listen 127.0.0.1:{own}; expires 1h; {folders}") as nginx:
        wait_for(lambda: (nginx.folder / "pid").exists())
        with server:
            edge = Edge(server, port)
            edge.nginx = own
            yield edge
    assert server.process.returncode == 0, server.log()


def asked(port, path, host):
    request = f"GET {path} HTTP/1.1\r\nHost: {host}.example.com\r\nConnection: close\r\n\r\n"
    head, _, body = wire(port, request.encode()).partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), body.decode(), head.decode().lower()


@pytest.mark.parametrize("path", WAYS)
def test_edge_no_spelling_of_a_path_steps_around_its_sites_rules(edge, path):
    assert asked(edge.nginx, path, "any")[:2] == (200, "private"), "nginx itself shows it"
    status, body, _ = asked(edge.port, path, "a")
    assert status in (400, 403) and "private" not in body
    assert asked(edge.port, "/private/x", "a")[0] == 403
    assert asked(edge.port, "/public/x", "a")[:2] == (200, "public")


@pytest.mark.parametrize("path", [
    "/m/../secret/x", "/m/%2e%2e/secret/x", "/m/..%2fsecret/x", "/m//../../secret/x", "/m/a/../../m/../secret/x"])
def test_edge_no_spelling_of_a_path_leaves_the_prefix_of_a_site(edge, path):
    status, body, _ = asked(edge.port, path, "media")
    assert status in (400, 404) and "secret" not in body
    assert asked(edge.port, "/m/x", "media")[:2] == (200, "media")
    assert asked(edge.port, "/m/./a/../x", "media")[:2] == (200, "media")


@pytest.mark.parametrize("path", WAYS)
def test_edge_what_is_not_to_be_kept_is_kept_under_no_spelling(edge, path):
    for _ in range(3):
        status, body, head = asked(edge.port, path, "ttl")
        assert (status, body) == (200, "private")
        assert "x-cache: hit" not in head


def test_edge_a_proof_is_for_the_path_as_it_is_written(edge):
    stamp = int(time.time())
    digest = hashlib.md5(f"/public/x-{stamp}-0-0-0123456789abcdef".encode()).hexdigest()
    proof = f"?auth_key={stamp}-0-0-{digest}"
    assert asked(edge.port, "/public/x" + proof, "proof")[:2] == (200, "public")
    for path in ["/public/../private/x", "//public/x", "/public/%78", "/public%2Fx", "/private/x"]:
        assert asked(edge.port, path + proof, "proof")[0] == 403
