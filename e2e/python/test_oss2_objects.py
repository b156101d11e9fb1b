"""Objects by oss2."""

import base64
import hashlib
import io
import time
from email.utils import formatdate

import oss2
import pytest
from oss2.models import Tagging, TaggingRule

from keys import CONTROL, DOTS, ODD


def tags(**pairs):
    rule = TaggingRule()
    for key, value in pairs.items():
        rule.add(key, value)
    return Tagging(rule)


BODIES = {
    "empty": b"",
    "one": b"x",
    "inline": bytes(range(256)) * 16,
    "just-over-inline": bytes(range(256)) * 16 + b"!",
    "block": b"b" * (64 * 1024),
    "odd": hashlib.sha512(b"seed").digest() * 3001,
    "large": hashlib.sha512(b"large").digest() * (9 * 16 * 1024 + 1),
}


@pytest.mark.parametrize("size", BODIES)
def test_put_and_get(bucket, size):
    body = BODIES[size]
    put = bucket.put_object("k", body)
    md5 = hashlib.md5(body).hexdigest().upper()
    assert put.etag == md5
    assert put.headers["ETag"] == f'"{md5}"'
    assert put.crc is not None
    got = bucket.get_object("k")
    assert got.read() == body
    assert got.client_crc == got.server_crc
    assert got.content_length == len(body)
    assert got.headers["Content-MD5"] == base64.b64encode(hashlib.md5(body).digest()).decode()
    head = bucket.head_object("k")
    assert (head.content_length, head.etag, head.object_type) == (len(body), md5, "Normal")
    assert head.headers["x-oss-storage-class"] == "Standard"
    assert head.headers["x-oss-hash-crc64ecma"] == str(put.crc)
    assert head.headers["Accept-Ranges"] == "bytes"
    assert abs(head.last_modified - time.time()) < 600
    meta = bucket.get_object_meta("k")
    assert (meta.content_length, meta.etag) == (len(body), md5)
    assert "Content-Type" not in meta.headers or meta.headers.get("x-oss-object-type") is None


def test_overwrite(bucket):
    bucket.put_object("k", b"first", headers={"x-oss-meta-a": "1"})
    bucket.put_object("k", b"second one")
    got = bucket.get_object("k")
    assert got.read() == b"second one"
    assert "x-oss-meta-a" not in got.headers


@pytest.mark.parametrize("key", ODD + DOTS + CONTROL, ids=lambda key: ascii(key[:24]))
def test_odd_keys(bucket, key):
    body = key.encode()
    bucket.put_object(key, body)
    assert bucket.get_object(key).read() == body
    assert bucket.object_exists(key)
    assert [entry.key for entry in bucket.list_objects().object_list] == [key]
    assert [entry.key for entry in bucket.list_objects_v2(prefix=key).object_list] == [key]
    versions = bucket.list_object_versions(prefix=key).versions
    assert [(entry.key, entry.versionid) for entry in versions] == [(key, "null")]
    bucket.copy_object(bucket.bucket_name, key, key + "2" if len(body) < 1000 else "copy")
    bucket.delete_object(key)
    assert not bucket.object_exists(key)


def test_odd_keys_stand_apart_and_in_byte_order(bucket):
    keys = sorted(ODD + DOTS + CONTROL, key=lambda key: key.encode())
    for key in keys:
        bucket.put_object(key, hashlib.sha256(key.encode()).digest())
    for key in keys:
        assert bucket.get_object(key).read() == hashlib.sha256(key.encode()).digest()
    assert [entry.key for entry in oss2.ObjectIterator(bucket, max_keys=7)] == keys
    assert [entry.key for entry in oss2.ObjectIteratorV2(bucket, max_keys=7)] == keys
    printable = [key for key in keys if key not in CONTROL and "\r" not in key]
    result = bucket.batch_delete_objects(printable)
    assert sorted(result.deleted_keys) == sorted(printable)
    assert [entry.key for entry in bucket.list_objects().object_list] == [key for key in keys if key not in printable]


@pytest.mark.parametrize("key", ["/leading", "\\leading", "x" * 1025, "中" * 342])
def test_keys_that_are_refused(bucket, key):
    with pytest.raises(oss2.exceptions.ServerError) as refused:
        bucket.put_object(key, b"")
    assert (refused.value.status, refused.value.code) == (400, "InvalidObjectName")


def test_headers_are_kept(bucket):
    kept = {
        "Content-Type": "text/x-e2e; charset=utf-8",
        "Cache-Control": "max-age=31",
        "Content-Disposition": 'attachment; filename="a b.txt"',
        "Content-Encoding": "identity",
        "Expires": "Sun, 22 Nov 2026 03:04:05 GMT",
        "Content-Language": "en",
        "x-oss-meta-Author": "Some One",
        "x-oss-meta-empty": "",
        "x-oss-meta-symbols": "a=b;c,d \"e\"",
    }
    bucket.put_object("k", b"body", headers=dict(kept))
    for got in [bucket.get_object("k"), bucket.head_object("k")]:
        for name, value in kept.items():
            assert got.headers.get(name) == value, name
        assert got.headers["x-oss-meta-author"] == "Some One"


def test_non_ascii_metadata_returns_byte_for_byte(raw, name):
    value = "作者".encode()
    assert raw.send("PUT", name, "k", headers={"x-oss-meta-a": "作者"}, body=b"v").status == 200
    answer = raw.send("HEAD", name, "k")
    assert answer.header("x-oss-meta-a").encode("latin-1") == value


def test_content_type_is_guessed_only_by_the_client(raw, name):
    raw.send("PUT", name, "k.html", body=b"v")
    assert raw.send("HEAD", name, "k.html").header("content-type") == "application/octet-stream"


def test_metadata_limit(bucket):
    bucket.put_object("k", b"", headers={"x-oss-meta-big": "v" * 8000})
    with pytest.raises(oss2.exceptions.ServerError) as refused:
        bucket.put_object("k", b"", headers={"x-oss-meta-big": "v" * 8200})
    assert refused.value.status == 400
    assert len(bucket.head_object("k").headers["x-oss-meta-big"]) == 8000


def test_update_object_meta(bucket):
    bucket.put_object("k.txt", b"body", headers={"x-oss-meta-a": "1"})
    bucket.update_object_meta("k.txt", {"x-oss-meta-b": "2", "Content-Type": "text/html"})
    head = bucket.head_object("k.txt")
    assert head.headers["x-oss-meta-b"] == "2" and head.content_type == "text/html"
    assert "x-oss-meta-a" not in head.headers
    assert bucket.get_object("k.txt").read() == b"body"


def test_persistent_headers(bucket):
    value = ",".join(
        f"{name}:{base64.b64encode(text.encode()).decode()}"
        for name, text in [("Link", "</a>; rel=next"), ("X-Robots-Tag", "noindex")])
    bucket.put_object("k", b"v", headers={"x-oss-persistent-headers": value})
    got = bucket.get_object("k")
    assert got.headers["Link"] == "</a>; rel=next" and got.headers["X-Robots-Tag"] == "noindex"


def test_response_overrides(bucket):
    bucket.put_object("k", b"v", headers={"Content-Type": "text/plain"})
    wanted = {
        "response-content-type": "application/json",
        "response-content-language": "fr",
        "response-expires": "Sun, 22 Nov 2026 03:04:05 GMT",
        "response-cache-control": "no-cache",
        "response-content-disposition": "attachment; filename*=UTF-8''%E4%B8%AD.txt",
        "response-content-encoding": "utf-8",
    }
    got = bucket.get_object("k", params=wanted)
    for name, value in wanted.items():
        assert got.headers[name.removeprefix("response-")] == value
    assert bucket.head_object("k").content_type == "text/plain"


def test_content_md5(bucket):
    right = base64.b64encode(hashlib.md5(b"body").digest()).decode()
    bucket.put_object("k", b"body", headers={"Content-MD5": right})
    for wrong in [base64.b64encode(hashlib.md5(b"other").digest()).decode(), "bm90IG1kNQ==", "?"]:
        with pytest.raises(oss2.exceptions.InvalidDigest):
            bucket.put_object("k", b"changed", headers={"Content-MD5": wrong})
    assert bucket.get_object("k").read() == b"body", "a refused write leaves the old object"


def test_wrong_crc_sent_along(bucket):
    with pytest.raises(oss2.exceptions.ServerError) as refused:
        bucket.put_object("k", b"body", headers={"x-oss-hash-crc64ecma": "1"})
    assert (refused.value.status, refused.value.code) == (400, "InvalidCRC64")
    assert not bucket.object_exists("k")


def test_without_crc_checks(osier, name):
    from conftest import oss2_bucket
    bucket = oss2_bucket(osier, name, enable_crc=False)
    bucket.put_object("k", b"body")
    assert bucket.get_object("k").read() == b"body"


def test_generators_and_streams_are_chunked(bucket):
    def pieces():
        for number in range(300):
            yield b"%06d" % number * 1000

    whole = b"".join(pieces())
    bucket.put_object("generator", pieces())
    assert bucket.get_object("generator").read() == whole
    bucket.put_object("stream", io.BytesIO(whole))
    assert bucket.get_object("stream").read() == whole
    bucket.put_object("empty", iter(()))
    assert bucket.get_object("empty").read() == b""


def test_files_and_progress(bucket, tmp_path):
    source, target = tmp_path / "source.bin", tmp_path / "target.bin"
    source.write_bytes(BODIES["odd"])
    seen = []
    bucket.put_object_from_file("k", str(source), progress_callback=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(BODIES["odd"]),) * 2
    bucket.get_object_to_file("k", str(target))
    assert target.read_bytes() == BODIES["odd"]


def test_folder_marker(bucket):
    bucket.put_object("folder/", b"")
    assert bucket.head_object("folder/").content_length == 0


def test_missing_things(bucket):
    for call in [bucket.get_object, bucket.get_object_acl, bucket.get_object_tagging, bucket.get_symlink]:
        with pytest.raises(oss2.exceptions.NoSuchKey):
            call("nothing")
    for call in [bucket.head_object, bucket.get_object_meta]:
        with pytest.raises(oss2.exceptions.NotFound) as missing:
            call("nothing")
        assert missing.value.code == "NoSuchKey" and missing.value.request_id
    assert bucket.delete_object("nothing").status == 204
    assert bucket.object_exists("nothing") is False


def test_batch_delete(bucket):
    for number in range(30):
        bucket.put_object(f"k{number}", b"")
    result = bucket.batch_delete_objects([f"k{number}" for number in range(25)] + ["never/was"])
    assert len(result.deleted_keys) == 26
    assert [entry.key for entry in bucket.list_objects().object_list] == [f"k{number}" for number in range(25, 30)]


# Ranges of 1,000 bytes: what is sent, then status and bytes by default and with
# `x-oss-range-behavior: standard`.
RANGES = [
    ("bytes=0-499", 206, (0, 499), 206, (0, 499)),
    ("bytes=500-", 206, (500, 999), 206, (500, 999)),
    ("bytes=-500", 206, (500, 999), 206, (500, 999)),
    ("bytes=999-999", 206, (999, 999), 206, (999, 999)),
    ("bytes=500-2000", 200, None, 206, (500, 999)),
    ("bytes=1000-2000", 200, None, 416, None),
    ("bytes=1000-", 200, None, 416, None),
    ("bytes=-2000", 200, None, 206, (0, 999)),
    ("byte=0-9", 200, None, 200, None),
    ("bytes=9-0", 200, None, 200, None),
    ("bytes=a-b", 200, None, 200, None),
    ("bytes=", 200, None, 200, None),
    ("bytes=-", 200, None, 200, None),
    ("bytes=0-18446744073709551615", 200, None, 206, (0, 999)),
]


@pytest.mark.parametrize("sent,status,part,standard_status,standard_part", RANGES, ids=lambda v: str(v)[:24])
def test_ranges(raw, name, sent, status, part, standard_status, standard_part):
    body = bytes(number % 251 for number in range(1000))
    raw.send("PUT", name, "k", body=body)
    for headers, status, part in [
        ({}, status, part), ({"x-oss-range-behavior": "standard"}, standard_status, standard_part)
    ]:
        answer = raw.send("GET", name, "k", headers={"Range": sent, **headers})
        assert answer.status == status, (sent, headers, answer)
        if part:
            assert answer.body == body[part[0]:part[1] + 1]
            assert answer.header("content-range") == f"bytes {part[0]}-{part[1]}/1000"
        elif status == 200:
            assert answer.body == body
        else:
            assert answer.code == "InvalidRange"


def test_ranges_by_the_client(bucket):
    body = BODIES["odd"]
    bucket.put_object("k", body)
    for byte_range in [(0, 0), (10, 70000), (len(body) - 5, None), (None, 7), (65535, 65536)]:
        got = bucket.get_object("k", byte_range=byte_range)
        first, last = byte_range
        expected = body[-last:] if first is None else body[first:None if last is None else last + 1]
        assert got.read() == expected and got.status == 206
        assert got.content_length == len(expected)


def test_range_of_an_empty_object(bucket):
    bucket.put_object("k", b"")
    assert bucket.get_object("k", byte_range=(0, 9)).read() == b""


def test_conditions(bucket):
    bucket.put_object("k", b"body")
    head = bucket.head_object("k")
    etag = head.headers["ETag"]
    before = formatdate(head.last_modified - 3600, usegmt=True)
    same = head.headers["Last-Modified"]
    after = formatdate(head.last_modified + 3600, usegmt=True)
    good = [
        {"If-Match": etag}, {"If-Match": etag.strip('"')}, {"If-Match": etag.lower()},
        {"If-None-Match": '"0123"'}, {"If-Modified-Since": before},
        {"If-Unmodified-Since": same}, {"If-Unmodified-Since": after},
        {"If-Match": etag, "If-Unmodified-Since": after},
        {"If-None-Match": '"0"', "If-Modified-Since": before},
    ]
    for headers in good:
        assert bucket.get_object("k", headers=dict(headers)).read() == b"body", headers
        assert bucket.head_object("k", headers=dict(headers)).status == 200, headers
    for headers in [{"If-None-Match": etag}, {"If-Modified-Since": same}, {"If-Modified-Since": after}]:
        for call in [bucket.get_object, bucket.head_object]:
            with pytest.raises(oss2.exceptions.NotModified):
                call("k", headers=dict(headers))
    for headers in [
        {"If-Match": '"0123"'}, {"If-Unmodified-Since": before},
        {"If-Match": etag, "If-Unmodified-Since": before},
    ]:
        with pytest.raises(oss2.exceptions.PreconditionFailed):
            bucket.get_object("k", headers=dict(headers))


def test_forbid_overwrite(bucket):
    forbid = {"x-oss-forbid-overwrite": "true"}
    bucket.put_object("k", b"first", headers=dict(forbid))
    source = bucket.bucket_name
    upload = bucket.init_multipart_upload("k").upload_id
    part = bucket.upload_part("k", upload, 1, b"x")
    attempts = [
        lambda: bucket.put_object("k", b"second", headers=dict(forbid)),
        lambda: bucket.copy_object(source, "k", "k", headers=dict(forbid)),
        lambda: bucket.put_symlink("other", "k", headers=dict(forbid)),
        lambda: bucket.init_multipart_upload("k", headers=dict(forbid)),
        lambda: bucket.complete_multipart_upload(
            "k", upload, [oss2.models.PartInfo(1, part.etag)], headers=dict(forbid)),
    ]
    for attempt in attempts:
        with pytest.raises(oss2.exceptions.ServerError) as refused:
            attempt()
        assert refused.value.code == "FileAlreadyExists"
    assert bucket.get_object("k").read() == b"first"
    bucket.put_object("k", b"second", headers={"x-oss-forbid-overwrite": "false"})
    assert bucket.get_object("k").read() == b"second"


def test_copy(bucket):
    bucket.put_object("source key/中", b"body", headers={"Content-Type": "text/a", "x-oss-meta-a": "1"})
    source = bucket.bucket_name
    copied = bucket.copy_object(source, "source key/中", "copy")
    assert copied.etag == hashlib.md5(b"body").hexdigest().upper()
    head = bucket.head_object("copy")
    assert head.content_type == "text/a" and head.headers["x-oss-meta-a"] == "1"
    bucket.copy_object(source, "copy", "replaced", headers={
        "x-oss-metadata-directive": "REPLACE", "Content-Type": "text/b", "x-oss-meta-b": "2"})
    head = bucket.head_object("replaced")
    assert head.content_type == "text/b" and head.headers["x-oss-meta-b"] == "2"
    assert "x-oss-meta-a" not in head.headers
    bucket.delete_object("source key/中")
    assert bucket.get_object("copy").read() == b"body", "a copy lives on its own"
    with pytest.raises(oss2.exceptions.NoSuchKey):
        bucket.copy_object(source, "nothing", "k")
    with pytest.raises(oss2.exceptions.NoSuchBucket):
        bucket.copy_object("no-such-bucket-anywhere", "k", "k")


def test_copy_conditions(bucket):
    bucket.put_object("k", b"body")
    head = bucket.head_object("k")
    source = bucket.bucket_name
    past = formatdate(head.last_modified - 3600, usegmt=True)
    future = formatdate(head.last_modified + 3600, usegmt=True)
    for headers in [
        {"x-oss-copy-source-if-match": head.headers["ETag"]},
        {"x-oss-copy-source-if-none-match": '"0"'},
        {"x-oss-copy-source-if-modified-since": past},
        {"x-oss-copy-source-if-unmodified-since": future},
    ]:
        bucket.copy_object(source, "k", "copy", headers=dict(headers))
    for headers in [{"x-oss-copy-source-if-match": '"0"'}, {"x-oss-copy-source-if-unmodified-since": past}]:
        with pytest.raises(oss2.exceptions.PreconditionFailed):
            bucket.copy_object(source, "k", "copy", headers=dict(headers))
    for headers in [
        {"x-oss-copy-source-if-none-match": head.headers["ETag"]},
        {"x-oss-copy-source-if-modified-since": future},
    ]:
        with pytest.raises(oss2.exceptions.NotModified):
            bucket.copy_object(source, "k", "copy", headers=dict(headers))


def test_copy_between_buckets(osier, bucket):
    from conftest import empty_and_delete, new_name, oss2_bucket
    other = oss2_bucket(osier, new_name())
    other.create_bucket()
    other.put_object("k", BODIES["odd"])
    bucket.copy_object(other.bucket_name, "k", "k")
    empty_and_delete(osier.endpoint, other.bucket_name)
    assert bucket.get_object("k").read() == BODIES["odd"]


def test_append_and_seal(bucket):
    first = bucket.append_object("log", 0, b"hello ", headers={"Content-Type": "text/log", "x-oss-meta-a": "1"})
    assert first.next_position == 6
    second = bucket.append_object("log", 6, b"world", init_crc=first.crc)
    assert second.next_position == 11
    got = bucket.get_object("log")
    assert got.read() == b"hello world"
    assert got.headers["x-oss-object-type"] == "Appendable"
    assert got.headers["x-oss-next-append-position"] == "11"
    assert got.content_type == "text/log" and got.headers["x-oss-meta-a"] == "1"
    with pytest.raises(oss2.exceptions.PositionNotEqualToLength) as refused:
        bucket.append_object("log", 3, b"x")
    assert refused.value.next_position == 11
    bucket.put_object("normal", b"x")
    with pytest.raises(oss2.exceptions.ObjectNotAppendable):
        bucket.append_object("normal", 1, b"x")
    with pytest.raises(oss2.exceptions.PositionNotEqualToLength):
        bucket.append_object("new", 5, b"x")
    assert not bucket.object_exists("new")


def test_many_appends(bucket):
    crc, position, whole = None, 0, b""
    for number in range(40):
        piece = bytes([number]) * (number * 997 + 1)
        result = bucket.append_object("log", position, piece, init_crc=crc if crc is not None else 0)
        crc, position, whole = result.crc, result.next_position, whole + piece
    got = bucket.get_object("log")
    assert got.read() == whole and got.client_crc == got.server_crc
    assert bucket.get_object("log", byte_range=(1000, 200000)).read() == whole[1000:200001]


def test_symlinks(bucket):
    bucket.put_object("target 中/x", b"body", headers={"Content-Type": "text/t"})
    bucket.put_symlink("target 中/x", "link", headers={"x-oss-meta-a": "1"})
    link = bucket.get_symlink("link")
    assert link.target_key == "target 中/x"
    got = bucket.get_object("link")
    assert got.read() == b"body"
    assert got.headers["x-oss-object-type"] == "Symlink"
    assert bucket.head_object("link").content_length == 4
    bucket.put_symlink("link", "second")
    with pytest.raises(oss2.exceptions.ServerError) as refused:
        bucket.get_object("second")
    assert (refused.value.status, refused.value.code) == (400, "InvalidTargetType")
    bucket.put_symlink("nothing", "dangling")
    with pytest.raises(oss2.exceptions.ServerError) as missing:
        bucket.get_object("dangling")
    assert (missing.value.status, missing.value.code) == (404, "SymlinkTargetNotExist")
    with pytest.raises(oss2.exceptions.ServerError) as refused:
        bucket.get_symlink("target 中/x")
    assert refused.value.code == "NotSymlink"


def test_object_tags(bucket):
    with pytest.raises(oss2.exceptions.ServerError) as refused:
        bucket.put_object("k", b"", headers={"x-oss-tagging": "a=ampersand%26"})
    assert refused.value.status == 400
    bucket.put_object("k", b"", headers={"x-oss-tagging": "a=1&b=two%20words"})
    assert bucket.get_object_tagging("k").tag_set.tagging_rule == {"a": "1", "b": "two words"}
    assert bucket.head_object("k").headers["x-oss-tagging-count"] == "2"
    bucket.put_object_tagging("k", tags(c="3"))
    assert bucket.get_object_tagging("k").tag_set.tagging_rule == {"c": "3"}
    assert bucket.delete_object_tagging("k").status == 204
    assert bucket.get_object_tagging("k").tag_set.tagging_rule == {}
    with pytest.raises(oss2.exceptions.ServerError) as refused:
        bucket.put_object_tagging("k", tags(**{f"k{number}": "v" for number in range(11)}))
    assert refused.value.status == 400
    bucket.put_object("t", b"", headers={"x-oss-tagging": "a=1"})
    bucket.copy_object(bucket.bucket_name, "t", "kept")
    assert bucket.get_object_tagging("kept").tag_set.tagging_rule == {"a": "1"}
    bucket.copy_object(bucket.bucket_name, "t", "changed", headers={
        "x-oss-tagging": "b=2", "x-oss-tagging-directive": "Replace"})
    assert bucket.get_object_tagging("changed").tag_set.tagging_rule == {"b": "2"}


def test_object_acl(bucket):
    bucket.put_object("k", b"")
    assert bucket.get_object_acl("k").acl == "default"
    for acl in ["public-read", "public-read-write", "private", "default"]:
        bucket.put_object_acl("k", acl)
        assert bucket.get_object_acl("k").acl == acl
    bucket.put_object("p", b"", headers={"x-oss-object-acl": "public-read"})
    assert bucket.get_object_acl("p").acl == "public-read"
    with pytest.raises(oss2.exceptions.InvalidArgument):
        bucket.put_object_acl("k", "nonsense")


def test_storage_class_of_an_object(bucket):
    bucket.put_object("k", b"", headers={"x-oss-storage-class": "IA"})
    assert bucket.head_object("k").headers["x-oss-storage-class"] == "IA"
    assert bucket.list_objects().object_list[0].storage_class == "IA"
    with pytest.raises(oss2.exceptions.ServerError) as refused:
        bucket.put_object("k", b"", headers={"x-oss-storage-class": "Nonsense"})
    assert refused.value.status == 400


def test_encryption_headers_are_not_ignored(bucket):
    with pytest.raises(oss2.exceptions.ServerError) as refused:
        bucket.put_object("k", b"secret", headers={"x-oss-server-side-encryption": "ROT13"})
    assert refused.value.code == "InvalidEncryptionAlgorithmError"
    assert not bucket.object_exists("k")


def test_listing_in_pages_with_prefix_and_delimiter(bucket):
    keys = [f"{top}/{number:03}" for top in ["a", "b", "b-c", "中"] for number in range(12)] + ["root", "zoo"]
    for key in keys:
        bucket.put_object(key, b"v")
    keys = sorted(keys, key=str.encode)
    page = bucket.list_objects(max_keys=5)
    assert [entry.key for entry in page.object_list] == keys[:5] and page.is_truncated
    entry = page.object_list[0]
    assert entry.etag == hashlib.md5(b"v").hexdigest().upper() and entry.size == 1
    assert entry.type == "Normal" and entry.storage_class == "Standard" and entry.last_modified > 0
    for iterator in [oss2.ObjectIterator, oss2.ObjectIteratorV2]:
        for size in [1, 3, 100]:
            assert [entry.key for entry in iterator(bucket, max_keys=size)] == keys
            found = list(iterator(bucket, delimiter="/", max_keys=size))
            assert {entry.key for entry in found if entry.is_prefix()} == {"a/", "b/", "b-c/", "中/"}
            assert [entry.key for entry in found if not entry.is_prefix()] == ["root", "zoo"]
            inside = [entry.key for entry in iterator(bucket, prefix="b/", delimiter="/", max_keys=size)]
            assert inside == [f"b/{number:03}" for number in range(12)]
    page = bucket.list_objects_v2(start_after="b/005", max_keys=3)
    assert [entry.key for entry in page.object_list] == ["b/006", "b/007", "b/008"]
    assert page.is_truncated and page.next_continuation_token
    assert bucket.list_objects_v2(max_keys=1).object_list[0].owner is None
    assert bucket.list_objects_v2(max_keys=1, fetch_owner=True).object_list[0].owner.id
    page = bucket.list_objects(marker="中/010")
    assert [entry.key for entry in page.object_list] == ["中/011"] and not page.is_truncated
    page = bucket.list_objects(prefix="a", delimiter="0")
    assert page.prefix_list == ["a/0"]
    assert bucket.list_objects(prefix="none").object_list == []


def test_marker_inside_a_common_prefix(bucket):
    for key in ["p/1", "p/2", "q"]:
        bucket.put_object(key, b"")
    page = bucket.list_objects(delimiter="/", max_keys=1)
    assert page.prefix_list == ["p/"] and page.is_truncated
    rest = bucket.list_objects(delimiter="/", marker=page.next_marker)
    assert rest.prefix_list == [] and [entry.key for entry in rest.object_list] == ["q"]


@pytest.mark.parametrize("max_keys", [0, 1001, -1])
def test_page_sizes_that_are_refused(bucket, max_keys):
    with pytest.raises(oss2.exceptions.InvalidArgument):
        bucket.list_objects(max_keys=max_keys)
