"""How much memory the program takes, and how many connections it holds."""

import contextlib
import hashlib
import resource
import socket
import threading
import time

import pytest

from harness import Osier, Raw

MIB = 1 << 20


@pytest.fixture
def fresh():
    """A server that nobody has used yet."""
    with Osier() as server:
        yield server
    assert server.process.returncode == 0, server.log()


def test_idle_memory(fresh):
    raw = Raw(fresh.port)
    assert raw.send("PUT", "idle-bucket").status == 200
    assert raw.send("GET", "idle-bucket").status == 200
    assert fresh.rss_bytes() <= 40 * MIB, f"{fresh.rss_bytes() / MIB:.1f} MiB"


def test_memory_of_64_uploads_of_64_mib(fresh):
    raw = Raw(fresh.port)
    raw.send("PUT", "big-bucket")
    body = hashlib.sha512(b"upload").digest() * MIB
    answers = []

    def upload(number):
        answers.append(Raw(fresh.port).send("PUT", "big-bucket", f"k{number}", body=body, timeout=300).status)

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    peak = 0
    while any(thread.is_alive() for thread in threads):
        peak = max(peak, fresh.rss_bytes())
        time.sleep(0.02)
    print(f"peak {peak / MIB:.0f} MiB")
    assert answers == [200] * 64
    assert peak < 300 * MIB, f"{peak / MIB:.0f} MiB"
    digest = hashlib.md5(body).hexdigest().upper()
    assert {raw.send("HEAD", "big-bucket", f"k{number}").header("etag") for number in range(64)} == {f'"{digest}"'}


def test_ten_thousand_idle_connections(fresh):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 12_000:
        pytest.skip(f"this machine allows only {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 12_000), hard))
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    raw = Raw(fresh.port)
    with contextlib.ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection(("127.0.0.1", fresh.port), timeout=30))
            for _ in range(10_000)]
        for connection in connections:
            connection.sendall(request)
            assert connection.recv(65536).startswith(b"HTTP/1.1 403")
        print(f"{fresh.rss_bytes() / MIB:.0f} MiB with 10,000 connections")
        assert raw.send("PUT", "while-they-wait").status == 200
        # All are still there, and used again.
        for connection in connections:
            connection.sendall(request)
            assert connection.recv(65536).startswith(b"HTTP/1.1 403")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
