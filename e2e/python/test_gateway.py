"""The gateway in front of a plain origin and in front of the store, by requests and oss2."""

import concurrent.futures
import hashlib
import os
import socket
import threading
import time

import oss2
import pytest
import requests

from conftest import KEY_ID, REGION, SECRET, new_name
from gateway import Edge, Origin, running, says
from harness import Osier, Raw, free_port, wire


@pytest.fixture(scope="module")
def origin():
    with running(Origin()) as server:
        yield server


@pytest.fixture(scope="module")
def silent():
    """An origin that takes connections and never answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    yield listener.getsockname()[1]
    listener.close()


BUCKET = new_name("edge")


@pytest.fixture(scope="module")
def edge(origin, silent):
    port, dead = free_port(), free_port()
    server = Osier()
    server.settings = f"""
[gateway]
listen = ["127.0.0.1:{port}"]
[[site]]
hosts = ["plain.example.com"]
origin = "http://127.0.0.1:{origin.port}"
body_bytes_max = 1000
[[site]]
hosts = ["media.example.com"]
origin = "http://127.0.0.1:{origin.port}"
strip_prefix = "/s3-media"
add_prefix = "/inside"
methods = ["GET", "HEAD"]
request_headers = {{ User-Agent = "a-shared-secret" }}
response_headers = {{ X-Served-By = "osier" }}
stale_if_error_s = 60
[[site]]
hosts = ["dead.example.com"]
origin = "http://127.0.0.1:{dead}"
[[site]]
hosts = ["silent.example.com"]
origin = "http://127.0.0.1:{silent}"
read_timeout_s = 1
[[site]]
hosts = ["nameless.example.com"]
origin = "http://no-such-host.invalid"
[[site]]
hosts = ["*.bucket.example.com"]
origin = "oss://{BUCKET}@localhost:{server.port}"
"""
    with server:
        assert Raw(server.port).send("PUT", BUCKET).status == 200
        yield Edge(server, port)
    assert server.process.returncode == 0, server.log()


def path_of(request):
    return "/" + request.node.name.replace("[", "-").replace("]", "")


@pytest.fixture
def path(request):
    return path_of(request)


def test_an_unknown_host_is_404_and_health_is_answered(edge):
    answer = edge.get("/", host="nobody.example.com")
    assert answer.status_code == 404
    assert "<Code>NoSuchSite</Code>" in answer.text
    health = edge.get("/health", host=f"127.0.0.1:{edge.port}")
    assert (health.status_code, health.text.strip()) == (200, "healthy")
    assert "/health" not in edge.server.log()


def test_the_target_reaches_the_origin_byte_for_byte(edge, origin):
    target = "/a//b%2Fc/%E4%BD%A0?x=1&x-oss-process=image/resize,w_1&y=a%2Bb+c"
    answer = wire(edge.port, f"GET {target} HTTP/1.1\r\nHost: plain.example.com\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404")
    seen = origin.last(target)
    assert seen["headers"]["Host"] == f"127.0.0.1:{origin.port}"


def test_the_origin_learns_who_the_client_is(edge, origin, path):
    origin.answers[path] = says({})
    edge.get(path, headers={"X-Forwarded-For": "192.0.2.7", "X-Real-IP": "192.0.2.7", "Connection": "X-Gone", "X-Gone": "1"})
    headers = origin.last(path)["headers"]
    assert headers["X-Forwarded-For"] == "192.0.2.7, 127.0.0.1"
    assert headers["X-Real-IP"] == "127.0.0.1"
    assert headers["X-Forwarded-Proto"] == "http"
    assert "X-Gone" not in headers
    assert "osier" in headers["Via"]


def test_prefix_methods_and_headers_of_a_site(edge, origin):
    origin.answers["/inside/pic.jpg"] = says({"Server": "hidden"})
    answer = edge.get("/s3-media/pic.jpg", host="media.example.com")
    assert (answer.status_code, answer.content) == (200, b"content")
    assert answer.headers["X-Served-By"] == "osier"
    assert origin.last("/inside/pic.jpg")["headers"]["User-Agent"] == "a-shared-secret"
    assert edge.get("/other", host="media.example.com").status_code == 404
    refused = edge.request("PUT", "/s3-media/pic.jpg", host="media.example.com", data=b"x")
    assert refused.status_code == 405


def test_bodies_that_are_too_large_are_refused(edge, origin, path):
    origin.answers[path] = says({})
    told = edge.request("PUT", path, data=b"x" * 1001)
    assert told.status_code == 413 and "EntityTooLarge" in told.text
    untold = edge.request("PUT", path, data=iter([b"x" * 600, b"x" * 600]))
    assert untold.status_code == 413
    fits = edge.request("PUT", path, data=iter([b"x" * 400, b"x" * 400]))
    assert fits.status_code == 200
    assert origin.last(path)["body"] == b"x" * 800


@pytest.mark.parametrize("host, status, code, cause", [
    ("dead.example.com", 502, "OriginUnreachable", "connection_refused"),
    ("silent.example.com", 504, "OriginReadTimeout", "http_response_timeout"),
    ("nameless.example.com", 502, "OriginUnresolved", "dns_error"),
])
def test_failures_of_the_origin_name_their_cause(edge, host, status, code, cause):
    answer = edge.get("/", host=host)
    assert answer.status_code == status
    assert f"<Code>{code}</Code>" in answer.text
    assert answer.headers["Proxy-Status"] == f"osier; error={cause}"


def test_connections_to_the_origin_are_used_again(edge, origin, path):
    origin.answers[path] = says({"Cache-Control": "no-store"})
    with requests.Session() as session:
        def once():
            return session.get(f"http://127.0.0.1:{edge.port}{path}", headers={"Host": "plain.example.com"}).status_code
        assert once() == 200
        before = origin.connections
        assert [once() for _ in range(30)] == [200] * 30
    assert origin.connections - before <= 1


def test_an_answer_that_may_be_kept_is(edge, origin, path):
    origin.answers[path] = says({"Cache-Control": "max-age=60", "ETag": '"v1"'})
    first, second = edge.get(path), edge.get(path)
    assert (first.headers["X-Cache"], second.headers["X-Cache"]) == ("MISS", "HIT")
    assert second.content == b"content" and int(second.headers["Age"]) >= 0
    assert second.headers["Cache-Status"].startswith("osier; hit; ttl=")
    assert origin.count(path) == 1
    assert edge.get(path, headers={"If-None-Match": '"v1"'}).status_code == 304
    part = edge.get(path, headers={"Range": "bytes=1-3"})
    assert (part.status_code, part.content, part.headers["Content-Range"]) == (206, b"ont", "bytes 1-3/7")
    head = edge.request("HEAD", path)
    assert (head.headers["Content-Length"], head.content) == ("7", b"")
    assert edge.get(path, headers={"Cache-Control": "no-cache"}).status_code == 200
    assert origin.count(path) == 2


@pytest.mark.parametrize("headers, fields", [
    ({"Cache-Control": "no-store"}, {}),
    ({"Cache-Control": "private, max-age=60"}, {}),
    ({"Cache-Control": "max-age=60", "Set-Cookie": "a=1"}, {}),
    ({"Cache-Control": "max-age=60", "Vary": "*"}, {}),
    ({"Cache-Control": "max-age=60"}, {"Authorization": "OSS key:signature"}),
    ({}, {}),
], ids=["no-store", "private", "cookie", "vary-all", "signed", "silent"])
def test_what_may_not_be_kept_is_not(edge, origin, path, headers, fields):
    origin.answers[path] = says(headers)
    for _ in range(2):
        assert edge.get(path, headers=fields).status_code == 200
    assert origin.count(path) == 2


def test_presigned_urls_are_never_answered_from_the_cache(edge, origin, path):
    origin.answers[path] = says({"Cache-Control": "public, max-age=60"})
    target = f"{path}?OSSAccessKeyId=k&Expires=9999999999&Signature=s"
    assert edge.get(target).status_code == edge.get(target).status_code == 200
    assert origin.count(target) == 2


def test_variants_are_kept_apart(edge, origin, path):
    origin.answers[path] = lambda seen: (
        200, {"Cache-Control": "max-age=60", "Vary": "X-Kind"}, seen["headers"].get("X-Kind", "none").encode())
    for kind in ["a", "b", "a", "b"]:
        assert edge.get(path, headers={"X-Kind": kind}).text == kind
    assert edge.get(path).text == "none"
    assert origin.count(path) == 3


def test_queries_are_part_of_the_name(edge, origin, path):
    origin.answers[path] = lambda seen: (200, {"Cache-Control": "max-age=60"}, seen["target"].encode())
    assert edge.get(f"{path}?w=1").text.endswith("?w=1")
    assert edge.get(f"{path}?w=2").text.endswith("?w=2")
    assert edge.get(f"{path}?w=1").headers["X-Cache"] == "HIT"


def test_a_kept_answer_is_renewed_by_304(edge, origin, path):
    def answer(seen):
        fresh = {"Cache-Control": "max-age=0", "ETag": '"v1"'}
        return (304, fresh, b"") if seen["headers"].get("If-None-Match") == '"v1"' else (200, fresh, b"content")
    origin.answers[path] = answer
    assert edge.get(path).content == b"content"
    again = edge.get(path)
    assert (again.status_code, again.content, again.headers["X-Cache"]) == (200, b"content", "REVALIDATED")
    assert origin.last(path)["headers"]["If-None-Match"] == '"v1"'


def test_a_change_through_the_gateway_ends_what_was_kept(edge, origin, path):
    origin.answers[path] = says({"Cache-Control": "max-age=60"}, b"old")
    assert edge.get(path).content == edge.get(f"{path}?x").content == b"old"
    origin.answers[path] = says({"Cache-Control": "max-age=60"}, b"new")
    assert edge.get(path).content == b"old"
    assert edge.request("PUT", path, data=b"new").status_code == 200
    assert edge.get(path).content == edge.get(f"{path}?x").content == b"new"


def test_an_old_answer_stands_in_for_a_failing_origin(edge, origin):
    target, inside = "/s3-media/stale", "/inside/stale"
    origin.answers[inside] = says({"Cache-Control": "max-age=0", "ETag": '"e"'}, b"old")
    assert edge.get(target, host="media.example.com").content == b"old"
    origin.answers[inside] = says({}, b"broken", 503)
    answer = edge.get(target, host="media.example.com")
    assert (answer.status_code, answer.content, answer.headers["X-Cache"]) == (200, b"old", "STALE")
    strict = edge.get(target, host="media.example.com", headers={"Cache-Control": "no-cache"})
    assert strict.status_code == 503


def test_many_who_ask_at_once_cost_the_origin_one_request(edge, origin, path):
    gate = threading.Event()

    def answer(seen):
        gate.wait(20)
        return 200, {"Cache-Control": "max-age=60"}, b"content"
    origin.answers[path] = answer
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        asked = [pool.submit(edge.get, path) for _ in range(40)]
        while origin.count(path) == 0:
            time.sleep(0.01)
        gate.set()
        assert {done.result().content for done in asked} == {b"content"}
    assert origin.count(path) == 1


def test_an_answer_that_breaks_off_is_not_kept(edge, origin, path):
    listener = socket.create_server(("127.0.0.1", 0))
    origin.answers[path] = says({"Cache-Control": "max-age=60"})
    port, edge_port = listener.getsockname()[1], free_port()
    settings = f"""
[gateway]
listen = ["127.0.0.1:{edge_port}"]
[[site]]
hosts = ["*"]
origin = "http://127.0.0.1:{port}"
"""

    def half(length):
        with listener.accept()[0] as connection:
            connection.recv(65536)
            head = f"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            connection.sendall(head.encode() + b"half")
    with Osier(settings=settings), listener:
        for length, complete in [(9, False), (4, True)]:
            thread = threading.Thread(target=half, args=[length])
            thread.start()
            answer = wire(edge_port, b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            thread.join()
            assert answer.endswith(b"half")
        kept = wire(edge_port, b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert kept.endswith(b"half") and b"x-cache: HIT" in kept


def oss2_through(edge, signature):
    auth = {"v1": oss2.Auth, "v4": oss2.AuthV4}[signature](KEY_ID, SECRET)
    return oss2.Bucket(
        auth, f"http://{signature}.bucket.example.com:{edge.port}", BUCKET, is_cname=True, region=REGION)


@pytest.mark.parametrize("signature", ["v1", "v4"])
def test_oss2_works_through_the_gateway(edge, signature):
    bucket = oss2_through(edge, signature)
    key = f"dir/{signature} ä+b.txt"
    data = os.urandom(3_000_000)
    bucket.put_object(key, data)
    assert bucket.get_object(key).read() == data
    assert bucket.get_object(key, byte_range=(5, 9)).read() == data[5:10]
    assert [entry.key for entry in oss2.ObjectIterator(bucket, prefix="dir/")][-1:]
    upload = bucket.init_multipart_upload(f"{signature}-parts").upload_id
    parts = [
        oss2.models.PartInfo(number, bucket.upload_part(f"{signature}-parts", upload, number, data[:200_000]).etag)
        for number in (1, 2)]
    bucket.complete_multipart_upload(f"{signature}-parts", upload, parts)
    assert bucket.head_object(f"{signature}-parts").content_length == 400_000
    with pytest.raises(oss2.exceptions.NoSuchKey):
        bucket.get_object("nothing here")


@pytest.mark.parametrize("signature", ["v1", "v4"])
def test_presigned_urls_verify_through_the_gateway(edge, signature):
    bucket = oss2_through(edge, signature)
    key = f"{signature}/signed é.txt"
    put = bucket.sign_url("PUT", key, 60, slash_safe=True)
    assert requests.put(put, data=b"by url", timeout=30).status_code == 200
    get = bucket.sign_url("GET", key, 60, slash_safe=True)
    assert requests.get(get, timeout=30).content == b"by url"
    tampered = requests.get(get.replace("signed", "singed"), timeout=30)
    assert tampered.status_code == 403 and "SignatureDoesNotMatch" in tampered.text


def test_large_bodies_stream_both_ways(edge):
    bucket = oss2_through(edge, "v1")
    data = os.urandom(1 << 20) * 64
    bucket.put_object("large", data)
    before = edge.server.rss_bytes()
    digest = hashlib.sha256()
    for piece in bucket.get_object("large"):
        digest.update(piece)
    assert digest.hexdigest() == hashlib.sha256(data).hexdigest()
    assert edge.server.rss_bytes() - before < 48 << 20


@pytest.mark.parametrize("text, place, complaint", [
    ('[[site]]\nhosts = ["a"]\norigin = "ftp://a"', "3:", "https://"),
    ('[[site]]\nhosts = ["a"]\norigin = "oss://a"', "3:", "oss://bucket@endpoint"),
    ('[[site]]\nhosts = ["a"]\norigin = "http://a"\n[[site]]\nhosts = ["a"]\norigin = "http://a"', "5:", "two sites"),
    ('[[site]]\nhosts = ["a"]\norigin = "http://a"\nmethds = []', "4:", "methods"),
])
def test_a_site_that_cannot_be_served_stops_the_start_with_its_place(tmp_path, text, place, complaint):
    with pytest.raises(RuntimeError) as failed:
        Osier(settings=text).start()
    assert f"osier.toml:{place}" in str(failed.value)
    assert complaint in str(failed.value)
