"""Names of origins, asked of servers of DNS that the settings name."""

import concurrent.futures
import http.server
import threading
import time

import pytest

from gateway import Edge, Handler, Origin, running, says
from harness import Osier, free_port
from nameserver import A, AAAA, CNAME, Zone, serving
from test_gateway_upstreams import wait_for


class At(Origin):
    """An origin at another address of this machine, on the same port."""

    def __init__(self, address, port=0):
        http.server.ThreadingHTTPServer.__init__(self, (address, port), Handler)
        self.seen, self.connections, self.answers, self.lock = [], 0, {}, threading.Lock()


@pytest.fixture
def world():
    """Two origins on one port of two addresses, and a zone that leads to either."""
    zone = Zone()
    with serving(zone) as dns_port, running(At("127.0.0.1")) as first, running(At("127.0.0.2", first.port)) as second:
        for name, origin in [("first", first), ("second", second)]:
            origin.answers["/x"] = says({"Cache-Control": "no-store", "Connection": "close"}, name.encode())
        zone.origin_port, zone.dns_port = first.port, dns_port
        yield zone


def edge_of(zone, gateway="", site="", servers=None, host="moves.test"):
    port = free_port()
    servers = servers or [f"127.0.0.1:{zone.dns_port}"]
    server = Osier(settings=f"""
[gateway]
listen = ["127.0.0.1:{port}"]
resolver = {servers}
{gateway}
[[site]]
hosts = ["*"]
origin = "http://{host}:{zone.origin_port}"
origin_local = true
{site}
""".replace("'", '"'))
    return server, Edge(server, port)


def text(edge):
    answer = edge.get("/x")
    return answer.text if answer.status_code == 200 else answer.status_code


def test_a_record_that_changes_is_followed_when_its_time_is_over(world):
    world.say("moves.test", (A, 1, "127.0.0.1"))
    server, edge = edge_of(world)
    with server:
        assert [text(edge) for _ in range(3)] == ["first"] * 3
        asked = world.count("moves.test")
        assert asked == 1 and world.count("moves.test", AAAA) == 1
        world.say("moves.test", (A, 60, "127.0.0.2"))
        wait_for(lambda: text(edge) == "second")
        asked = world.count("moves.test")
        # Now it is good for a minute.
        world.say("moves.test", (A, 60, "127.0.0.1"))
        assert [text(edge) for _ in range(20)] == ["second"] * 20
        assert world.count("moves.test") == asked
    assert server.process.returncode == 0, server.log()


def test_valid_comes_before_the_records_time(world):
    world.say("moves.test", (A, 0, "127.0.0.1"))
    server, edge = edge_of(world, gateway="resolver_valid_s = 600\nresolver_ipv6 = false")
    with server:
        assert text(edge) == "first"
        world.say("moves.test", (A, 0, "127.0.0.2"))
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            assert text(edge) == "first"
        assert (world.count("moves.test"), world.count("moves.test", AAAA)) == (1, 0)
    world.say("moves.test", (A, 600, "127.0.0.1"))
    server, edge = edge_of(world, gateway="resolver_valid_s = 600", site="resolve_valid_s = 1")
    with server:
        assert text(edge) == "first"
        world.say("moves.test", (A, 600, "127.0.0.2"))
        wait_for(lambda: text(edge) == "second")


@pytest.mark.parametrize("mood", ["silent", "servfail", "nxdomain"])
def test_old_addresses_serve_on_when_dns_fails(world, mood):
    world.say("moves.test", (A, 1, "127.0.0.1"))
    server, edge = edge_of(world, gateway="resolver_timeout_s = 1")
    with server:
        assert text(edge) == "first"
        world.mood = mood
        wait_for(lambda: text(edge) == "first" and world.count("moves.test") > 1)
        asked = world.count("moves.test")
        wait_for(lambda: "old addresses are used again" in server.log())
        assert [text(edge) for _ in range(10)] == ["first"] * 10
        assert world.count("moves.test") <= asked + 2, "a failure is not asked again for each request"
        world.mood = "answer"
        world.say("moves.test", (A, 60, "127.0.0.2"))
        wait_for(lambda: text(edge) == "second")
    assert server.process.returncode == 0, server.log()


def test_a_name_without_an_address_is_told_so_and_asked_again_later(world):
    server, edge = edge_of(world, gateway="resolver_timeout_s = 1")
    with server:
        answer = edge.get("/x")
        assert (answer.status_code, answer.headers["Proxy-Status"]) == (502, "osier; error=dns_error")
        assert "OriginUnresolved" in answer.text
        assert [text(edge) for _ in range(20)] == [502] * 20
        assert world.count("moves.test") == 1
        world.say("moves.test", (A, 60, "127.0.0.1"))
        wait_for(lambda: text(edge) == "first")
    assert server.process.returncode == 0, server.log()


def test_a_silent_server_costs_a_wait_once(world):
    world.say("moves.test", (A, 1, "127.0.0.1"))
    silent = Zone()
    silent.mood = "silent"
    with serving(silent) as silent_port:
        server, edge = edge_of(world, servers=[f"127.0.0.1:{silent_port}", f"127.0.0.1:{world.dns_port}"])
        with server:
            assert text(edge) == "first"
            asked = silent.count("moves.test")
            assert asked == 1
            world.say("moves.test", (A, 60, "127.0.0.2"))
            wait_for(lambda: text(edge) == "second")
            assert silent.count("moves.test") == asked, "the one that answered is asked first"
    assert server.process.returncode == 0, server.log()


def test_many_requests_at_once_ask_once(world):
    world.say("moves.test", (A, 60, "127.0.0.1"))
    server, edge = edge_of(world)
    with server, concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert set(pool.map(lambda _: text(edge), range(64))) == {"first"}
    assert world.count("moves.test") == 1
    assert server.process.returncode == 0, server.log()


def test_aliases_long_answers_and_forged_ones(world):
    world.say("target.test", (A, 60, "127.0.0.2"))
    world.say("moves.test", (CNAME, 60, "target.test"))
    for mood in ["answer", "cut", "forged"]:
        world.mood = mood
        server, edge = edge_of(world)
        with server:
            assert text(edge) == "second", mood
        assert server.process.returncode == 0, server.log()


def test_edge_an_answer_of_dns_does_not_lead_to_this_machine(world):
    world.say("moves.test", (A, 60, "127.0.0.1"))
    server, edge = edge_of(world)
    server.settings = server.settings.replace("origin_local = true", "")
    with server:
        assert text(edge) == 502
    assert "leads to this machine" in server.log()
    assert not world.records.get("localhost")
    server, edge = edge_of(world, host="localhost")
    with server:
        assert text(edge) == "first"
    assert world.count("localhost") == 0
