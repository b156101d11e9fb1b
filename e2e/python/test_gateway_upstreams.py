"""Origins over TLS, of this server itself, behind a secret, and several at once; by requests, oss2 and nginx."""

import collections
import subprocess
import time

import oss2
import pytest
import requests

from conftest import KEY_ID, REGION, SECRET, new_name
from gateway import Edge, Origin, running, says
from harness import Osier, free_port
from test_tls import certificate

BUCKET = new_name("own")
SHOWN = new_name("shown")


class Nginx:
    """Debian's nginx with one server block."""

    def __init__(self, folder, server):
        folder.mkdir()
        self.folder = folder
        (folder / "nginx.conf").write_text(f"""
daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}
http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
uwsgi_temp_path {folder}; scgi_temp_path {folder}; server {{ {server} }} }}
""")

    def __enter__(self):
        self.process = subprocess.Popen(
            ["nginx", "-p", str(self.folder), "-c", "nginx.conf", "-e", f"{self.folder}/error.log"])
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    """Knows its friends by a secret, and speaks TLS for `localhost` besides."""
    folder = tmp_path_factory.mktemp("nginx")
    chain, key = certificate(folder, "origin", "localhost")
    plain, secure = free_port(), free_port()
    server = f"""
listen 127.0.0.1:{plain}; listen 127.0.0.1:{secure} ssl;
ssl_certificate {chain}; ssl_certificate_key {key};
location /secret {{ if ($http_user_agent != "the-secret") {{ return 403 "who are you"; }} return 200 "for friends"; }}
location / {{ return 200 "$scheme $ssl_server_name $host"; }}
"""
    with Nginx(folder / "run", server) as running:
        running.plain, running.secure, running.chain = plain, secure, chain
        wait_for(lambda: (running.folder / "pid").exists())
        yield running


@pytest.fixture(scope="module")
def edge(nginx, tmp_path_factory):
    port, store_tls = free_port(), free_port()
    other = certificate(tmp_path_factory.mktemp("other"), "other", "other.localhost")[0]
    chain, key = certificate(tmp_path_factory.mktemp("store"), "store", "localhost", f"{BUCKET}.localhost")
    server = Osier()
    keys = f'credentials = {{ access_key_id = "{KEY_ID}", access_key_secret = "{SECRET}" }}'

    def site(name, more):
        return f'[[site]]\nhosts = ["{name}.example.com"]\n{more}\n'
    secure = f'origin = "https://localhost:{nginx.secure}"\n'
    server.settings = f"""
listen_tls = ["127.0.0.1:{store_tls}"]
[gateway]
listen = ["127.0.0.1:{port}"]
[[certificate]]
chain = "{chain}"
key = "{key}"
{site("friend", f'origin = "http://127.0.0.1:{nginx.plain}"' + chr(10) + 'secret_headers = { User-Agent = "the-secret" }')}
{site("stranger", f'origin = "http://127.0.0.1:{nginx.plain}"')}
{site("tls", secure + f'origin_ca = "{nginx.chain}"')}
{site("untrusted", secure)}
{site("other-ca", secure + f'origin_ca = "{other}"')}
{site("unverified", secure + "origin_verify = false")}
{site("wrong-name", f'origin = "https://127.0.0.1:{nginx.secure}"{chr(10)}origin_ca = "{nginx.chain}"')}
{site("no-tls", f'origin = "https://127.0.0.1:{nginx.plain}"{chr(10)}origin_verify = false')}
{site("oss-tls", f'origin = "oss+https://{BUCKET}@localhost:{store_tls}?region={REGION}"{chr(10)}origin_ca = "{chain}"{chr(10)}auth = "resign"{chr(10)}{keys}')}
{site("own", f'origin = "self://{BUCKET}"')}
{site("shown", f'origin = "self://{SHOWN}"{chr(10)}auth = "resign"{chr(10)}strip_prefix = "/s"{chr(10)}{keys}')}
"""
    with server:
        edge = Edge(server, port)
        edge.bucket, edge.shown = (
            oss2.Bucket(oss2.AuthV4(KEY_ID, SECRET), server.endpoint, name, region=REGION) for name in (BUCKET, SHOWN))
        edge.bucket.create_bucket()
        edge.shown.create_bucket()
        edge.bucket.put_object("k.txt", b"over tls")
        yield edge
        assert "the-secret" not in server.log()
    assert server.process.returncode == 0, server.log()


def through(edge, site, path="/", method="GET", **more):
    return edge.request(method, path, host=f"{site}.example.com", **more)


def test_an_origin_may_know_us_by_a_secret(edge):
    assert through(edge, "friend", "/secret", headers={"User-Agent": "curl"}).text == "for friends"
    refused = through(edge, "stranger", "/secret", headers={"User-Agent": "curl"})
    assert (refused.status_code, refused.text) == (403, "who are you")


def test_an_origin_over_tls_is_asked_by_its_name(edge):
    for _ in range(2):
        assert through(edge, "tls").text == "https localhost localhost"
    assert through(edge, "unverified").status_code == 200


@pytest.mark.parametrize("site", ["untrusted", "other-ca", "wrong-name"])
def test_edge_a_certificate_that_is_not_believed_ends_the_exchange(edge, site):
    answer = through(edge, site)
    assert answer.status_code == 502 and "<Code>OriginTlsFailed</Code>" in answer.text
    assert answer.headers["Proxy-Status"] == "osier; error=tls_certificate_error"


def test_an_origin_without_tls_is_told_from_one_with_a_wrong_certificate(edge):
    answer = through(edge, "no-tls")
    assert (answer.status_code, answer.headers["Proxy-Status"]) == (502, "osier; error=tls_protocol_error")


def test_a_bucket_is_signed_for_over_tls(edge):
    assert through(edge, "oss-tls", "/k.txt").content == b"over tls"


def own_sdk(edge, signature):
    auth = {"v1": oss2.Auth, "v4": oss2.AuthV4}[signature](KEY_ID, SECRET)
    return oss2.Bucket(auth, f"http://own.example.com:{edge.port}", BUCKET, is_cname=True, region=REGION)


@pytest.mark.parametrize("signature", ["v1", "v4"])
def test_a_bucket_of_this_server_is_served_without_a_second_copy(edge, signature):
    bucket = own_sdk(edge, signature)
    data = bytes(range(256)) * 8000
    bucket.put_object("own/ä.bin", data)
    assert bucket.get_object("own/ä.bin").read() == data
    assert bucket.get_object("own/ä.bin", byte_range=(10, 20)).read() == data[10:21]
    assert "X-Cache" not in bucket.get_object("own/ä.bin").headers
    assert {found.key for found in bucket.list_objects_v2(prefix="own/").object_list} == {"own/ä.bin"}
    assert through(edge, "own", "/own/%C3%A4.bin").status_code == 403
    bucket.put_object_acl("own/ä.bin", "public-read")
    assert through(edge, "own", "/own/%C3%A4.bin").content == data
    bucket.put_object_acl("own/ä.bin", "private")
    assert through(edge, "own", "/own/%C3%A4.bin").status_code == 403


def test_what_is_sent_of_an_own_bucket_is_what_is_current(edge):
    for version in range(20):
        edge.shown.put_object("page", f"version {version}".encode())
        answer = through(edge, "shown", "/s/page")
        assert (answer.status_code, answer.text) == (200, f"version {version}")
    edge.shown.delete_object("page")
    assert through(edge, "shown", "/s/page").status_code == 404
    assert through(edge, "shown", "/page").status_code == 404
    assert through(edge, "shown", "/s/?prefix=").status_code == 403


@pytest.fixture
def several():
    """Two origins of equal rank with shares 3 and 1, and one that stands by."""
    port = free_port()
    with running(Origin()) as first, running(Origin()) as second, running(Origin()) as third:
        for name, origin in zip(["first", "second", "third"], [first, second, third], strict=True):
            origin.answers["/who"] = says({"Cache-Control": "no-store"}, name.encode())
            origin.answers["/up"] = says({})
        server = Osier(settings=f"""
[gateway]
listen = ["127.0.0.1:{port}"]
[[site]]
hosts = ["passive.example.com"]
origins = [
  {{ url = "http://127.0.0.1:{first.port}", weight = 3 }},
  {{ url = "http://127.0.0.1:{second.port}" }},
  {{ url = "http://127.0.0.1:{third.port}", priority = 1 }},
]
failures_max = 1
failure_rest_s = 3600
[[site]]
hosts = ["active.example.com"]
origins = [{{ url = "http://127.0.0.1:{first.port}" }}, {{ url = "http://127.0.0.1:{third.port}", priority = 1 }}]
health = {{ path = "/up", interval_s = 1, failures_max = 1 }}
failures_max = 1000
""")
        with server:
            yield Edge(server, port), first, second, third
        assert server.process.returncode == 0, server.log()


def asked(edge, times, site="passive"):
    return collections.Counter(through(edge, site, "/who").text for _ in range(times))


def test_origins_share_requests_by_weight_and_stand_in_for_each_other(several):
    edge, first, second, _ = several
    assert asked(edge, 40) == {"first": 30, "second": 10}
    broken = says({}, b"broken", 503)
    first.answers["/who"] = broken
    # No client sees the failure, and the origin that failed is asked once.
    assert asked(edge, 20) == {"second": 20}
    assert first.count("/who") == 31
    second.answers["/who"] = broken
    assert asked(edge, 5) == {"third": 5}
    put = through(edge, "passive", "/who", "POST", data=b"x")
    assert put.status_code == 200


def test_a_write_is_not_sent_twice(several):
    edge, first, second, third = several
    for origin in (first, second):
        origin.answers["/who"] = says({}, b"broken", 503)
    assert through(edge, "passive", "/who", "POST", data=b"x").status_code == 503
    assert first.count("/who") + second.count("/who") + third.count("/who") == 1


def test_origins_that_are_down_do_not_double_the_load(several):
    edge, *origins = several
    for origin in origins:
        origin.answers["/who"] = says({}, b"broken", 503)
    for _ in range(60):
        assert through(edge, "passive", "/who").status_code == 503
    seen = sum(origin.count("/who") for origin in origins)
    # The burst of ten, and a tenth of the requests.
    assert 60 < seen <= 60 + 10 + 6


def test_checks_find_an_origin_that_is_down_and_one_that_came_back(several):
    edge, first, _, _ = several
    assert asked(edge, 3, "active") == {"first": 3}
    first.answers["/up"] = says({}, b"", 500)
    wait_for(lambda: through(edge, "active", "/who").text == "third")
    first.answers["/up"] = says({})
    wait_for(lambda: through(edge, "active", "/who").text == "first")


def test_a_site_with_an_unusable_authority_stops_the_start(tmp_path):
    empty = tmp_path / "ca.pem"
    empty.write_text("")
    with pytest.raises(RuntimeError) as failed:
        Osier(settings=f'[[site]]\nhosts = ["a"]\norigin = "https://a"\norigin_ca = "{empty}"').start()
    assert "ca.pem" in str(failed.value)
