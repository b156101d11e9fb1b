"""Clients that are slower than their origin: it is soon free, the bytes are right, memory and disk stay bounded."""

import contextlib
import hashlib
import http.client
import http.server
import pathlib
import re
import socket
import subprocess
import threading
import time

import pytest
import requests

from gateway import Edge, running
from harness import Osier, free_port

MIB = 1 << 20
LENGTH = 48 * MIB
# What sockets, buffers and the hand of the pump may hold of an answer.
UNDERWAY = 12 * MIB


def content(length=LENGTH):
    """Bytes of which no two MiB are alike."""
    rows = (hashlib.sha256(str(row).encode()).digest() * (MIB // 32) for row in range(-(-length // MIB)))
    return b"".join(rows)[:length]


CONTENT = content()


class Sender(http.server.BaseHTTPRequestHandler):
    """Sends its content as fast as it is taken, and says when it is done."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        kind = self.path.split("?")[0].strip("/").split("/")[0]
        if kind == "kept":
            self.send_header("Cache-Control", "max-age=60")
            self.send_header("ETag", '"one"')
        else:
            self.send_header("Cache-Control", "no-store")
        if kind == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(LENGTH))
        self.end_headers()
        with self.server.changed:
            self.server.begun.append(self.path)
        sent = 0
        with contextlib.suppress(OSError):
            for at in range(0, LENGTH, MIB // 4):
                piece = CONTENT[at:at + MIB // 4]
                if kind == "chunked":
                    piece = b"%x\r\n%s\r\n" % (len(piece), piece)
                self.wfile.write(piece)
                sent += MIB // 4
                self.server.sent[self.path] = sent
            if kind == "chunked":
                self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()
            with self.server.changed:
                self.server.done.append(self.path)
                self.server.changed.notify_all()


class SendingOrigin(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Sender)
        self.changed = threading.Condition()
        self.begun, self.done, self.sent = [], [], {}

    @property
    def port(self):
        return self.server_address[1]

    def wait_for(self, path):
        """Until all of an answer was taken."""
        with self.changed:
            assert self.changed.wait_for(lambda: path in self.done, timeout=60), f"{self.sent.get(path)} bytes sent"


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class SlowClient:
    """Asks, and reads only when it is told to."""

    def __init__(self, edge, path, host="plain.example.com"):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        self.socket.settimeout(60)
        self.socket.connect(("127.0.0.1", edge.port))
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())

    def read(self):
        """The body of the answer."""
        response = http.client.HTTPResponse(self.socket)
        response.begin()
        assert response.status == 200
        return response.read()

    def close(self):
        self.socket.close()


def number(edge, name):
    text = requests.get(f"http://127.0.0.1:{edge.server.console_port}/metrics", timeout=30).text
    return int(re.search(rf"^osier_{name}(?:_total)? (\d+)", text, re.M).group(1))


@contextlib.contextmanager
def gateway(origin, more=""):
    port = free_port()
    server = Osier(settings=f"""
[gateway]
listen = ["127.0.0.1:{port}"]
{more}
[[site]]
hosts = ["plain.example.com"]
origin = "http://127.0.0.1:{origin.port}"
[[site]]
hosts = ["small.example.com"]
origin = "http://127.0.0.1:{origin.port}"
spill_bytes_max = {4 * MIB}
[[site]]
hosts = ["waits.example.com"]
origin = "http://127.0.0.1:{origin.port}"
spill_bytes_max = 0
""")
    with server:
        yield Edge(server, port)


@pytest.fixture(scope="module")
def origin():
    with running(SendingOrigin()) as origin:
        yield origin


@pytest.fixture(scope="module")
def edge(origin):
    with gateway(origin) as edge:
        yield edge


@pytest.mark.parametrize("kind", ["plain", "chunked", "kept"])
def test_the_origin_is_free_before_a_slow_client_reads(edge, origin, kind):
    path = f"/{kind}/slow"
    spilled = number(edge, "edge_spilled")
    client = SlowClient(edge, path)
    origin.wait_for(path)
    assert number(edge, "edge_spilled") == spilled + 1
    assert number(edge, "edge_spill_bytes") > LENGTH - UNDERWAY
    assert client.read() == CONTENT
    client.close()
    until(lambda: number(edge, "edge_spill_bytes") == 0)


def test_a_slow_client_fills_the_cache_at_the_origins_pace(origin):
    """Others find the answer kept, all of it, before the slow client has read anything."""
    path = "/kept/shared"
    with gateway(origin, f"memory_bytes_max = {512 * MIB}") as edge:
        client = SlowClient(edge, path)
        until(lambda: number(edge, "edge_memory_bytes") >= LENGTH)
        answer = edge.get(path)
        assert (answer.headers["X-Cache"], answer.content) == ("HIT", CONTENT)
        assert origin.begun.count(path) == 1
        assert client.read() == CONTENT
        client.close()


@pytest.mark.parametrize("kind", ["plain", "chunked", "kept"])
def test_a_client_that_keeps_up_makes_no_file(edge, kind):
    spilled = number(edge, "edge_spilled")
    for nth in range(3):
        assert edge.get(f"/{kind}/fast{nth}").content == CONTENT
    assert number(edge, "edge_spilled") == spilled


def test_one_answer_is_bounded(edge, origin):
    """Where no more fits, the origin waits, and the answer is whole all the same."""
    path = "/plain/bounded"
    spilled = number(edge, "edge_spilled")
    client = SlowClient(edge, path, "small.example.com")
    until(lambda: number(edge, "edge_spilled") == spilled + 1)
    until(lambda: number(edge, "edge_spill_bytes") > 3 * MIB)
    assert number(edge, "edge_spill_bytes") <= 4 * MIB
    assert path not in origin.done
    assert client.read() == CONTENT
    assert origin.sent[path] == LENGTH
    client.close()


def test_a_site_may_have_its_origin_wait(edge, origin):
    path = "/plain/waits"
    spilled = number(edge, "edge_spilled")
    client = SlowClient(edge, path, "waits.example.com")
    # Another of the same age that may go to disk does.
    other = SlowClient(edge, path + "not")
    origin.wait_for(path + "not")
    assert path not in origin.done
    assert number(edge, "edge_spilled") == spilled + 1
    assert (client.read(), other.read()) == (CONTENT, CONTENT)
    client.close()
    other.close()


def test_files_have_no_names(edge, origin):
    path = "/plain/unnamed"
    client = SlowClient(edge, path)
    origin.wait_for(path)
    folder = pathlib.Path(edge.server.data) / "edge-spill"
    assert list(folder.iterdir()) == []
    assert folder.stat().st_mode & 0o777 == 0o700
    client.close()
    until(lambda: number(edge, "edge_spill_bytes") == 0)


def test_many_slow_clients_are_bounded_together(origin):
    """By disk and by memory, whatever they ask for; and a client that is not slow is served beside them."""
    bound = 100 * MIB
    with gateway(origin, f"spill_bytes_max = {bound}\nmemory_bytes_max = {8 * MIB}") as edge:
        assert edge.get("/plain/before").content == CONTENT
        clients = [SlowClient(edge, f"/plain/{nth}") for nth in range(12)]
        most = 0
        deadline = time.monotonic() + 60
        while most < bound - 2 * MIB:
            used = number(edge, "edge_spill_bytes")
            assert used <= bound
            most = max(most, used)
            assert time.monotonic() < deadline, most
        assert edge.server.rss_bytes() < 160 * MIB
        assert edge.get("/plain/beside").content == CONTENT
        for client in clients:
            assert client.read() == CONTENT
            client.close()
        until(lambda: number(edge, "edge_spill_bytes") == 0)
        assert edge.server.rss_bytes() < 160 * MIB


def test_a_disk_that_fails_cuts_no_answer(origin, tmp_path):
    folder = tmp_path / "spill"
    folder.write_text("a file in the place of the directory")
    with gateway(origin, f'spill = "{folder}"') as edge:
        client = SlowClient(edge, "/plain/nodisk")
        until(lambda: number(edge, "edge_spill_failures") == 1)
        assert "/plain/nodisk" not in origin.done
        assert client.read() == CONTENT
        client.close()
        assert number(edge, "edge_spilled") == 0
    assert "its origin waits" in edge.server.log()


def test_a_slow_read_attack_costs_neither_memory_nor_others(origin):
    """slowhttptest reads 32 bytes in five seconds through a window of 512, on 60 connections."""
    bound = 200 * MIB
    with gateway(origin, f"spill_bytes_max = {bound}") as edge:
        # It names the site by its address.
        settings = edge.server.scratch / "osier.toml"
        settings.write_text(settings.read_text().replace("plain.example.com", "*"))
        assert edge.server.command("config", "reload").returncode == 0
        attack = subprocess.Popen(
            ["slowhttptest", "-X", "-c", "60", "-r", "60", "-w", "512", "-y", "1024", "-n", "5", "-z", "32", "-k", "1",
             "-u", f"http://127.0.0.1:{edge.port}/plain/attack", "-p", "20", "-l", "300"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(lambda: number(edge, "edge_spill_bytes") > bound - 2 * MIB)
            assert origin.begun.count("/plain/attack") >= 60
            for nth in range(3):
                assert edge.get(f"/plain/beside{nth}", host="any.example.com").content == CONTENT
                assert number(edge, "edge_spill_bytes") <= bound
                assert edge.server.rss_bytes() < 160 * MIB
        finally:
            attack.kill()
            attack.wait()
        until(lambda: number(edge, "edge_spill_bytes") == 0)
