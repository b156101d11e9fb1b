"""What a browser does: forms with a policy, preflights, cross-origin answers, anonymous reads."""

import base64
import datetime
import hashlib
import hmac
import json
import xml.etree.ElementTree as ElementTree

import pytest
import requests
from oss2.models import BucketCors, CorsRule

from conftest import oss2_bucket
from harness import KEY_ID, SECRET


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def form(conditions, version, expires=600, secret=SECRET):
    """The fields that sign a policy, in the order the documentation gives."""
    stamp = now().strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/cn-hangzhou/oss/aliyun_v4_request"
    conditions = list(conditions)
    if version == "v4":
        conditions += [
            {"x-oss-signature-version": "OSS4-HMAC-SHA256"}, {"x-oss-credential": f"{KEY_ID}/{scope}"},
            {"x-oss-date": stamp}]
    until = (now() + datetime.timedelta(seconds=expires)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    policy = base64.b64encode(json.dumps({"expiration": until, "conditions": conditions}).encode()).decode()
    if version == "v1":
        digest = hmac.new(secret.encode(), policy.encode(), hashlib.sha1).digest()
        return {"OSSAccessKeyId": KEY_ID, "policy": policy, "Signature": base64.b64encode(digest).decode()}
    key = ("aliyun_v4" + secret).encode()
    for part in [stamp[:8], "cn-hangzhou", "oss", "aliyun_v4_request"]:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return {
        "policy": policy, "x-oss-signature-version": "OSS4-HMAC-SHA256", "x-oss-credential": f"{KEY_ID}/{scope}",
        "x-oss-date": stamp, "x-oss-signature": hmac.new(key, policy.encode(), hashlib.sha256).hexdigest()}


def post(url, fields, body=b"file", filename="photo.jpg", content_type="image/jpeg", **options):
    pairs = [(name, (None, value)) for name, value in fields.items()]
    return requests.post(
        url, files=pairs + [("file", (filename, body, content_type))], timeout=30, allow_redirects=False, **options)


def code(answer):
    return ElementTree.fromstring(answer.content).findtext("Code")


@pytest.fixture(params=["path", "own-suffix"])
def url(request, osier, name):
    if request.param == "path":
        return f"http://127.0.0.1:{osier.port}/{name}/"
    return f"http://{name}.store.example.com:{osier.port}/"


@pytest.fixture(params=["v1", "v4"])
def version(request):
    return request.param


def test_a_form(osier, name, url, version):
    fields = {
        "key": "uploads/${filename}", **form([
            {"bucket": name}, ["starts-with", "$key", "uploads/"], ["content-length-range", 1, 1000],
            ["in", "$content-type", ["image/jpeg", "image/png"]], ["eq", "$x-oss-meta-a", "1"],
        ], version), "Content-Type": "image/jpeg", "x-oss-meta-a": "1"}
    answer = post(url, fields, b"jpeg bytes")
    assert answer.status_code == 204, answer.text
    assert answer.headers["ETag"] == f'"{hashlib.md5(b"jpeg bytes").hexdigest().upper()}"'
    got = oss2_bucket(osier, name).get_object("uploads/photo.jpg")
    assert got.read() == b"jpeg bytes" and got.content_type == "image/jpeg" and got.headers["x-oss-meta-a"] == "1"


@pytest.mark.parametrize("status", ["200", "201", "204", "400"])
def test_status_wanted(name, url, version, status):
    fields = {"key": "k", **form([{"bucket": name}], version), "success_action_status": status}
    answer = post(url, fields)
    assert answer.status_code == (204 if status == "400" else int(status))
    if status == "201":
        root = ElementTree.fromstring(answer.content)
        assert root.tag == "PostResponse" and root.findtext("Key") == "k" and root.findtext("Bucket") == name


def test_redirect(name, url, version):
    fields = {"key": "k", **form([{"bucket": name}], version), "success_action_redirect": "http://a.example/done?x=1"}
    answer = post(url, fields)
    assert answer.status_code in (302, 303)
    assert answer.headers["Location"].startswith("http://a.example/done?x=1")


def test_what_a_form_refuses(osier, name, url, version):
    good = form([{"bucket": name}, ["starts-with", "$key", "uploads/"], ["content-length-range", 3, 10]], version)
    wrong_secret = form([{"bucket": name}], version, secret="wrong")
    expired = form([{"bucket": name}], version, expires=-10)
    other_bucket = form([{"bucket": name + "x"}], version)
    attempts = [
        ({"key": "elsewhere/k", **good}, b"12345", 403),
        ({"key": "uploads/k", **good}, b"1", 400),
        ({"key": "uploads/k", **good}, b"x" * 11, 400),
        ({"key": "uploads/k", **wrong_secret}, b"12345", 403),
        ({"key": "uploads/k", **expired}, b"12345", 403),
        ({"key": "uploads/k", **other_bucket}, b"12345", 403),
        ({"key": "uploads/k", **good, "policy": "bm90IGpzb24="}, b"12345", None),
        ({"key": "uploads/k"}, b"12345", 403),
    ]
    for fields, body, status in attempts:
        answer = post(url, fields, body)
        assert answer.status_code in ((400, 403) if status is None else (status,)), (fields, answer.text)
        assert code(answer)
    assert oss2_bucket(osier, name).list_objects().object_list == []


def test_broken_forms(osier, name, url):
    boundary = "xxBOUNDARYxx"
    content_type = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    part = f'--{boundary}\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n'
    broken = [
        (content_type, b""), (content_type, b"garbage"), (content_type, part.encode()),
        (content_type, (part + f"--{boundary}--\r\n").encode()),
        ({"Content-Type": "multipart/form-data"}, part.encode()),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"key=k"),
        (content_type, (part[:-1] * 3).encode()),
        (content_type, f"--{boundary}\r\n{'x' * 100000}".encode()),
        (content_type, f'--{boundary}\r\nContent-Disposition: form-data; name="key"\r\n\r\n{"k" * 9000}\r\n'.encode()),
        (content_type, (part * 2000).encode()),
    ]
    for headers, body in broken:
        answer = requests.post(url, data=body, headers=headers, timeout=30)
        assert answer.status_code in (400, 403, 411), (body[:80], answer.status_code, answer.text)
        assert code(answer)
    assert oss2_bucket(osier, name).list_objects().object_list == []


def test_large_file_and_file_last(osier, name, url, version):
    body = hashlib.sha512(b"form").digest() * 40000
    assert post(url, {"key": "big", **form([{"bucket": name}], version)}, body).status_code == 204
    assert oss2_bucket(osier, name).get_object("big").read() == body


@pytest.fixture
def cors(osier, name):
    bucket = oss2_bucket(osier, name)
    bucket.put_bucket_cors(BucketCors([
        CorsRule(["https://app.example"], ["PUT", "GET"], ["content-type", "x-oss-*"], ["ETag"], 120),
        CorsRule(["*"], ["GET"], [], [], None)]))
    bucket.put_object("k", b"v")
    return f"http://127.0.0.1:{osier.port}/{name}/k"


def preflight(url, origin, method, headers=None):
    sent = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        sent["Access-Control-Request-Headers"] = headers
    return requests.options(url, headers=sent, timeout=30)


def test_preflight(cors):
    answer = preflight(cors, "https://app.example", "PUT", "Content-Type, x-oss-meta-a")
    assert answer.status_code == 200 and answer.content == b""
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
    assert "content-type" in answer.headers["Access-Control-Allow-Headers"].lower()
    assert answer.headers["Access-Control-Max-Age"] == "120"
    assert preflight(cors, "https://else.example", "GET").headers["Access-Control-Allow-Origin"] == "*"
    for origin, method, headers in [
        ("https://else.example", "PUT", None), ("https://app.example", "DELETE", None),
        ("https://app.example", "PUT", "authorization"),
    ]:
        answer = preflight(cors, origin, method, headers)
        assert (answer.status_code, code(answer)) == (403, "AccessForbidden")
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert requests.options(cors, timeout=30).status_code == 400


def test_preflight_without_rules(osier, name):
    answer = preflight(f"http://127.0.0.1:{osier.port}/{name}/k", "https://app.example", "GET")
    assert (answer.status_code, code(answer)) == (403, "AccessForbidden")


def test_presigned_put_from_another_origin(osier, name, cors):
    url = oss2_bucket(osier, name, "v4").sign_url("PUT", "up", 60, headers={"Content-Type": "image/png"})
    assert preflight(url, "https://app.example", "PUT", "content-type").status_code == 200
    answer = requests.put(
        url, data=b"png", headers={"Content-Type": "image/png", "Origin": "https://app.example"}, timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert answer.headers["Access-Control-Expose-Headers"] == "ETag"


def test_errors_show_their_body_across_origins(cors):
    answer = requests.get(cors + "-missing", headers={"Origin": "https://app.example"}, timeout=30)
    assert answer.status_code == 403
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "Access-Control-Allow-Origin" not in requests.put(
        cors, headers={"Origin": "https://else.example"}, timeout=30).headers


def anonymous(method, osier, path, **options):
    return requests.request(method, f"http://127.0.0.1:{osier.port}{path}", timeout=30, **options)


def test_anonymous_by_bucket_acl(osier, name):
    bucket = oss2_bucket(osier, name)
    bucket.put_object("k", b"v")
    for acl, read, write in [("private", 403, 403), ("public-read", 200, 403), ("public-read-write", 200, 200)]:
        bucket.put_bucket_acl(acl)
        assert anonymous("GET", osier, f"/{name}/k").status_code == read, acl
        assert anonymous("HEAD", osier, f"/{name}/k").status_code == read, acl
        assert anonymous("GET", osier, f"/{name}/").status_code == read, acl
        assert anonymous("PUT", osier, f"/{name}/new", data=b"x").status_code == write, acl
        assert anonymous("DELETE", osier, f"/{name}/new").status_code == (204 if write == 200 else 403), acl
        for method, query in [
            ("GET", "acl"), ("PUT", "acl"), ("GET", "bucketInfo"), ("GET", "stat"), ("GET", "cors"), ("PUT", "cors"),
            ("GET", "versioning"), ("PUT", "versioning"), ("GET", "tagging"), ("GET", "location"),
        ]:
            answer = anonymous(method, osier, f"/{name}/?{query}")
            assert answer.status_code == 403, (acl, method, query)
        assert anonymous("DELETE", osier, f"/{name}/").status_code == 403
        assert anonymous("PUT", osier, f"/{name}/").status_code == 403
    bucket.put_bucket_acl("private")


def test_anonymous_by_object_acl(osier, name):
    bucket = oss2_bucket(osier, name)
    bucket.put_object("open", b"v", headers={"x-oss-object-acl": "public-read"})
    bucket.put_object("plain", b"v")
    assert anonymous("GET", osier, f"/{name}/open").status_code == 200
    assert anonymous("GET", osier, f"/{name}/plain").status_code == 403
    assert anonymous("GET", osier, f"/{name}/open?acl").status_code == 403
    bucket.put_bucket_acl("public-read")
    bucket.put_object_acl("plain", "private")
    assert anonymous("GET", osier, f"/{name}/plain").status_code == 403
    bucket.put_bucket_acl("private")


def test_anonymous_never_lists_buckets_nor_overrides_headers(osier, name):
    assert anonymous("GET", osier, "/").status_code == 403
    bucket = oss2_bucket(osier, name)
    bucket.put_object("k", b"v", headers={"x-oss-object-acl": "public-read"})
    answer = anonymous("GET", osier, f"/{name}/k?response-content-type=text/html")
    assert answer.status_code == 400
    assert code(answer) == "InvalidRequest"


def test_anonymous_copy_needs_the_source(osier, name):
    from conftest import empty_and_delete, new_name
    bucket = oss2_bucket(osier, name)
    bucket.put_object("secret", b"v")
    other = oss2_bucket(osier, new_name())
    other.create_bucket("public-read-write")
    answer = anonymous(
        "PUT", osier, f"/{other.bucket_name}/stolen", headers={"x-oss-copy-source": f"/{name}/secret"})
    assert answer.status_code == 403
    assert not other.object_exists("stolen")
    empty_and_delete(osier.endpoint, other.bucket_name)
