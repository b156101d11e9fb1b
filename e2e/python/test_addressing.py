"""All the ways to say which bucket is meant."""

from email.utils import formatdate

import alibabacloud_oss_v2 as v2
import oss2
import pytest

from conftest import CNAME_BUCKET, SETTINGS, empty_and_delete, oss2_auth, oss2_bucket, v2_client
from harness import KEY_ID, REGION, Osier, Raw, sign_v1, wire

HOSTS = [
    "{bucket}.oss-cn-hangzhou.aliyuncs.com", "{bucket}.oss-cn-hangzhou-internal.aliyuncs.com",
    "{bucket}.oss-cn-beijing.aliyuncs.com", "{bucket}.cn-hangzhou.oss.aliyuncs.com",
    "{bucket}.oss-accelerate.aliyuncs.com", "{bucket}.oss-accelerate-overseas.aliyuncs.com",
    "{bucket}.s3.oss-cn-hangzhou.aliyuncs.com", "{bucket}.store.example.com", "{bucket}.localhost",
    "{bucket}.OSS-CN-HANGZHOU.aliyuncs.com", "{bucket}.store.example.com:8080", "{bucket}.localhost.",
]


@pytest.mark.parametrize("host", HOSTS)
def test_virtual_hosts(osier, raw, name, host):
    raw.send("PUT", name, "dir/k", body=b"v")
    answer = Raw(osier.port, host=host.format(bucket=name)).send("GET", name, "dir/k", target="/dir/k")
    assert (answer.status, answer.body) == (200, b"v"), answer
    listing = Raw(osier.port, host=host.format(bucket=name)).send("GET", name, target="/")
    assert listing.element("Name") == name


@pytest.mark.parametrize("host", [
    "oss-cn-hangzhou.aliyuncs.com", "oss-cn-hangzhou-internal.aliyuncs.com", "store.example.com", "localhost",
    "127.0.0.1", "127.0.0.1:80", "[::1]:9000", "unknown.example.org", ".oss-cn-hangzhou.aliyuncs.com",
])
def test_path_style_at_any_host(osier, raw, name, host):
    raw.send("PUT", name, "dir/k", body=b"v")
    there = Raw(osier.port, host=host)
    answer = there.send("GET", name, "dir/k")
    assert (answer.status, answer.body) == (200, b"v"), answer
    service = there.send("GET")
    assert b"<ListAllMyBucketsResult>" in service.body


def test_encoded_slashes(osier, raw, name):
    raw.send("PUT", name, "a/b", body=b"v", target=f"/{name}/a%2Fb")
    assert raw.send("GET", name, "a/b").body == b"v"
    assert raw.send("GET", name, "a/b", target=f"/{name}/a%2fb").body == b"v"
    raw.send("PUT", name, "a+b", body=b"plus", target=f"/{name}/a+b")
    assert raw.send("GET", name, "a+b", target=f"/{name}/a%2Bb").body == b"plus"


def test_paths_are_never_normalised(raw, name):
    keys = [".", "..", "a//b", "a/../b", "./a", "a/.", "a/..", "%2e%2e/b", "b", "a/b"]
    for key in keys:
        assert raw.send("PUT", name, key, body=key.encode()).status == 200
    for key in keys:
        assert raw.send("GET", name, key).body == key.encode()
    # oss2, which cleans up, loses these two on its own side.
    for key in [".", ".."]:
        assert raw.send("DELETE", name, key).status == 204


def test_absolute_form(osier, raw, name):
    raw.send("PUT", name, "k", body=b"v")
    for target in [f"http://127.0.0.1:{osier.port}/{name}/k", f"http://{name}.oss-cn-hangzhou.aliyuncs.com/k"]:
        answer = raw.send("GET", name, "k", target=target)
        assert (answer.status, answer.body) == (200, b"v"), (target, answer)


def test_the_ip_endpoint_of_ali_oss_with_both_names(osier, raw, name):
    """ali-oss with sldEnable and an IP: the Host names the bucket and so does the path."""
    raw.send("PUT", name, "k", body=b"v")
    there = Raw(osier.port, host=f"{name}.oss-cn-hangzhou.aliyuncs.com")
    assert there.send("GET", name, "k", target=f"/{name}/k").body == b"v"
    raw.send("PUT", name, f"{name}/k", body=b"deeper")
    assert there.send("GET", name, f"{name}/k", target=f"/{name}/k").body == b"deeper"


def test_http_1_0_without_a_host(osier, name, raw):
    raw.send("PUT", name, "k", body=b"v")
    date = formatdate(usegmt=True)
    answer = wire(osier.port, (
        f"GET /{name}/k HTTP/1.0\r\nDate: {date}\r\n"
        f"Authorization: OSS {KEY_ID}:{sign_v1('GET', name, 'k', [], {'Date': date})}\r\n\r\n").encode())
    assert answer.endswith(b"\r\n\r\nv"), answer


def test_oss2_path_style_by_name(osier, name):
    bucket = oss2.Bucket(
        oss2_auth("v4"), f"http://oss-cn-hangzhou.aliyuncs.com:{osier.port}", name, region=REGION, is_path_style=True)
    bucket.put_object("a/b", b"v")
    assert bucket.get_object("a/b").read() == b"v"


def test_oss2_internal_and_cname(osier, name):
    oss2_bucket(osier, name, "v4", "internal").put_object("k", b"v")
    named = oss2.Bucket(
        oss2_auth("v4"), f"http://{name}.store.example.com:{osier.port}", name, region=REGION, is_cname=True)
    assert named.get_object("k").read() == b"v"


def test_ipv6():
    with Osier(settings=SETTINGS, listen="::1") as server:
        raw = Raw(server.port, address="::1", host=f"[::1]:{server.port}")
        assert raw.send("PUT", "six-bucket").status == 200
        assert raw.send("PUT", "six-bucket", "k", body=b"v").status == 200
        assert raw.send("GET", "six-bucket", "k").body == b"v"
    assert server.process.returncode == 0


def test_a_domain_bound_to_a_bucket(osier, raw):
    assert raw.send("PUT", CNAME_BUCKET).status == 200
    raw.send("PUT", CNAME_BUCKET, "dir/k", body=b"v", headers={"x-oss-object-acl": "public-read"})
    there = Raw(osier.port, host="files.example.net")
    assert there.exchange("GET", "/dir/k", {}).body == b"v"
    for signature in ["v1", "v4"]:
        named = oss2.Bucket(
            oss2_auth(signature), f"http://files.example.net:{osier.port}", CNAME_BUCKET, region=REGION, is_cname=True)
        assert named.get_object("dir/k").read() == b"v"
        client = v2_client(osier, signature, endpoint=f"http://files.example.net:{osier.port}", use_cname=True)
        assert client.get_object(v2.GetObjectRequest(bucket=CNAME_BUCKET, key="dir/k")).body.content == b"v"
    empty_and_delete(osier.endpoint, CNAME_BUCKET)


@pytest.mark.parametrize("style", ["path", "oss-host", "own-suffix"])
def test_signature_v2(osier, name, style):
    bucket = oss2_bucket(osier, name, "v2", style)
    bucket.put_object("dir/a b+c 中", b"v", headers={"x-oss-meta-a": "1"})
    assert bucket.get_object("dir/a b+c 中").read() == b"v"
    assert [entry.key for entry in bucket.list_objects(prefix="dir/a b").object_list] == ["dir/a b+c 中"]
    assert bucket.get_bucket_acl().acl == "private"
    with pytest.raises(oss2.exceptions.SignatureDoesNotMatch):
        oss2.Bucket(oss2.AuthV2(KEY_ID, "wrong"), osier.endpoint, name).get_object("dir/a b+c 中")
