"""Buckets of this server behind its own sites: what is kept of them is as exact as they are, by version and by
permission, with oss2 as their owner and strangers as visitors."""

import io
import json

import oss2
import pytest
from PIL import Image

from cdn import cdn, function, set_functions, source, sources
from control import bucket_of, document, statement, unique
from gateway import Edge
from harness import Osier, free_port

SELF = unique("self")


class Door:
    """A bucket and the host that shows it."""

    def __init__(self, edge, bucket, host):
        self.edge, self.bucket, self.host = edge, bucket, host

    def get(self, path="/a.txt", **headers):
        return self.edge.get(path, host=self.host, headers=headers)

    def kept(self, path="/a.txt"):
        """Asks until the answer could be a kept one."""
        for _ in range(3):
            answer = self.get(path)
            assert answer.status_code == 200, answer.text
        return answer


@pytest.fixture(scope="module")
def edge():
    port = free_port()
    server = Osier(settings=f"""
[gateway]
listen = ["127.0.0.1:{port}"]
[[site]]
hosts = ["self.example.com"]
origin = "self://{SELF}"
""")
    with server:
        bucket_of(server, SELF).create_bucket("public-read")
        yield Edge(server, port)


@pytest.fixture(params=["site", "domain"])
def door(edge, request):
    name = SELF if request.param == "site" else unique("cdn")
    bucket = bucket_of(edge.server, name)
    if request.param == "site":
        bucket.put_bucket_acl("public-read")
        door = Door(edge, bucket, "self.example.com")
    else:
        bucket.create_bucket("public-read")
        client, host = cdn(edge.server), f"{name}.example.com"
        client.AddCdnDomain(
            domain_name=host, cdn_type="web", scope="overseas",
            sources=sources(source(f"{name}.oss-cn-hangzhou.aliyuncs.com", 80, "oss")))
        set_functions(client, host, function("path_based_ttl_set", ttl="86400", path="/", weight="99"))
        door = Door(edge, bucket, host)
    bucket.put_object("a.txt", b"first", headers={"x-oss-object-acl": "default"})
    assert door.kept().content == b"first"
    yield door
    bucket.put_bucket_acl("public-read")


def test_a_domain_keeps_what_it_shows(edge):
    """Or nothing here would be proved of kept answers."""
    name = unique("kept")
    bucket = bucket_of(edge.server, name)
    bucket.create_bucket("public-read")
    client, host = cdn(edge.server), f"{name}.example.com"
    client.AddCdnDomain(domain_name=host, cdn_type="web", scope="overseas",
                        sources=sources(source(f"{name}.oss-cn-hangzhou.aliyuncs.com", 80, "oss")))
    bucket.put_object("a.txt", b"first", headers={"Cache-Control": "max-age=600"})
    door = Door(edge, bucket, host)
    assert door.get().headers["X-Cache"] == "MISS"
    assert door.get().headers["X-Cache"] == "HIT"
    assert door.get(Range="bytes=1-2").content == b"ir"
    assert door.get(**{"If-None-Match": door.get().headers["ETag"]}).status_code == 304
    # What it was before it was forbidden counts again when it is not any more.
    bucket.put_object_acl("a.txt", "private")
    assert door.get().status_code == 403
    bucket.put_object_acl("a.txt", "default")
    assert door.get().headers["X-Cache"] == "HIT"
    client.PushObjectCache(object_path=f"http://{host}/a.txt")
    assert door.get().headers["X-Cache"] == "HIT"
    client.RefreshObjectCaches(object_path=f"http://{host}/a.txt", object_type="File")
    assert door.get().headers["X-Cache"] == "MISS"


def test_an_object_made_private_is_nobodys_at_once(door):
    door.bucket.put_object_acl("a.txt", "private")
    refused = door.get()
    assert (refused.status_code, b"first" in refused.content) == (403, False)
    assert door.get(Range="bytes=0-1").status_code == 403
    door.bucket.put_object_acl("a.txt", "default")
    assert door.get().content == b"first"


def test_a_bucket_made_private_is_nobodys_at_once(door):
    door.bucket.put_bucket_acl("private")
    assert door.get().status_code == 403
    door.bucket.put_bucket_acl("public-read")
    assert door.get().content == b"first"


def test_a_policy_counts_at_once(door):
    policy = document(statement("Deny", "oss:GetObject", f"acs:oss:*:*:{door.bucket.bucket_name}/*"))
    text = json.loads(policy)
    for it in text["Statement"]:
        it["Principal"] = ["*"]
    door.bucket.put_bucket_policy(json.dumps(text))
    assert door.get().status_code == 403
    door.bucket.delete_bucket_policy()
    assert door.get().content == b"first"


def test_a_referer_list_counts_for_what_is_kept(door):
    door.bucket.put_bucket_referer(oss2.models.BucketReferer(False, ["http://good.example.com/"]))
    assert door.get().status_code == 403
    assert door.get(Referer="http://bad.example.com/").status_code == 403
    assert door.get(Referer="http://good.example.com/").content == b"first"
    assert door.get().status_code == 403
    door.bucket.put_bucket_referer(oss2.models.BucketReferer(True, []))
    assert door.get().content == b"first"


def test_a_new_version_is_there_at_once(door):
    for number in range(3):
        content = f"version {number}".encode()
        door.bucket.put_object("a.txt", content)
        assert door.kept().content == content
    # The same bytes with other metadata, twice in a second.
    for number in range(3):
        door.bucket.put_object("a.txt", content, headers={"x-oss-meta-number": str(number)})
        assert door.kept().headers["x-oss-meta-number"] == str(number)
    door.bucket.delete_object("a.txt")
    assert door.get().status_code == 404
    door.bucket.put_object("a.txt", b"back")
    assert door.get().content == b"back"


def test_pictures_are_as_exact_as_their_source(door):
    def picture(width):
        data = io.BytesIO()
        Image.new("RGB", (width, 10)).save(data, "PNG")
        return data.getvalue()
    path = "/a.png?x-oss-process=image/resize,h_5"
    door.bucket.put_object("a.png", picture(20), headers={"x-oss-object-acl": "default"})
    assert Image.open(io.BytesIO(door.kept(path).content)).size == (10, 5)
    door.bucket.put_object("a.png", picture(40))
    assert Image.open(io.BytesIO(door.kept(path).content)).size == (20, 5)
    door.bucket.put_object_acl("a.png", "private")
    assert door.get(path).status_code == 403
