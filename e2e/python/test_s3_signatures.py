"""Signatures of S3 from raw sockets: every scheme opens the door, and nothing like it does."""

import hashlib
import time
import urllib.parse
from email.utils import formatdate

import pytest

from harness import KEY_ID, SUFFIX, Raw
from s3_clients import client
from s3_signing import (SIGNED_CHUNKS, SIGNED_TRAILER, UNSIGNED, UNSIGNED_TRAILER, Signer, crc32, path_of,
                        plain_chunk, sign_v2)

BODY = bytes(range(256)) * 300
TRAILER = "x-amz-checksum-crc32"


@pytest.fixture
def bucket(name):
    return name


@pytest.fixture
def s3(osier):
    return client(osier)


def missing(s3, bucket, key):
    return "Contents" not in s3.list_objects_v2(Bucket=bucket, Prefix=key)


def with_query(path, query):
    text = urllib.parse.urlencode(query, quote_via=urllib.parse.quote)
    return f"{path}?{text}" if text else path


def v4_header(raw, method, bucket, key, query):
    path = path_of(bucket, key)
    return with_query(path, query), Signer().headers(method, path, raw.host, query=query)


def v4_url(raw, method, bucket, key, query):
    return Signer().url(method, path_of(bucket, key), raw.host, query=query), {}


def v2_header(raw, method, bucket, key, query):
    path = path_of(bucket, key)
    headers = {"Date": formatdate(usegmt=True)}
    signed = "".join(f"?{name}" for name, _ in query if name in ("acl", "uploads", "tagging"))
    headers["Authorization"] = f"AWS {KEY_ID}:{sign_v2(method, path, headers, query=signed)}"
    return with_query(path, query), headers


def v2_url(raw, method, bucket, key, query):
    path = path_of(bucket, key)
    expires = int(time.time()) + 300
    signed = "".join(f"?{name}" for name, _ in query if name in ("acl", "uploads", "tagging"))
    signature = sign_v2(method, path, {}, expires, query=signed)
    query = [*query, ("AWSAccessKeyId", KEY_ID), ("Expires", str(expires)), ("Signature", signature)]
    return with_query(path, query), {}


VARIANTS = {"v4-header": v4_header, "v4-url": v4_url, "v2-header": v2_header, "v2-url": v2_url}

# Method, key, query, body, and what a good signature is answered with.
OPERATIONS = {
    "ListObjects": ("GET", None, [], b"", 200),
    "GetBucketAcl": ("GET", None, [("acl", "")], b"", 200),
    "PutObject": ("PUT", "new", [], BODY, 200),
    "GetObject": ("GET", "there", [], b"", 200),
    "HeadObject": ("HEAD", "there", [], b"", 200),
    "GetObjectTagging": ("GET", "there", [("tagging", "")], b"", 200),
    "InitiateMultipartUpload": ("POST", "up", [("uploads", "")], b"", 200),
    "DeleteObject": ("DELETE", "gone", [], b"", 204),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_s04_every_variant_with_every_operation(s3, raw, bucket, variant, operation):
    for key in ("there", "gone"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    method, key, query, body, status = OPERATIONS[operation]
    target, headers = VARIANTS[variant](raw, method, bucket, key, query)

    def send(target=target, headers=headers, method=method, body=body):
        return raw.exchange(method, target, headers, body)

    # Another method, another path, another signature: none opens the door.
    other = "DELETE" if method != "DELETE" else "PUT"
    assert send(method=other).status == 403
    elsewhere = target.replace(f"/{bucket}", f"/{bucket}x", 1)
    assert send(target=elsewhere).status in (403, 404)
    if "url" in variant:
        name = "X-Amz-Signature=" if "v4" in variant else "Signature="
        at = target.index(name) + len(name)
        letter = "b" if target[at] != "b" else "c"
        spoiled = send(target=target[:at] + letter + target[at + 1:])
        extra = send(target=target + "&versionId=null")
        assert extra.status == 403
    else:
        text = headers["Authorization"]
        letter = "b" if text[-2] != "b" else "c"
        spoiled = send(headers={**headers, "Authorization": text[:-2] + letter + text[-1]})
    assert spoiled.status == 403
    unsigned = send(headers={**headers, "x-amz-acl": "public-read"})
    assert unsigned.status == 403
    assert send().status == status


def test_s45_times(raw, bucket):
    path = path_of(bucket)
    for shift, status in ((-800, 200), (800, 200), (-1000, 403), (1000, 403)):
        answer = raw.exchange("GET", path, Signer(shift_seconds=shift).headers("GET", path, raw.host))
        assert answer.status == status
        if status == 403:
            assert answer.code == "RequestTimeTooSkewed"
    old = raw.exchange("GET", Signer(shift_seconds=-400).url("GET", path, raw.host), {})
    assert (old.status, old.code) == (403, "AccessDenied")
    for seconds in (0, -1, 604801):
        answer = raw.exchange("GET", Signer().url("GET", path, raw.host, seconds=seconds), {})
        assert (answer.status, answer.code) == (400, "AuthorizationQueryParametersError")


def test_s03_scopes_and_keys(raw, bucket):
    path = path_of(bucket)
    for signer, status, code in (
        (Signer(service="sqs"), 400, "AuthorizationHeaderMalformed"),
        (Signer(key_id="nobody"), 403, "InvalidAccessKeyId"),
        (Signer(secret="wrong"), 403, "SignatureDoesNotMatch"),
        (Signer(region="anywhere-1"), 200, None),
    ):
        answer = raw.exchange("GET", path, signer.headers("GET", path, raw.host))
        assert (answer.status, answer.code if code else None) == (status, code)


def test_a_url_behind_a_proxy(s3, raw, bucket):
    """The proxy puts its own name into `Host`; the client has signed one of ours."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    path = path_of(bucket, "k")
    assert raw.exchange("GET", Signer().url("GET", path, SUFFIX), {}).status == 200
    assert raw.exchange("GET", Signer().url("GET", path, "s3.elsewhere.example.org"), {}).status == 403


def test_virtual_hosts(osier, s3, bucket):
    s3.put_object(Bucket=bucket, Key="dir/k", Body=b"x")
    host = f"{bucket}.{SUFFIX}"
    there = Raw(osier.port, host=host)
    answer = there.exchange("GET", "/dir/k", Signer().headers("GET", "/dir/k", host))
    assert (answer.status, answer.body) == (200, b"x")
    date = {"Date": formatdate(usegmt=True)}
    signature = sign_v2("GET", f"/{bucket}/dir/k", date)
    answer = there.exchange("GET", "/dir/k", {**date, "Authorization": f"AWS {KEY_ID}:{signature}"})
    assert (answer.status, answer.body) == (200, b"x")


def chunked(body, variant, size=8192, spoil=None):
    """Headers and framed body of an upload; `spoil` changes the pieces."""
    signer = Signer()
    pieces = [body[at:at + size] for at in range(0, len(body), size)] + [b""]
    extra = {"x-amz-decoded-content-length": str(len(body)), "Content-Encoding": "aws-chunked"}
    if variant != SIGNED_CHUNKS:
        extra["x-amz-trailer"] = TRAILER

    def frame(path, host):
        headers = signer.headers("PUT", path, host, headers=extra, payload=variant)
        framed = [signer.chunk(piece) if variant != UNSIGNED_TRAILER else plain_chunk(piece) for piece in pieces]
        if variant == SIGNED_CHUNKS:
            framed.append(b"\r\n")
        elif variant == SIGNED_TRAILER:
            framed.append(signer.trailer(TRAILER, crc32(body)))
        else:
            framed.append(f"{TRAILER}:{crc32(body)}\r\n\r\n".encode())
        return headers, spoil(framed) if spoil else framed

    return frame


def put_chunked(raw, bucket, key, body, variant, framing="length", spoil=None):
    path = path_of(bucket, key)
    headers, framed = chunked(body, variant, spoil=spoil)(path, raw.host)
    whole = b"".join(framed)
    if framing == "chunked":
        headers["Transfer-Encoding"] = "chunked"
        cut = [whole[at:at + 5000] for at in range(0, len(whole), 5000)]
        whole = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in cut) + b"0\r\n\r\n"
    return raw.exchange("PUT", path, headers, whole)


VARIANTS_OF_CHUNKS = [SIGNED_CHUNKS, SIGNED_TRAILER, UNSIGNED_TRAILER]


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("variant", VARIANTS_OF_CHUNKS)
def test_chunks(s3, raw, bucket, variant, framing):
    for body in (BODY, b"", b"x"):
        answer = put_chunked(raw, bucket, "k", body, variant, framing)
        assert answer.status == 200, answer
        got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
        assert got["Body"].read() == body
        # What is stored is not encoded.
        assert not got.get("ContentEncoding")
        if variant != SIGNED_CHUNKS:
            assert got["ChecksumCRC32"] == crc32(body)


def swap(a, b):
    def change(framed):
        framed[a], framed[b] = framed[b], framed[a]
        return framed
    return change


def replace(index, old, new):
    def change(framed):
        assert old in framed[index]
        framed[index] = framed[index].replace(old, new, 1)
        return framed
    return change


def drop(index):
    def change(framed):
        del framed[index]
        return framed
    return change


SPOILED = {
    "a byte of a chunk": lambda framed: replace(1, bytes([7, 8, 9]), bytes([7, 8, 8]))(framed),
    "two chunks swapped": swap(1, 2),
    "a chunk left out": drop(2),
    "no last chunk": drop(-2),
    "no end": drop(-1),
    "the end of a chunk": lambda framed: replace(0, framed[0][-2:], b"xx")(framed[:1]) + framed[1:],
    "a chunk twice": lambda framed: framed[:2] + framed[1:],
    "bytes behind the end": lambda framed: framed + [b"more"],
}


@pytest.mark.parametrize("what", SPOILED)
@pytest.mark.parametrize("variant", VARIANTS_OF_CHUNKS)
def test_spoiled_chunks_store_nothing(s3, raw, bucket, variant, what):
    # A body without repetition, so that no two chunks are the same.
    body = b"".join(number.to_bytes(4, "big") + bytes([7, 8, 9]) for number in range(8000))
    answer = put_chunked(raw, bucket, "k", body, variant, spoil=SPOILED[what])
    assert answer.status in (400, 403), answer
    assert missing(s3, bucket, "k")


@pytest.mark.parametrize("variant", [SIGNED_TRAILER, UNSIGNED_TRAILER])
def test_spoiled_trailers_store_nothing(s3, raw, bucket, variant):
    for change in (
        replace(-1, TRAILER.encode(), b"x-amz-checksum-sha1"),
        replace(-1, crc32(BODY).encode(), crc32(b"other").encode()),
        replace(-1, b":", b" "),
        replace(-1, b"\r\n\r\n", b"\r\nx-amz-meta-a:b\r\n\r\n"),
    ):
        answer = put_chunked(raw, bucket, "k", BODY, variant, spoil=change)
        assert answer.status in (400, 403), answer
        assert missing(s3, bucket, "k")


def test_a_trailer_that_is_not_the_bodys(s3, raw, bucket):
    def wrong(framed):
        framed[-1] = f"{TRAILER}:{crc32(b'other')}\r\n\r\n".encode()
        return framed
    answer = put_chunked(raw, bucket, "k", BODY, UNSIGNED_TRAILER, spoil=wrong)
    assert (answer.status, answer.code) == (400, "BadDigest")
    assert missing(s3, bucket, "k")


def test_parts_in_chunks(s3, raw, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big")["UploadId"]
    body = BODY * 80
    path = path_of(bucket, "big")
    signer = Signer()
    query = [("partNumber", "1"), ("uploadId", upload)]
    extra = {"x-amz-decoded-content-length": str(len(body))}
    headers = signer.headers("PUT", path, raw.host, query=query, headers=extra, payload=SIGNED_CHUNKS)
    framed = b"".join(signer.chunk(piece) for piece in (body[:100_000], body[100_000:], b"")) + b"\r\n"
    answer = raw.exchange("PUT", with_query(path, query), headers, framed)
    assert answer.status == 200, answer
    part = {"PartNumber": 1, "ETag": answer.header("etag")}
    s3.complete_multipart_upload(Bucket=bucket, Key="big", UploadId=upload, MultipartUpload={"Parts": [part]})
    assert s3.get_object(Bucket=bucket, Key="big")["Body"].read() == body


def test_signed_chunks_need_a_signed_request(s3, raw, bucket):
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read-write")
    path = path_of(bucket, "k")
    headers = {"x-amz-content-sha256": SIGNED_CHUNKS, "x-amz-decoded-content-length": "1"}
    answer = raw.exchange("PUT", path, headers, b"1\r\nx\r\n0\r\n\r\n")
    assert answer.status == 400
    assert missing(s3, bucket, "k")


def test_a_signed_payload_is_the_body(s3, raw, bucket):
    path = path_of(bucket, "k")
    headers = Signer().headers("PUT", path, raw.host, payload=hashlib.sha256(b"right").hexdigest())
    answer = raw.exchange("PUT", path, headers, b"wrong")
    assert (answer.status, answer.code) == (400, "XAmzContentSHA256Mismatch")
    assert missing(s3, bucket, "k")
    assert raw.exchange("PUT", path, headers, b"right").status == 200
    unsigned = Signer().headers("PUT", path, raw.host, payload=UNSIGNED)
    assert raw.exchange("PUT", path, unsigned, b"anything").status == 200
