"""Clients behind load balancers that speak the PROXY protocol, by nginx, curl, openssl and raw sockets."""

import contextlib
import json
import re
import socket
import ssl
import struct
import subprocess

import pytest

from conftest import new_name
from gateway import Edge, Origin, running, says
from harness import Osier, free_port, wire
from test_gateway_upstreams import wait_for
from test_tls import certificate

REQUEST = b"GET /x HTTP/1.1\r\nHost: plain.example.com\r\nConnection: close\r\n\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


class Stream:
    """Debian's nginx as a load balancer that passes connections on and says whose they are."""

    def __init__(self, folder, routes):
        folder.mkdir()
        self.folder = folder
        servers = "".join(
            f"server {{ listen 127.0.0.1:{own}; proxy_pass 127.0.0.1:{other}; proxy_protocol on; }}\n"
            for own, other in routes)
        (folder / "nginx.conf").write_text(f"""
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}
stream {{ {servers} }}
""")

    def __enter__(self):
        self.process = subprocess.Popen(
            ["nginx", "-p", str(self.folder), "-c", "nginx.conf", "-e", f"{self.folder}/error.log"])
        wait_for(lambda: (self.folder / "pid").exists())
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture(scope="module")
def edge(tmp_path_factory):
    folder = tmp_path_factory.mktemp("proxied")
    chain, key = certificate(folder, "site", "localhost")
    port, tls, front, front_tls = (free_port() for _ in range(4))
    server = Osier()
    log = folder / "access.log"
    with running(Origin()) as origin:
        origin.answers["/x"] = says({"Cache-Control": "no-store"})
        site = f'[[site]]\norigin = "http://127.0.0.1:{origin.port}"\n'
        server.settings = f"""
[gateway]
listen = ["127.0.0.1:{port}"]
listen_tls = ["127.0.0.1:{tls}"]
proxy_protocol = ["127.0.0.0/8"]
access_log = "{log}"
access_log_format = "json"
[[certificate]]
chain = "{chain}"
key = "{key}"
{site}hosts = ["plain.example.com", "localhost"]
{site}hosts = ["denied.example.com"]
ip = {{ deny = ["203.0.113.0/24"] }}
{site}hosts = ["secure.example.com"]
https = "redirect"
"""
        with Stream(folder / "nginx", [(front, port), (front_tls, tls)]), server:
            edge = Edge(server, port)
            edge.tls, edge.front, edge.front_tls = tls, front, front_tls
            edge.origin, edge.log, edge.chain = origin, log, chain
            yield edge
        assert server.process.returncode == 0, server.log()


def version_2(source, rest=b"", command=0x21):
    address = struct.pack("!4s4sHH", socket.inet_aton(source), socket.inet_aton("10.0.0.1"), 4711, 80) + rest
    return SIGNATURE + struct.pack("!BBH", command, 0x11, len(address)) + address


def asked(edge, header, request=REQUEST):
    answer = wire(edge.port, header + request)
    return int(answer.split(b" ")[1]) if answer else None


def test_behind_nginx_the_origin_sees_who_connected_to_nginx(edge):
    with contextlib.closing(socket.create_connection(("127.0.0.1", edge.front))) as client:
        own = client.getsockname()
        client.sendall(REQUEST)
        assert client.makefile("rb").readline().startswith(b"HTTP/1.1 200")
    assert own[1] != edge.port
    assert edge.origin.last("/x")["headers"]["X-Forwarded-For"] == "127.0.0.1"


def test_behind_nginx_tls_goes_through(edge):
    done = subprocess.run(
        ["curl", "--silent", "--fail", "--cacert", edge.chain, f"https://localhost:{edge.front_tls}/x"],
        capture_output=True, timeout=30, check=True)
    assert done.stdout == b"content"
    shown = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{edge.front_tls}", "-servername", "localhost",
         "-CAfile", edge.chain, "-verify_return_error"], input=b"", capture_output=True, timeout=30, check=True)
    assert b"Verify return code: 0" in shown.stdout


def test_curl_says_whose_connection_it_is(edge):
    for scheme, port in [("http", edge.port), ("https", edge.tls)]:
        done = subprocess.run(
            ["curl", "--silent", "--fail", "--haproxy-protocol", "--cacert", edge.chain, f"{scheme}://localhost:{port}/x"],
            capture_output=True, timeout=30, check=True)
        assert done.stdout == b"content"


def test_the_client_counts_in_lists_headers_and_logs(edge):
    for header in [b"PROXY TCP4 203.0.113.9 10.0.0.1 4711 80\r\n", version_2("203.0.113.9")]:
        assert asked(edge, header) == 200
        headers = edge.origin.last("/x")["headers"]
        assert (headers["X-Forwarded-For"], headers["X-Real-IP"]) == ("203.0.113.9", "203.0.113.9")
        denied = REQUEST.replace(b"plain", b"denied")
        assert asked(edge, header, denied) == 403
        assert asked(edge, header.replace(b"203.0.113.9", b"198.51.100.9").replace(
            socket.inet_aton("203.0.113.9"), socket.inet_aton("198.51.100.9")), denied) == 200
    wait_for(lambda: edge.log.exists() and edge.log.read_text().count("203.0.113.9") >= 4)
    clients = {json.loads(line)["client"] for line in edge.log.read_text().splitlines()}
    assert "203.0.113.9" in clients


def test_what_a_proxied_client_says_of_itself_is_not_believed(edge):
    spoofed = REQUEST.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 8.8.8.8\r\n\r\n")
    assert asked(edge, b"PROXY TCP4 203.0.113.9 10.0.0.1 4711 80\r\n", spoofed) == 200
    headers = edge.origin.last("/x")["headers"]
    assert headers["X-Real-IP"] == "203.0.113.9"
    assert headers["X-Forwarded-For"] == "8.8.8.8, 203.0.113.9"


def test_a_balancer_that_ends_tls_says_so(edge):
    to_https = REQUEST.replace(b"plain", b"secure")
    encrypted = struct.pack("!BHBI", 0x20, 5, 1, 0)
    assert asked(edge, version_2("203.0.113.9"), to_https) == 301
    assert asked(edge, version_2("203.0.113.9", encrypted), to_https) == 200
    assert edge.origin.last("/x")["headers"]["X-Forwarded-Proto"] == "https"


def test_edge_a_balancer_must_say_it_well_and_first(edge):
    line = b"PROXY TCP4 203.0.113.9 10.0.0.1 4711 80\r\n"
    for header in [
            b"", b"PROXY TCP4 203.0.113.9 10.0.0.1 4711\r\n", b"PROXY TCP4 x y 1 2\r\n", line.replace(b"\r", b""),
            b"PROXY " + b"x" * 300 + b"\r\n", SIGNATURE + b"\x31\x11\0\x0c" + b"x" * 12,
            SIGNATURE + b"\x21\x11\xff\xff" + b"x" * 65535,
    ]:
        assert asked(edge, header) is None, header
    # A second one is the client's, and no HTTP.
    assert asked(edge, line + line) == 400


def test_edge_a_header_of_anybody_else_is_refused(tmp_path):
    port, tls = free_port(), free_port()
    chain, key = certificate(tmp_path, "site", "localhost")
    settings = f"""
[gateway]
listen = ["127.0.0.1:{port}"]
listen_tls = ["127.0.0.1:{tls}"]
proxy_protocol = ["192.0.2.0/24"]
[[certificate]]
chain = "{chain}"
key = "{key}"
[[site]]
hosts = ["plain.example.com"]
origin = "http://127.0.0.1:{port}"
"""
    with Osier(settings=settings) as server:
        line = b"PROXY TCP4 203.0.113.9 10.0.0.1 4711 80\r\n"
        assert re.match(rb"HTTP/1.1 400 ", wire(port, line + REQUEST))
        with socket.create_connection(("127.0.0.1", tls), timeout=20) as plain:
            plain.sendall(line)
            with pytest.raises((ssl.SSLError, OSError)):
                ssl.create_default_context(cafile=chain).wrap_socket(plain, server_hostname="localhost")
    assert server.process.returncode == 0, server.log()


def test_the_store_knows_clients_behind_balancers_too():
    bucket = new_name("proxied")
    server = Osier()
    server.settings = f'[http]\nproxy_protocol = ["127.0.0.1"]\n[audit]\nfile = "{server.scratch}/audit"\n'
    request = f"GET /{bucket} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
    with server:
        answer = wire(server.port, b"PROXY TCP4 203.0.113.9 10.0.0.1 4711 80\r\n" + request)
        assert answer.startswith(b"HTTP/1.1 404")
        assert wire(server.port, request) == b""
        wait_for(lambda: "203.0.113.9" in (server.scratch / "audit").read_text())
    assert server.process.returncode == 0, server.log()
