"""Who may have something of a site, and a bucket as a web site; by requests, curl and sockets."""

import hashlib
import subprocess
import time

import oss2
import pytest

from conftest import KEY_ID, REGION, SECRET, new_name
from gateway import Edge, Origin, running, says
from harness import Osier, free_port
from test_tls import certificate

BUCKET = new_name("site")
MAIN, BACKUP = "main-key-0123456789", "backup-key-0123456789"


@pytest.fixture(scope="module")
def origin():
    with running(Origin()) as server:
        for path in ["/x", "/4/44/a.mp3", "/ä"]:
            server.answers[path] = says({"Cache-Control": "max-age=600"})
        yield server


@pytest.fixture(scope="module")
def edge(origin, tmp_path_factory):
    port, tls = free_port(), free_port()
    chain, key = certificate(tmp_path_factory.mktemp("tls"), "site", "localhost")
    server = Osier()
    plain = f'origin = "http://127.0.0.1:{origin.port}"'
    signed = (f'origin = "oss://{BUCKET}@localhost:{server.port}?region={REGION}"\nauth = "resign"\n'
              f'credentials = {{ access_key_id = "{KEY_ID}", access_key_secret = "{SECRET}" }}')

    def site(name, more, of=plain):
        return f'[[site]]\nhosts = ["{name}"]\n{of}\n{more}\n'

    def url_auth(kind):
        return f'url_auth = {{ type = "{kind}", keys = ["{MAIN}", "{BACKUP}"], ttl_s = 60 }}'
    server.settings = f"""
[http]
trusted_proxies = ["127.0.0.2"]
[gateway]
listen = ["127.0.0.1:{port}"]
listen_tls = ["127.0.0.1:{tls}"]
[[certificate]]
chain = "{chain}"
key = "{key}"
{site("referer.example.com", 'referer = { allow = ["example.com", "*.example.com"], deny = ["bad.example.com"], allow_empty = false }')}
{site("agent.example.com", 'user_agent = { deny = ["*curl*"] }')}
{site("ip.example.com", 'ip = { allow = ["192.0.2.0/24"] }')}
{site("a.example.com", url_auth("A"))}
{site("b.example.com", url_auth("b"))}
{site("c.example.com", url_auth("C"))}
{site("cors.example.com", 'cors = [{ origins = ["https://*.example.com"], methods = ["GET", "PUT"], headers = ["x-a"], expose = ["ETag"], max_age_s = 9 }]')}
{site("localhost", f'https = "redirect"{chr(10)}https_port = {tls}{chr(10)}hsts_s = 31536000')}
{site("web.example.com", 'index = "index.html"' + chr(10) + 'append_slash = true' + chr(10) + 'error_pages = { 404 = "/404.html" }', signed)}
{site("app.example.com", 'error_pages = { 404 = { page = "/index.html", status = 200 } }', signed)}
{site("shared.example.com", 'path = "/media"' + chr(10) + 'strip_prefix = "/media"', signed)}
{site("shared.example.com", 'path = "/api"')}
"""
    with server:
        store = oss2.Bucket(oss2.AuthV4(KEY_ID, SECRET), server.endpoint, BUCKET, region=REGION)
        store.create_bucket()
        for key in ["index.html", "docs/index.html", "404.html", "plain", "docs/page"]:
            store.put_object(key, f"content of {key}".encode(), headers={"Content-Type": "text/html"})
        edge = Edge(server, port)
        edge.tls, edge.chain = tls, chain
        yield edge
        assert MAIN not in server.log()
    assert server.process.returncode == 0, server.log()


def through(edge, host, path="/x", method="GET", **more):
    return edge.request(method, path, host=f"{host}.example.com", **more)


def code(answer):
    return answer.text.split("<Code>")[1].split("</Code>")[0] if "<Code>" in answer.text else None


@pytest.mark.parametrize("referer, allowed", [
    ("https://example.com/page", True),
    ("http://www.example.com", True),
    ("https://bad.example.com/", False),
    ("https://evil.test/?https://example.com/", False),
    ("https://example.com@evil.test/", False),
    ("https://example.com.evil.test/", False),
    (None, False),
])
def test_edge_hotlinks_are_refused_also_when_the_answer_is_kept(edge, referer, allowed):
    assert through(edge, "referer", headers={"Referer": "https://example.com/"}).status_code == 200
    answer = through(edge, "referer", headers={"Referer": referer} if referer else {})
    assert (answer.status_code, code(answer)) == ((200, None) if allowed else (403, "RefererDenied"))
    if allowed:
        assert answer.headers["X-Cache"] == "HIT"


def test_programs_and_addresses_are_refused_before_the_cache(edge):
    assert through(edge, "agent", headers={"User-Agent": "Mozilla/5.0"}).status_code == 200
    curl = subprocess.run(
        ["curl", "-s", "-o", "/dev/stdout", "-H", "Host: agent.example.com", f"http://127.0.0.1:{edge.port}/x"],
        capture_output=True, text=True, check=True)
    assert "<Code>UserAgentDenied</Code>" in curl.stdout
    assert code(through(edge, "ip")) == "AddressDenied"
    # What strangers say of where they are is not believed; 127.0.0.1 is no trusted proxy.
    assert code(through(edge, "ip", headers={"X-Forwarded-For": "192.0.2.1"})) == "AddressDenied"


def test_what_a_trusted_proxy_says_of_its_client_is_believed(edge):
    import http.client
    connection = http.client.HTTPConnection("127.0.0.1", edge.port, source_address=("127.0.0.2", 0), timeout=20)
    for forwarded, status in [("192.0.2.1", 200), ("192.0.2.1, 203.0.113.9", 403), ("203.0.113.9, 192.0.2.1", 200)]:
        connection.request("GET", "/x", headers={"Host": "ip.example.com", "X-Forwarded-For": forwarded})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status, forwarded
    connection.close()


def md5(*parts):
    return hashlib.md5("".join(parts).encode()).hexdigest()


def url_a(path, key=MAIN, at=None):
    stamp = str(int(time.time() if at is None else at))
    return f"{path}?auth_key={stamp}-rand-0-{md5(path, '-', stamp, '-rand-0-', key)}"


def url_b(path, key=MAIN, at=None):
    stamp = time.strftime("%Y%m%d%H%M", time.gmtime((time.time() if at is None else at) + 8 * 3600))
    return f"/{stamp}/{md5(key, stamp, path)}{path}"


def url_c(path, key=MAIN, at=None):
    stamp = format(int(time.time() if at is None else at), "X")
    return f"/{md5(key, path, stamp)}/{stamp}{path}"


@pytest.mark.parametrize("kind, url", [("a", url_a), ("b", url_b), ("c", url_c)])
def test_edge_urls_prove_a_key_before_anything_kept_is_looked_at(edge, origin, kind, url):
    path = "/4/44/a.mp3"
    before = origin.count(path)
    first, second = through(edge, kind, url(path)), through(edge, kind, url(path, BACKUP))
    assert (first.status_code, second.status_code) == (200, 200), first.text
    # The proof is in no name of a kept answer, and the origin does not see it.
    assert second.headers["X-Cache"] == "HIT" and origin.count(path) == before + 1
    for wrong, expected in [
            (path, "UrlAuthMissing"), (url(path, "other"), "UrlAuthWrong"), (url(path, at=time.time() - 3600), "UrlAuthExpired"),
            (url(path, at=time.time() - 3600).replace("a.mp3", "b.mp3"), "UrlAuthWrong")]:
        answer = through(edge, kind, wrong)
        assert (answer.status_code, code(answer)) == (403, expected), wrong


def test_type_c_in_the_query(edge):
    stamp = format(int(time.time()), "x")
    answer = through(edge, "c", f"/x?KEY1={md5(MAIN, '/x', stamp)}&KEY2={stamp}")
    assert answer.status_code == 200


def test_browsers_are_told_what_pages_of_others_may(edge):
    asked = {"Origin": "https://www.example.com", "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-a"}
    granted = through(edge, "cors", method="OPTIONS", headers=asked)
    assert granted.status_code == 204
    assert granted.headers["Access-Control-Allow-Origin"] == "https://www.example.com"
    assert granted.headers["Access-Control-Allow-Methods"] == "GET, PUT"
    assert (granted.headers["Access-Control-Allow-Headers"], granted.headers["Access-Control-Max-Age"]) == ("x-a", "9")
    for wrong in [{"Origin": "https://evil.test"}, {"Access-Control-Request-Method": "DELETE"}, {"Access-Control-Request-Headers": "x-b"}]:
        refused = through(edge, "cors", method="OPTIONS", headers={**asked, **wrong})
        assert refused.status_code == 403 and "Access-Control-Allow-Origin" not in refused.headers


def test_what_is_kept_carries_no_others_grant(edge):
    for origin, granted in [("https://a.example.com", True), ("https://b.example.com", True), ("https://evil.test", False), (None, False)]:
        answer = through(edge, "cors", headers={"Origin": origin} if origin else {})
        assert answer.status_code == 200 and "Origin" in answer.headers["Vary"]
        assert answer.headers.get("Access-Control-Allow-Origin") == (origin if granted else None)
    assert answer.headers["X-Cache"] == "HIT"


def test_plain_http_is_sent_to_https_and_browsers_remember(edge):
    plain = edge.get("/a%2Fb?c=d", host=f"localhost:{edge.port}")
    assert (plain.status_code, plain.headers["Location"]) == (301, f"https://localhost:{edge.tls}/a%2Fb?c=d")
    assert edge.request("PUT", "/x", host="localhost", data=b"x").status_code == 308
    curl = subprocess.run(
        ["curl", "-s", "-i", "-L", "--cacert", edge.chain, f"http://localhost:{edge.port}/x"],
        capture_output=True, text=True, check=True).stdout
    assert "strict-transport-security: max-age=31536000" in curl and curl.endswith("content")


def test_a_bucket_is_a_web_site(edge):
    for path, expected in [("/", "index.html"), ("/docs/", "docs/index.html"), ("/plain", "plain")]:
        answer = through(edge, "web", path)
        assert (answer.status_code, answer.text) == (200, f"content of {expected}"), path
        assert answer.headers["Content-Type"] == "text/html"
    assert through(edge, "web", "/", "HEAD").headers["Content-Length"] == str(len("content of index.html"))
    moved = through(edge, "web", "/docs?x=1")
    assert (moved.status_code, moved.headers["Location"]) == (302, "/docs/?x=1")
    missing = through(edge, "web", "/nothing")
    assert (missing.status_code, missing.text) == (404, "content of 404.html")
    assert through(edge, "web", "/nothing/").text == "content of 404.html"
    # What may not be asked is not answered by a page.
    assert code(through(edge, "web", "/plain?acl")) == "OnlyObjects"


def test_an_application_knows_its_own_paths(edge):
    answer = through(edge, "app", "/some/route")
    assert (answer.status_code, answer.text) == (200, "content of index.html")


def test_sites_divide_the_paths_of_a_host(edge, origin):
    origin.answers["/api/x"] = says({})
    assert through(edge, "shared", "/media/plain").text == "content of plain"
    assert through(edge, "shared", "/api/x").content == b"content"
    assert code(through(edge, "shared", "/mediathek")) == "NoSuchPath"
