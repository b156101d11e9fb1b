"""Addresses that can't be listened on: told with their cause wherever they are asked for, by the program's own
commands and the SDK of the CDN, and nothing that runs stops for it."""

import contextlib
import os
import signal
import socket
import subprocess
import time

import pytest
import requests

from cdn import cdn, source, sources
from control import refused
from gateway import Edge, Origin, running, says
from harness import Osier, free_port
from test_gateway_config import Configured

# TEST-NET-1: no machine has it.
ELSEWHERE = "192.0.2.1"


@contextlib.contextmanager
def occupied():
    """A port that somebody else listens on."""
    with contextlib.closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.fixture(scope="module")
def origin():
    with running(Origin()) as origin:
        origin.answers["/x"] = says({"Cache-Control": "no-store"}, b"here")
        yield origin


def site(origin):
    return f'[[site]]\nhosts = ["plain.example.com"]\norigin = "http://127.0.0.1:{origin.port}"\n'


def refused_start(settings):
    server = Osier(settings=settings)
    done = subprocess.run(server.arguments(), capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


def test_a_start_tells_the_address_and_why(origin):
    with occupied() as port:
        said = refused_start(f'[gateway]\nlisten = ["127.0.0.1:{port}"]\n{site(origin)}')
    assert f"can't listen on 127.0.0.1:{port}" in said and "in use" in said and "hint: " in said
    said = refused_start(f'[gateway]\nlisten = ["{ELSEWHERE}:80"]\n{site(origin)}')
    assert f"can't listen on {ELSEWHERE}:80" in said and "no such address" in said


def test_a_start_without_permission_tells_it(origin):
    server = Osier(settings=f'[gateway]\nlisten = ["127.0.0.1:81"]\n{site(origin)}')
    server.scratch.chmod(0o777)
    everybody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
    become = everybody if os.getuid() == 0 else []
    done = subprocess.run(
        [*become, *server.arguments()], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "can't listen on 127.0.0.1:81" in done.stderr and "CAP_NET_BIND_SERVICE" in done.stderr


def test_a_reload_that_can_not_listen_changes_nothing(origin):
    """There was no site at the start, so nothing listens for sites yet."""
    port = free_port()
    with occupied() as taken:
        head = f'[gateway]\nlisten = ["127.0.0.1:{port}", "127.0.0.1:{taken}"]\n'
        server = Configured(head)
        with server:
            server.file.write_text(head + site(origin))
            done = server.config("reload")
            assert done.returncode == 1
            assert f"can't listen on 127.0.0.1:{taken}" in done.stderr and "in use" in done.stderr
            # What could be had was given back, and what runs goes on.
            with contextlib.closing(socket.socket()) as probe:
                probe.bind(("127.0.0.1", port))
            assert requests.get(f"http://127.0.0.1:{server.port}/", timeout=20).status_code in (200, 403)
            assert server.config("show").stdout == head
            before = server.log().count("can't listen on")
            server.process.send_signal(signal.SIGHUP)
            deadline = time.monotonic() + 20
            while server.log().count("can't listen on") == before:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert server.process.poll() is None


def test_a_reload_listens_once_the_address_is_free(origin):
    with contextlib.ExitStack() as held:
        port = held.enter_context(occupied())
        head = f'[gateway]\nlisten = ["127.0.0.1:{port}"]\n'
        server = Configured(head)
        with server:
            server.file.write_text(head + site(origin))
            assert server.config("reload").returncode == 1
            held.close()
            assert server.config("reload").returncode == 0
            assert Edge(server, port).get("/x").content == b"here"


def test_the_cdn_api_tells_the_address_and_why(origin):
    name = "listening.example.com"
    with contextlib.ExitStack() as held:
        tls = held.enter_context(occupied())
        taken = held.enter_context(occupied())
        settings = f'[gateway]\nlisten = ["127.0.0.1:{taken}"]\nlisten_tls = ["127.0.0.1:{tls}"]\n'
        with Osier(settings=settings) as server:
            client = cdn(server)

            wanted = {
                "domain_name": name, "cdn_type": "web", "scope": "overseas",
                "sources": sources(source("127.0.0.1", origin.port))}
            error = refused(client.AddCdnDomain, "ServiceUnavailable", 503, **wanted)
            assert f"can't listen on 127.0.0.1:{taken}" in str(error) and "in use" in str(error)
            assert client.DescribeUserDomains().total_count == 0
            held.close()
            client.AddCdnDomain(**wanted)
            assert Edge(server, taken).get("/x", host=name).content == b"here"


def test_a_check_tells_it_too(origin, tmp_path):
    """As a warning: the file may be for another machine, or another user."""
    file = tmp_path / "osier.toml"
    with occupied() as port:
        file.write_text(f'listen = ["127.0.0.1:{free_port()}"]\nconsole_listen = "127.0.0.1:{free_port()}"\n'
                        f'[gateway]\nlisten = ["127.0.0.1:{port}"]\n{site(origin)}')
        done = Osier().command("config", "check", str(file))
        assert done.returncode == 0, done.stderr
        assert f"warning: {file}:4:12: can't listen on `127.0.0.1:{port}`" in done.stderr and "in use" in done.stderr
        assert "hint: something listens" in done.stderr


def test_a_check_beside_the_running_server_has_no_complaint(origin):
    port, console, store = free_port(), free_port(), free_port()
    server = Configured(
        f'listen = ["127.0.0.1:{store}"]\nconsole_listen = "127.0.0.1:{console}"\n'
        f'[gateway]\nlisten = ["127.0.0.1:{port}"]\n{site(origin)}')
    with server:
        done = server.config("check", str(server.file))
        assert done.returncode == 0 and "warning" not in done.stderr, done.stderr
