"""Certificates from an authority that speaks ACME, seen by requests, curl, openssl and the ssl module."""

import datetime
import os
import socket
import ssl
import stat
import subprocess

import pytest
import requests

from acme_authority import Authority
from gateway import Origin, running, says
from harness import Osier, free_port
from test_gateway_config import Configured
from test_gateway_upstreams import wait_for
from test_tls import certificate


class World:
    """An authority, an origin, and the settings of a server that orders from the one for the other."""

    def __init__(self, folder):
        self.folder = folder
        self.http, self.tls = free_port(), free_port()
        chain, key = certificate(folder, "directory", "localhost")
        self.authority = Authority(chain, key, self.http, self.tls)
        self.ca = chain
        self.origin = Origin()
        self.origin.answers["/x"] = says({"Cache-Control": "no-store"})
        self.origin.answers["/.well-known/acme-challenge/own"] = says({}, b"the site's own")

    def settings(self, more="", acme="", hosts=("a.example.com",)):
        return f"""
[gateway]
listen = ["127.0.0.1:{self.http}"]
listen_tls = ["127.0.0.1:{self.tls}"]
[acme]
hosts = [{", ".join(f'"{host}"' for host in hosts)}]
terms_agreed = true
contact = ["mailto:admin@example.com"]
directory = "{self.authority.directory}"
ca = "{self.ca}"
retry_s = 1
{acme}
{more}
[[site]]
hosts = ["*"]
origin = "http://127.0.0.1:{self.origin.port}"
https = "redirect"
https_port = {self.tls}
hsts_s = 600
ip = {{ allow = ["127.0.0.1"] }}
"""

    def shown(self, name="a.example.com"):
        """The certificate that a client gets, verified by the authority's root, and its connection."""
        context = ssl.create_default_context(cadata=self.authority.root_pem().decode())
        with socket.create_connection(("127.0.0.1", self.tls), timeout=20) as plain:
            with context.wrap_socket(plain, server_hostname=name) as secured:
                return secured.getpeercert()

    def serial(self, name="a.example.com"):
        try:
            return self.shown(name)["serialNumber"]
        except (ssl.SSLError, OSError):
            return None


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    with running(world.authority), running(world.origin):
        yield world


def test_a_certificate_is_ordered_proven_issued_kept_and_used_again(world):
    world.authority.bad_nonces = 2
    server = Configured(world.settings(hosts=("a.example.com", "b.example.com")))
    with server:
        # There is none yet, and plain HTTP is served all the while.
        assert requests.get(f"http://127.0.0.1:{world.http}/x", timeout=20, allow_redirects=False).status_code == 301
        wait_for(lambda: world.serial() and world.serial("b.example.com"))
        first = world.serial()
        assert first != world.serial("b.example.com")
        root = world.folder / "root.pem"
        root.write_bytes(world.authority.root_pem())
        done = subprocess.run(
            ["curl", "--silent", "--fail", "--include", "--cacert", root, "--location",
             "--connect-to", f"::127.0.0.1:{world.http}", "--resolve", f"a.example.com:{world.tls}:127.0.0.1",
             f"http://a.example.com:{world.http}/x"], capture_output=True, text=True, timeout=60)
        if done.returncode:
            done = subprocess.run(
                ["curl", "--silent", "--fail", "--include", "--cacert", root,
                 "--resolve", f"a.example.com:{world.tls}:127.0.0.1", f"https://a.example.com:{world.tls}/x"],
                capture_output=True, text=True, timeout=60, check=True)
        assert "strict-transport-security: max-age=600" in done.stdout.lower() and done.stdout.endswith("content")
        seen = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{world.tls}", "-servername", "b.example.com",
             "-CAfile", root, "-verify_hostname", "b.example.com", "-verify_return_error"],
            input=b"", capture_output=True, timeout=30, check=True)
        assert b"Verify return code: 0" in seen.stdout
        assert world.authority.count("badNonce") == 2
        assert (world.authority.count("account"), world.authority.count("issued")) == (1, 2)
        reload = server.config("reload")
        assert reload.returncode == 0, reload.stderr
        assert world.serial() == first, "what was issued stays through a reload"
    assert server.process.returncode == 0, server.log()
    for path in (server.data / "acme").rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path
        assert "example" not in path.name
    assert "PRIVATE" not in server.log()
    again = Osier(data=server.data, settings=server.settings)
    with again:
        assert world.serial() == first, "from disk, before anything is asked"
    assert again.process.returncode == 0, again.log()
    assert (world.authority.count("account"), world.authority.count("order")) == (1, 2)


def test_a_certificate_is_renewed_in_time_without_a_restart(world):
    world.authority.lifetime = datetime.timedelta(seconds=5)
    server = Configured(world.settings())
    with server:
        serials = set()
        wait_for(lambda: serials.add(world.serial()) or len(serials - {None}) >= 3)
    assert server.process.returncode == 0, server.log()
    assert world.authority.count("account") == 1


def test_failures_are_tried_again_and_change_nothing(world):
    world.authority.refuses = True
    server = Configured(world.settings())
    with server:
        wait_for(lambda: server.log().count("no certificate") >= 2)
        assert world.serial() is None
        assert requests.get(f"http://127.0.0.1:{world.http}/x", timeout=20, allow_redirects=False).status_code == 301
        world.authority.refuses = False
        wait_for(world.serial)
    assert server.process.returncode == 0, server.log()


def test_an_authority_that_is_away_stops_nobody(world):
    chain, key = certificate(world.folder, "own", "own.example.com")
    text = world.settings(f'[[certificate]]\nchain = "{chain}"\nkey = "{key}"\n')
    server = Configured(text.replace(world.authority.directory, f"https://localhost:{free_port()}/directory"))
    with server:
        wait_for(lambda: "no certificate" in server.log())
        answer = requests.get(
            f"https://localhost:{world.tls}/x", headers={"Host": "own.example.com"}, verify=False, timeout=20)
        assert answer.status_code == 421 or answer.ok
    assert server.process.returncode == 0, server.log()


def test_proofs_are_shown_while_they_are_asked_for_and_no_longer(world):
    server = Configured(world.settings())
    with server:
        wait_for(world.serial)
        [order] = world.authority.orders.values()
        base = f"http://127.0.0.1:{world.http}/.well-known/acme-challenge/"
        gone = requests.get(base + order["token"], timeout=20, allow_redirects=False)
        assert gone.status_code == 301, "the site's own again"
    assert server.process.returncode == 0, server.log()


@pytest.mark.parametrize("wrong, told", [
    ("terms_agreed = false", "terms"), ('hosts = ["*.example.com"]', "proven"), ('hosts = ["127.0.0.1"]', "proven"),
    ('directory = "http://localhost/directory"', "https")])
def test_what_cannot_be_ordered_is_told_at_once(world, wrong, told):
    key = wrong.split(" ")[0]
    lines = [wrong if line.startswith(f"{key} =") and "*" not in line else line for line in world.settings().splitlines()]
    done = Configured("\n".join(lines))
    path = done.scratch / "wrong.toml"
    path.write_text("\n".join(lines))
    checked = done.command("config", "check", str(path))
    assert checked.returncode != 0 and told in checked.stderr + checked.stdout, checked
    assert not world.authority.log


def test_an_issued_key_is_of_its_file_alone(world):
    server = Configured(world.settings())
    with server:
        wait_for(world.serial)
        files = [path for path in (server.data / "acme").rglob("*.pem")]
        assert len(files) == 1 and os.stat(files[0]).st_mode & 0o077 == 0
        text = files[0].read_text()
        assert text.count("PRIVATE KEY") == 2 and text.count("BEGIN CERTIFICATE") == 2
    assert server.process.returncode == 0, server.log()


def offered(world, protocols, name="a.example.com"):
    """What a client that offers these gets: the protocol and the certificate, or the refusal."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(protocols)
    try:
        with socket.create_connection(("127.0.0.1", world.tls), timeout=20) as plain:
            with context.wrap_socket(plain, server_hostname=name) as secured:
                return secured.selected_alpn_protocol(), secured.getpeercert(binary_form=True)
    except (ssl.SSLError, ConnectionError):
        return None, None


def test_a_host_is_proven_by_a_handshake(world):
    """Port 80 is closed: there is no plain listener at all."""
    world.authority.challenges = ["http-01", "tls-alpn-01"]
    text = world.settings(acme='challenge = "tls-alpn-01"', hosts=("a.example.com", "b.example.com"))
    text = text.replace(f'listen = ["127.0.0.1:{world.http}"]', "listen = []").replace('https = "redirect"\n', "")
    server = Configured(text)
    seen = []
    validate = world.authority.proven_by_handshake

    def watched(order, expected):
        # While a proof is shown, others see nothing of it.
        seen.append([offered(world, protocols, name) for protocols, name in (
            (["acme-tls/1"], order["host"]), (["acme-tls/1", "http/1.1"], order["host"]),
            (["http/1.1"], order["host"]), (["acme-tls/1"], "other.example.com"))])
        return validate(order, expected)
    world.authority.proven_by_handshake = watched
    with server:
        wait_for(lambda: world.serial() and world.serial("b.example.com"))
        assert world.authority.count("validated") == 2
        # Nobody gets that protocol when nothing is to be proven.
        assert offered(world, ["acme-tls/1"]) == (None, None)
        issued = offered(world, ["h2", "http/1.1"])
        assert issued[0] == "h2"
        context = ssl.create_default_context(cadata=world.authority.root_pem().decode())
        with socket.create_connection(("127.0.0.1", world.tls), timeout=20) as plain:
            with context.wrap_socket(plain, server_hostname="a.example.com") as secured:
                secured.sendall(b"GET /x HTTP/1.1\r\nHost: a.example.com\r\nConnection: close\r\n\r\n")
                assert secured.recv(12) == b"HTTP/1.1 200"
    first, second = seen
    for alone, mixed, _, other in seen:
        assert alone[0] == "acme-tls/1" and alone[1]
        assert mixed == (None, None) and other == (None, None)
    # The first host has its certificate when the second is proven, and others get it as ever.
    assert first[2] == (None, None)
    assert second[2] == ("http/1.1", issued[1])


def test_a_proof_that_is_wrong_gets_no_certificate(world):
    world.authority.challenges = ["tls-alpn-01"]
    right = world.authority.proven_by_handshake
    world.authority.proven_by_handshake = lambda order, expected: right(order, expected + b"x")
    with Configured(world.settings(acme='challenge = "tls-alpn-01"')) as server:
        wait_for(lambda: world.authority.count("validated") >= 2)
        assert world.serial() is None
        assert "does not believe" in server.log()
        world.authority.proven_by_handshake = right
        wait_for(world.serial)


def test_an_authority_without_the_challenge_is_told(world):
    world.authority.challenges = ["http-01"]
    with Configured(world.settings(acme='challenge = "tls-alpn-01"')) as server:
        wait_for(lambda: "does not offer the `challenge` of the settings" in server.log())
