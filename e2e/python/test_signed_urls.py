"""Signed URLs by oss2 and by hand: what they allow, and what they don't."""

import time
import urllib.parse
import xml.etree.ElementTree as ElementTree

import oss2
import pytest
import requests

from conftest import oss2_bucket

FORMS = [("v1", "path"), ("v4", "path"), ("v2", "path"), ("v1", "oss-host"), ("v4", "own-suffix")]


@pytest.fixture(params=FORMS, ids="-".join)
def bucket(request, osier, name):
    return oss2_bucket(osier, name, *request.param)


def element(answer, name):
    return ElementTree.fromstring(answer.content).findtext(name)


def code(answer):
    return element(answer, "Code")


@pytest.mark.parametrize("slash_safe", [False, True])
def test_get(bucket, slash_safe):
    bucket.put_object("reports/q1 中.pdf", b"pdf")
    url = bucket.sign_url("GET", "reports/q1 中.pdf", 3600, slash_safe=slash_safe)
    answer = requests.get(url, timeout=30)
    assert (answer.status_code, answer.content) == (200, b"pdf")
    assert requests.get(url, headers={"Range": "bytes=1-"}, timeout=30).content == b"df"
    assert bucket.get_object_with_url(url).read() == b"pdf"


def test_get_with_overrides(bucket):
    bucket.put_object("k", b"v")
    url = bucket.sign_url("GET", "k", 60, params={
        "response-content-disposition": 'attachment; filename="a b.txt"', "response-content-type": "text/x"})
    answer = requests.get(url, timeout=30)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="a b.txt"'
    assert answer.headers["Content-Type"] == "text/x"
    without = url.replace("response-content-type=text%2Fx", "response-content-type=text%2Fhtml")
    assert without != url and requests.get(without, timeout=30).status_code == 403


def test_put_as_in_the_tutorial(bucket):
    headers = {"Content-Type": "image/jpeg", "x-oss-forbid-overwrite": "true"}
    url = bucket.sign_url("PUT", "u/f.jpg", 600, headers=dict(headers), slash_safe=True)
    assert requests.put(url, data=b"jpeg", timeout=30).status_code == 403, "the signed headers are missing"
    assert requests.put(url, data=b"jpeg", headers=headers, timeout=30).status_code == 200
    again = requests.put(url, data=b"jpeg", headers=headers, timeout=30)
    assert (again.status_code, code(again)) == (409, "FileAlreadyExists")
    changed = requests.put(url, data=b"jpeg", headers={**headers, "Content-Type": "text/html"}, timeout=30)
    assert (changed.status_code, code(changed)) == (403, "SignatureDoesNotMatch")
    assert bucket.head_object("u/f.jpg").content_type == "image/jpeg"


def test_head_and_delete(bucket):
    bucket.put_object("k", b"v")
    assert requests.head(bucket.sign_url("HEAD", "k", 60), timeout=30).headers["Content-Length"] == "1"
    assert requests.delete(bucket.sign_url("DELETE", "k", 60), timeout=30).status_code == 204
    assert not bucket.object_exists("k")


def test_tampering(bucket):
    bucket.put_object("k", b"v")
    bucket.put_object("other", b"secret")
    url = bucket.sign_url("GET", "k", 600)
    assert requests.get(url, timeout=30).status_code == 200
    parts = urllib.parse.urlsplit(url)
    query = urllib.parse.parse_qsl(parts.query, keep_blank_values=True)

    def with_query(pairs, path=parts.path):
        return urllib.parse.urlunsplit(parts._replace(query=urllib.parse.urlencode(pairs), path=path))

    assert requests.get(with_query(query, parts.path[:-1] + "other"), timeout=30).status_code == 403
    assert requests.put(url, data=b"x", timeout=30).status_code == 403
    assert requests.delete(url, timeout=30).status_code == 403
    for number, (field, value) in enumerate(query):
        changed = list(query)
        replaced = value[:-1] + ("0" if value[-1:] != "0" else "1") if value else "x"
        if field.lower() in ("expires", "x-oss-expires"):
            replaced = str(int(value) + 100)
        changed[number] = (field, replaced)
        answer = requests.get(with_query(changed), timeout=30)
        assert answer.status_code in (400, 403), (field, answer.text)
        dropped = [pair for place, pair in enumerate(query) if place != number]
        assert requests.get(with_query(dropped), timeout=30).status_code in (400, 403), field
    for extra in [("versionId", "null"), ("acl", ""), ("response-content-type", "text/html")]:
        assert requests.get(with_query(query + [extra]), timeout=30).status_code == 403, extra
    assert bucket.get_object("k").read() == b"v"


def test_expiry(bucket):
    bucket.put_object("k", b"v")
    url = bucket.sign_url("GET", "k", 1)
    deadline = time.monotonic() + 30
    while requests.get(url, timeout=30).status_code == 200:
        assert time.monotonic() < deadline, "it never expires"
        time.sleep(0.2)
    answer = requests.get(url, timeout=30)
    assert (answer.status_code, code(answer)) == (403, "AccessDenied")
    assert element(answer, "EC")


def test_v4_lifetime_is_bounded(osier, name):
    bucket = oss2_bucket(osier, name, "v4")
    bucket.put_object("k", b"v")
    assert requests.get(bucket.sign_url("GET", "k", 604800), timeout=30).status_code == 200
    for seconds in [604801, 0]:
        assert requests.get(bucket.sign_url("GET", "k", seconds), timeout=30).status_code in (400, 403)


def test_v4_with_the_host_signed(osier, name):
    bucket = oss2_bucket(osier, name, "v4")
    bucket.put_object("k", b"v")
    url = bucket.sign_url(
        "GET", "k", 60, headers={"host": f"127.0.0.1:{osier.port}"}, additional_headers={"host"})
    assert requests.get(url, timeout=30).status_code == 200
    assert requests.get(url, headers={"Host": "other.example.com"}, timeout=30).status_code in (403, 404)


def test_a_signed_url_of_another_bucket(osier, name):
    bucket = oss2_bucket(osier, name, "v1")
    url = bucket.sign_url("GET", "k", 60).replace(name, name[:-1] + ("0" if name[-1] != "0" else "1"))
    assert requests.get(url, timeout=30).status_code == 403


def test_uploads_in_parts_by_signed_urls(bucket):
    upload = bucket.init_multipart_upload("k").upload_id
    url = bucket.sign_url("PUT", "k", 60, params={"partNumber": "1", "uploadId": upload})
    etag = requests.put(url, data=b"part", timeout=30).headers["ETag"]
    bucket.complete_multipart_upload("k", upload, [oss2.models.PartInfo(1, etag.strip('"'))])
    assert bucket.get_object("k").read() == b"part"
