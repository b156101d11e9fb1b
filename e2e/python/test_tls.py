"""TLS on the store's and the gateway's listeners, by oss2, requests and the ssl module."""

import os
import signal
import ssl
import socket
import subprocess
import time

import oss2
import pytest
import requests

from conftest import KEY_ID, REGION, SECRET
from harness import Osier, free_port


def certificate(folder, name, *hosts):
    """A certificate that signs itself."""
    names = ",".join(f"DNS:{host}" for host in hosts)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={hosts[0]}",
         "-addext", f"subjectAltName={names}", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"],
        check=True, capture_output=True)
    return folder / f"{name}.pem", folder / f"{name}.key"


class Secure:
    """A running server with two certificates; `here` is for localhost."""

    def __init__(self, folder):
        self.folder = folder
        self.port, self.edge_port, self.plain_edge_port = free_port(), free_port(), free_port()
        self.here = certificate(folder, "here", "localhost", "*.localhost")
        self.other = certificate(folder, "other", "other.example.com", "*.wild.example.com")
        self.server = Osier()
        tables = "".join(
            f'[[certificate]]\nchain = "{chain}"\nkey = "{key}"\n' for chain, key in (self.here, self.other))
        self.server.settings = f"""
listen_tls = ["127.0.0.1:{self.port}"]
[gateway]
listen = ["127.0.0.1:{self.plain_edge_port}"]
listen_tls = ["127.0.0.1:{self.edge_port}"]
{tables}
[[site]]
hosts = ["localhost"]
origin = "oss://secure@localhost:{self.server.port}"
"""

    def store(self, bucket):
        auth = oss2.AuthV4(KEY_ID, SECRET)
        return oss2.Bucket(auth, f"https://localhost:{self.port}", bucket, region=REGION)

    def get(self, url, trusted=None):
        return requests.get(url, verify=str(trusted or self.here[0]), timeout=20)

    def shown(self, name):
        """The names of the certificate shown to who asks for `name`."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.load_verify_locations(self.here[0])
        context.load_verify_locations(self.other[0])
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as tcp:
            with context.wrap_socket(tcp, server_hostname=name) as tls:
                return {host for _, host in tls.getpeercert()["subjectAltName"]}


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    secure = Secure(tmp_path_factory.mktemp("tls"))
    before = os.environ.get("REQUESTS_CA_BUNDLE")
    os.environ["REQUESTS_CA_BUNDLE"] = str(secure.here[0])
    with secure.server:
        secure.store("secure").create_bucket(oss2.BUCKET_ACL_PUBLIC_READ)
        yield secure
    if before is None:
        del os.environ["REQUESTS_CA_BUNDLE"]
    else:
        os.environ["REQUESTS_CA_BUNDLE"] = before
    assert secure.server.process.returncode == 0, secure.server.log()


def test_oss2_works_over_tls(secure):
    bucket = secure.store("secure")
    data = os.urandom(9_000_000)
    bucket.put_object("large", data)
    # The second time from memory that was verified, which plain connections send as a file.
    assert bucket.get_object("large").read() == data
    assert bucket.get_object("large").read() == data
    assert bucket.get_object("large", byte_range=(5, 1_000_004)).read() == data[5:1_000_005]


def test_every_new_connection_is_answered(secure):
    secure.store("secure").put_object("small", b"hello")
    for port in (secure.port, secure.edge_port):
        path = "secure/small" if port == secure.port else "small"
        for _ in range(30):
            answer = secure.get(f"https://localhost:{port}/{path}")
            assert (answer.status_code, answer.content) == (200, b"hello")


def test_policies_tell_tls_from_plain(secure):
    bucket = secure.store("secure")
    bucket.put_object("only-tls", b"x")
    bucket.put_bucket_policy(
        '{"Version":"1","Statement":[{"Effect":"Deny","Principal":["*"],"Action":["oss:GetObject"],'
        '"Resource":["acs:oss:*:*:secure/*"],"Condition":{"Bool":{"acs:SecureTransport":["false"]}}}]}')
    try:
        plain = requests.get(f"{secure.server.endpoint}/secure/only-tls", timeout=20)
        assert plain.status_code == 403
        assert secure.get(f"https://localhost:{secure.port}/secure/only-tls").status_code == 200
    finally:
        bucket.delete_bucket_policy()


def test_certificates_are_chosen_by_name(secure):
    assert "localhost" in secure.shown("localhost")
    assert "other.example.com" in secure.shown("other.example.com")
    assert "other.example.com" in secure.shown("a.wild.example.com")
    assert "localhost" in secure.shown("a.b.wild.example.com")
    assert "localhost" in secure.shown("nobody.example.com")


def test_old_versions_are_refused(secure):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", secure.port), timeout=20) as tcp:
        with pytest.raises(ssl.SSLError):
            context.wrap_socket(tcp, server_hostname="localhost")


def test_certificates_are_read_again_at_sighup(secure):
    kept = requests.Session()
    url = f"https://localhost:{secure.port}/secure/small"
    secure.store("secure").put_object("small", b"hello")
    assert kept.get(url, timeout=20).status_code == 200
    chain, key = certificate(secure.folder, "new", "localhost", "new.localhost")
    for source, target in ((key, secure.here[1]), (chain, secure.here[0])):
        os.replace(source, target)
    secure.server.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 20
    while "new.localhost" not in names_now(secure):
        assert time.monotonic() < deadline, secure.server.log()
    assert kept.get(url, timeout=20).status_code == 200
    secure.here[0].write_text("no certificate")
    secure.server.process.send_signal(signal.SIGHUP)
    while "stay as they were" not in secure.server.log():
        assert time.monotonic() < deadline, secure.server.log()
    assert kept.get(url, timeout=20).status_code == 200


def test_certificates_that_change_are_used_without_a_word(tmp_path):
    secure = Secure(tmp_path)
    with secure.server:
        assert "DNS:localhost" in names_now(secure)
        chain, key = certificate(tmp_path, "new", "localhost", "renewed.localhost")
        # Half of a pair is no pair: what is there serves on until the other half comes.
        os.replace(key, secure.here[1])
        deadline = time.monotonic() + 30
        while "the old ones stay" not in secure.server.log():
            assert time.monotonic() < deadline, secure.server.log()
        assert "renewed.localhost" not in names_now(secure)
        os.replace(chain, secure.here[0])
        while "renewed.localhost" not in names_now(secure):
            assert time.monotonic() < deadline, secure.server.log()
    assert secure.server.process.returncode == 0, secure.server.log()


def names_now(secure):
    pem = ssl.get_server_certificate(("127.0.0.1", secure.port))
    text = subprocess.run(["openssl", "x509", "-noout", "-text"], input=pem, capture_output=True, text=True, check=True)
    return text.stdout


def test_a_listener_without_a_certificate_stops_the_start():
    with pytest.raises(RuntimeError) as failed:
        Osier(settings='listen_tls = ["127.0.0.1:0"]').start()
    assert "certificate" in str(failed.value)
