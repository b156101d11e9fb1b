"""Settings that change while requests run, by `osier config` and SIGHUP, with requests and curl as clients."""

import concurrent.futures
import signal
import subprocess
import threading
import time

import pytest
import requests

from gateway import Edge, Origin, running, says
from harness import Osier, binary, free_port
from test_tls import certificate


class Configured(Osier):
    """A server whose settings file a test rewrites."""

    def __init__(self, text, **more):
        super().__init__(settings=text, **more)
        self.file = self.scratch / "osier.toml"

    def config(self, *arguments):
        return self.command("config", *arguments, timeout=60)


@pytest.fixture
def origin():
    with running(Origin()) as server:
        server.answers["/x"] = says({"Cache-Control": "no-store"})
        yield server


def text_of(port, origin, generation, more=""):
    return f"""
[gateway]
listen = ["127.0.0.1:{port}"]
{more}
[[site]]
hosts = ["a.example.com"]
origin = "http://127.0.0.1:{origin.port}"
response_headers = {{ X-Generation = "{generation}" }}
secret_headers = {{ X-Secret = "not-to-be-shown" }}
"""


@pytest.fixture
def server(origin):
    port = free_port()
    server = Configured(text_of(port, origin, 0))
    with server:
        edge = Edge(server, port)
        edge.origin = origin
        yield edge
    assert server.process.returncode == 0, server.log()


def generation(edge):
    return edge.get("/x", host="a.example.com").headers["X-Generation"]


def test_a_hundred_reloads_under_load_cost_no_request(server):
    stop = threading.Event()

    def client(keep_alive):
        wrong, count, session = [], 0, requests.Session()
        while not stop.is_set():
            try:
                answer = session.get(f"http://127.0.0.1:{server.port}/x", headers={"Host": "a.example.com"}, timeout=30)
                if answer.status_code != 200 or answer.content != b"content":
                    wrong.append(answer.text)
            except requests.RequestException as error:
                wrong.append(str(error))
            count += 1
            if not keep_alive:
                session.close()
                session = requests.Session()
        return wrong, count

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        clients = [pool.submit(client, number % 2 == 0) for number in range(6)]
        for number in range(1, 101):
            text = text_of(server.port, server.origin, number)
            server.server.file.write_text(text)
            if number % 2:
                done = server.server.config("reload")
                assert done.returncode == 0, done.stderr
                assert generation(server) == str(number)
            else:
                server.server.process.send_signal(signal.SIGHUP)
                deadline = time.monotonic() + 30
                while generation(server) != str(number):
                    assert time.monotonic() < deadline
        stop.set()
        results = [done.result() for done in clients]
    assert [wrong for wrong, _ in results if wrong] == []
    assert sum(count for _, count in results) > 100


def test_what_is_wrong_with_a_file_changes_nothing_and_is_told_with_its_place(server):
    file = server.server.file
    good = file.read_text()
    for text, place, complaint in [
            (good.replace("hosts", "hsts"), ":6:1:", "unknown setting `hsts`"),
            (good.replace("http://127", "ftp://127"), ":7:11:", "is no origin"),
            (good + "broken =", "osier.toml:10:9:", ""),
    ]:
        file.write_text(text)
        done = server.server.config("reload")
        assert done.returncode == 1 and place in done.stderr and complaint in done.stderr, done.stderr
        server.server.process.send_signal(signal.SIGHUP)
        assert generation(server) == "0"
        checked = subprocess.run([binary(), "config", "check", str(file)], capture_output=True, text=True, check=False)
        assert checked.returncode == 1 and place in checked.stderr, checked.stderr
    file.write_text(good.replace("hosts", "hosst"))
    checked = subprocess.run([binary(), "config", "check", str(file)], capture_output=True, text=True, check=False)
    assert "hint: did you mean `hosts`?" in checked.stderr
    file.write_text(good)
    checked = subprocess.run([binary(), "config", "check", str(file)], capture_output=True, text=True, check=False)
    assert (checked.returncode, "sound" in checked.stderr) == (0, True)


def test_check_tells_everything_that_is_wrong_at_once(tmp_path):
    file = tmp_path / "osier.toml"
    file.write_text("""
listen_tls = ["127.0.0.1:1"]
[[site]]
hosts = ["a"]
origin = "ftp://a"
[[site]]
hosts = ["b"]
origin = "oss://b@localhost:1"
auth = "resign"
credentials = { access_key_id = "k", access_key_secret = "s" }
""")
    checked = subprocess.run([binary(), "config", "check", str(file)], capture_output=True, text=True, check=False)
    assert checked.returncode == 1
    lines = checked.stderr.splitlines()
    assert len(lines) == 3 and "certificate" in lines[0] and ":5:" in lines[1] and "region" in lines[2], checked.stderr


def test_settings_are_kept_as_snapshots_to_go_back_to(server):
    osier = server.server
    for number in (1, 2):
        osier.file.write_text(text_of(server.port, server.origin, number))
        assert osier.config("reload").returncode == 0
    # The same text again is no new snapshot.
    assert osier.config("reload").returncode == 0
    assert osier.config("list").stdout == "1\n2\n3 *\n"
    assert generation(server) == "2"
    back = osier.config("rollback")
    assert back.returncode == 0 and "snapshot 2" in back.stderr, back.stderr
    assert generation(server) == "1"
    assert 'X-Generation = "1"' in osier.file.read_text()
    assert osier.config("rollback", "1").returncode == 0
    assert generation(server) == "0"
    unknown = osier.config("rollback", "77")
    assert unknown.returncode == 1 and "no snapshot 77" in unknown.stderr
    shown = osier.config("show")
    assert 'X-Generation = "0"' in shown.stdout and "not-to-be-shown" not in shown.stdout and "***" in shown.stdout
    assert 'X-Generation = "2"' in osier.config("show", "3").stdout
    for kept in (osier.data / "settings").iterdir():
        assert kept.stat().st_mode & 0o077 == 0
    # A restart begins with what the rollback wrote.
    osier.stop()
    osier.start()
    assert generation(server) == "0"


def test_what_needs_a_restart_is_told(server):
    osier = server.server
    osier.file.write_text('region = "cn-beijing"\n' + text_of(server.port, server.origin, 9) + "\n")
    done = osier.config("reload")
    assert done.returncode == 0 and "after a restart: `region`" in done.stderr, done.stderr
    assert generation(server) == "9"


def test_sites_can_come_and_go(server):
    osier = server.server
    both = text_of(server.port, server.origin, 1) + f"""
[[site]]
hosts = ["b.example.com"]
origin = "http://127.0.0.1:{server.origin.port}"
"""
    assert server.get("/x", host="b.example.com").status_code == 404
    osier.file.write_text(both)
    assert osier.config("reload").returncode == 0
    assert server.get("/x", host="b.example.com").status_code == 200
    osier.file.write_text(text_of(server.port, server.origin, 2))
    assert osier.config("reload").returncode == 0
    assert server.get("/x", host="b.example.com").status_code == 404


def test_a_request_under_way_ends_with_the_settings_it_began_with(server):
    gate = threading.Event()

    def slow(seen):
        gate.wait(20)
        return 200, {"Cache-Control": "no-store"}, b"slow"
    server.origin.answers["/slow"] = slow
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(server.get, "/slow", host="a.example.com")
        while server.origin.count("/slow") == 0:
            time.sleep(0.01)
        server.server.file.write_text(text_of(server.port, server.origin, 5).replace("a.example.com", "c.example.com"))
        assert server.server.config("reload").returncode == 0
        assert server.get("/x", host="a.example.com").status_code == 404
        gate.set()
        answer = asked.result()
    assert (answer.status_code, answer.content, answer.headers["X-Generation"]) == (200, b"slow", "0")


def test_without_a_server_or_a_file_there_is_nothing_to_reload(tmp_path):
    done = subprocess.run([binary(), "config", "reload", "--data", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "no server works on" in done.stderr
    with Osier() as plain:
        done = plain.command("config", "reload")
        assert done.returncode == 1 and "no settings file" in done.stderr


def test_a_broken_certificate_stops_a_reload(origin, tmp_path):
    chain, key = certificate(tmp_path, "one", "localhost")
    port, tls = free_port(), free_port()
    more = f'listen_tls = ["127.0.0.1:{tls}"]\n[[certificate]]\nchain = "{chain}"\nkey = "{key}"\n'
    server = Configured(text_of(port, origin, 0, more))
    with server:
        edge = Edge(server, port)
        whole = chain.read_text()
        chain.write_text("nothing")
        server.file.write_text(text_of(port, origin, 1, more))
        done = server.config("reload")
        assert done.returncode == 1 and "one.pem" in done.stderr, done.stderr
        assert generation(edge) == "0"
        chain.write_text(whole)
        assert server.config("reload").returncode == 0
        assert generation(edge) == "1"


def test_ready_tells_load_balancers_before_connections_are_refused(origin):
    port = free_port()
    server = Configured("[http]\nunready_s = 2\n" + text_of(port, origin, 0))
    with server:
        edge = Edge(server, port)
        console = f"http://127.0.0.1:{server.console_port}/ready"
        assert (edge.get("/ready", host="lb").status_code, requests.get(console, timeout=20).status_code) == (200, 200)
        server.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 20
        while edge.get("/ready", host="lb").status_code == 200:
            assert time.monotonic() < deadline
        assert requests.get(console, timeout=20).status_code == 503
        # Until then it serves.
        assert generation(edge) == "0"
        assert server.process.wait(30) == 0
