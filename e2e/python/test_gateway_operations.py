"""What an operator asks of a gateway: health, causes of failures in answers and by `osier explain`, limits."""

import json
import re
import socket

import pytest

from gateway import Edge, Origin, running, says
from harness import Osier, free_port, wire
from test_gateway_config import Configured


@pytest.fixture(scope="module")
def edge():
    port, closed = free_port(), free_port()
    with running(Origin()) as origin, socket.create_server(("127.0.0.1", 0)) as silent:
        origin.answers["/x"] = says({"Cache-Control": "no-store"})

        def site(name, more):
            return f'[[site]]\nhosts = ["{name}.example.com"]\n{more}\n'
        here = f'origin = "http://127.0.0.1:{origin.port}"\n'
        server = Configured(f"""
[gateway]
listen = ["127.0.0.1:{port}"]
{site("small", here + "body_bytes_max = 1000")}
{site("denied", here + 'ip = { deny = ["127.0.0.1"] }')}
{site("away", f'origin = "http://127.0.0.1:{closed}"')}
{site("slow", f'origin = "http://127.0.0.1:{silent.getsockname()[1]}"' + chr(10) + "read_timeout_s = 1")}
{site("nameless", 'origin = "http://no-such-host.invalid"')}
{site("tls", f'origin = "https://127.0.0.1:{origin.port}"')}
""")
        with server:
            edge = Edge(server, port)
            edge.origin = origin
            yield edge
        assert server.process.returncode == 0, server.log()


@pytest.mark.parametrize("host, status, code, cause, word", [
    ("denied", 403, "AddressDenied", None, "trusted_proxies"),
    ("away", 502, "OriginUnreachable", "connection_refused", "firewall"),
    ("slow", 504, "OriginReadTimeout", "http_response_timeout", "read_timeout_s"),
    ("nameless", 502, "OriginUnresolved", "dns_error", "resolver"),
    ("tls", 502, "OriginTlsFailed", "tls_protocol_error", "origin_ca"),
    ("none", 404, "NoSuchSite", None, "hosts"),
])
def test_a_failure_has_a_cause_for_clients_and_one_for_operators(edge, host, status, code, cause, word):
    answer = edge.get("/x?Signature=secret-of-a-client", host=f"{host}.example.com")
    assert answer.status_code == status and f"<Code>{code}</Code>" in answer.text
    assert answer.headers.get("Proxy-Status") == (f"osier; error={cause}" if cause else None)
    number = re.search("<RequestId>([0-9A-F]{24})</RequestId>", answer.text)[1]
    told = edge.server.command("explain", number)
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith(f"{code}: ") and word in told.stdout and "GET /x from 127.0.0.1" in told.stdout
    assert "secret-of-a-client" not in told.stdout
    as_json = json.loads(edge.server.command("explain", number, "--output-format", "json").stdout)
    assert (as_json["code"], as_json["status"], as_json["request_id"]) == (code, status, number)


def test_a_body_that_is_too_long_is_refused_before_it_is_sent(edge):
    head = ("PUT /x HTTP/1.1\r\nHost: small.example.com\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n")
    with socket.create_connection(("127.0.0.1", edge.port), timeout=20) as client:
        client.sendall(head.encode())
        answer = client.makefile("rb")
        assert answer.readline().startswith(b"HTTP/1.1 413 ")
    chunked = ("PUT /x HTTP/1.1\r\nHost: small.example.com\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
               "400\r\n" + "x" * 1024 + "\r\n0\r\n\r\n")
    assert b" 413 " in wire(edge.port, chunked.encode()).split(b"\r\n")[0]
    number = re.search(b"<RequestId>([0-9A-F]{24})", wire(edge.port, chunked.encode()))[1].decode()
    assert "client_max_body_size" in edge.server.command("explain", number).stdout
    assert edge.request("PUT", "/x", host="small.example.com", data=b"x" * 1000).status_code == 200


def test_health_is_answered_and_not_logged(edge):
    assert edge.get("/health", host="10.0.0.1").text.strip() == "healthy"
    assert edge.get("/ready", host="10.0.0.1").text.strip() == "ready"
    assert edge.get("/other", host="10.0.0.1").status_code == 404
    assert "/health" not in edge.server.log()
    assert edge.server.command("explain", "0" * 24).returncode != 0
