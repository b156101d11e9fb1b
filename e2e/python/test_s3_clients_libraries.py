"""The SDK of MinIO, opendal and obstore; and an upload of a gibibyte that the server's death interrupts."""

import asyncio
import datetime
import hashlib
import io
import json
import secrets
import shutil
import socket
import urllib.request

import obstore
import opendal
import pytest
from minio import Minio
from minio.commonconfig import GOVERNANCE, ComposeSource, CopySource, Tags
from minio.deleteobjects import DeleteObject
from minio.error import S3Error
from minio.retention import Retention
from minio.sse import SseS3
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import S3Store

from conftest import new_name
from harness import KEY_ID, SECRET, Osier
from s3_clients import client, refusal

ODD = "a b+c%/ü#?&.txt"


@pytest.fixture(scope="module")
def server():
    """A server of its own: some of what is written here is locked."""
    with Osier() as running:
        yield running


@pytest.fixture
def bucket(server):
    name = new_name("sdk")
    client(server).create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="module")
def big():
    return secrets.token_bytes(1 << 20) * 12


def test_minio(server, big):
    sdk = Minio(f"127.0.0.1:{server.port}", access_key=KEY_ID, secret_key=SECRET, secure=False)
    bucket = new_name("minio")
    sdk.make_bucket(bucket, object_lock=True)
    assert sdk.bucket_exists(bucket) and not sdk.bucket_exists("no-such-bucket-1")
    sdk.put_object(bucket, ODD, io.BytesIO(b"abc"), 3, metadata={"a": "b"})
    assert sdk.stat_object(bucket, ODD).metadata["x-amz-meta-a"] == "b"
    sdk.put_object(bucket, "big", io.BytesIO(big), -1, part_size=5 << 20)
    assert sdk.get_object(bucket, "big").read() == big
    assert sdk.get_object(bucket, "big", offset=5, length=7).read() == big[5:12]
    sdk.copy_object(bucket, "copy", CopySource(bucket, ODD))
    sdk.compose_object(bucket, "both", [ComposeSource(bucket, "big"), ComposeSource(bucket, ODD)])
    assert sdk.get_object(bucket, "both").read() == big + b"abc"
    tags = Tags(for_object=True)
    tags["x"] = "y"
    sdk.set_object_tags(bucket, ODD, tags)
    assert sdk.get_object_tags(bucket, ODD) == {"x": "y"}
    sdk.put_object(bucket, "encrypted", io.BytesIO(b"abc"), 3, sse=SseS3())
    assert sdk.stat_object(bucket, "encrypted").metadata["x-amz-server-side-encryption"] == "AES256"
    with urllib.request.urlopen(sdk.presigned_get_object(bucket, ODD), timeout=30) as answer:
        assert answer.read() == b"abc"
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["s3:GetObject"],
         "Resource": [f"arn:aws:s3:::{bucket}/*"]}]}
    sdk.set_bucket_policy(bucket, json.dumps(policy))
    assert json.loads(sdk.get_bucket_policy(bucket)) == policy
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    sdk.set_object_retention(bucket, ODD, Retention(GOVERNANCE, until))
    assert sdk.get_object_retention(bucket, ODD).mode == GOVERNANCE
    sdk.enable_object_legal_hold(bucket, ODD)
    assert sdk.is_object_legal_hold_enabled(bucket, ODD)
    version = sdk.stat_object(bucket, ODD).version_id
    with pytest.raises(S3Error) as refused:
        sdk.remove_object(bucket, ODD, version_id=version)
    assert refused.value.code == "AccessDenied"
    assert list(sdk.remove_objects(bucket, [DeleteObject("copy"), DeleteObject("both")])) == []
    told = {(one.object_name, one.is_delete_marker) for one in sdk.list_objects(bucket, recursive=True, include_version=True)}
    assert {("copy", True), ("copy", False), (ODD, False)} <= told
    assert sorted(one.object_name for one in sdk.list_objects(bucket)) == ["a b+c%/", "big", "encrypted"]


def test_opendal(server, bucket, big):
    options = {
        "bucket": bucket, "endpoint": server.endpoint, "region": "us-east-1", "access_key_id": KEY_ID,
        "secret_access_key": SECRET, "disable_config_load": "true", "disable_ec2_metadata": "true"}
    store = opendal.Operator("s3", **options)
    store.write(f"dir/{ODD}", b"hello")
    assert store.read(f"dir/{ODD}") == b"hello" and store.stat(f"dir/{ODD}").content_length == 5
    with store.open("dir/big", "wb") as file:
        for start in range(0, len(big), 3 << 20):
            file.write(big[start:start + (3 << 20)])
    assert store.read("dir/big") == big
    store.copy("dir/big", "copy")
    assert store.read("copy") == big
    store.create_dir("empty/")
    assert sorted(entry.path for entry in store.list("/")) == ["copy", "dir/", "empty/"]
    files = {entry.path for entry in store.scan("/")}
    assert {"copy", "dir/a b+c%/ü#?&.txt", "dir/big"} <= files
    store.delete("copy")
    assert not store.exists("copy")
    store.remove_all("dir/")
    assert [entry.path for entry in store.scan("dir/")] == []

    async def presigned():
        deferred = opendal.AsyncOperator("s3", **options)
        await deferred.write("p", b"p")
        return (await deferred.presign_read("p", 60)).url

    with urllib.request.urlopen(asyncio.run(presigned()), timeout=30) as answer:
        assert answer.read() == b"p"


def test_obstore(server, bucket, big):
    store = S3Store(
        bucket, endpoint=server.endpoint, region="us-east-1", access_key_id=KEY_ID, secret_access_key=SECRET,
        client_options={"allow_http": True}, virtual_hosted_style_request=False)
    made = obstore.put(store, ODD, b"hello", mode="create", attributes={"Content-Type": "text/x"}, tags={"a": "b"})
    with pytest.raises(AlreadyExistsError):
        obstore.put(store, ODD, b"again", mode="create")
    got = obstore.get(store, ODD)
    assert bytes(got.bytes()) == b"hello" and got.attributes["Content-Type"] == "text/x"
    assert bytes(obstore.get_range(store, ODD, start=1, end=3)) == b"el"
    assert [bytes(one) for one in obstore.get_ranges(store, ODD, starts=[0, 4], ends=[1, 5])] == [b"h", b"o"]
    obstore.put(store, ODD, b"other", mode={"e_tag": made["e_tag"]})
    with pytest.raises(PreconditionError):
        obstore.put(store, ODD, b"stale", mode={"e_tag": made["e_tag"]})
    obstore.put(store, "dir/big", big, use_multipart=True, chunk_size=5 << 20)
    assert bytes(obstore.get(store, "dir/big").bytes()) == big
    assert b"".join(bytes(piece) for piece in obstore.get(store, "dir/big").stream()) == big
    obstore.copy(store, "dir/big", "dir/copy")
    obstore.rename(store, "dir/copy", "dir/renamed")
    assert [one["path"] for page in obstore.list(store, "dir") for one in page] == ["dir/big", "dir/renamed"]
    assert obstore.list_with_delimiter(store)["common_prefixes"] == ["a b+c%", "dir"]
    with urllib.request.urlopen(obstore.sign(store, "GET", ODD, datetime.timedelta(seconds=60)), timeout=30) as answer:
        assert answer.read() == b"other"
    obstore.delete(store, ["dir/big", "dir/renamed"])
    assert list(obstore.list(store, "dir")) == []


PART = 64 << 20


def test_a_gibibyte_is_interrupted_and_resumed():
    """Eight parts, a ninth cut off by kill -9; after the restart the client asks what is there and goes on."""
    bucket, parts = new_name("gib"), 16
    block = secrets.token_bytes(PART)

    def body(number):
        return number.to_bytes(8, "big") + block[8:]

    with Osier() as server:
        s3 = client(server)
        s3.create_bucket(Bucket=bucket)
        upload = s3.create_multipart_upload(Bucket=bucket, Key="big", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
        named = {"Bucket": bucket, "Key": "big", "UploadId": upload["UploadId"]}
        for number in range(1, 9):
            s3.upload_part(**named, PartNumber=number, Body=body(number))
        url = s3.generate_presigned_url("upload_part", Params={**named, "PartNumber": 9})
        path = url.removeprefix(server.endpoint)
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as half:
            half.sendall(f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: {PART}\r\n\r\n".encode())
            half.sendall(body(9)[:PART // 2])
            server.kill()
        server.start()
        there = {part["PartNumber"]: part for part in s3.list_parts(**named)["Parts"]}
        assert sorted(there) == list(range(1, 9))
        listed = []
        for number in range(1, parts + 1):
            part = there.get(number) or s3.upload_part(**named, PartNumber=number, Body=body(number))
            listed.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumCRC32": part["ChecksumCRC32"]})
        assert refusal(s3.head_object, Bucket=bucket, Key="big")[0] == 404
        s3.complete_multipart_upload(**named, MultipartUpload={"Parts": listed}, ChecksumType="FULL_OBJECT")
        got = s3.get_object(Bucket=bucket, Key="big")
        assert got["ContentLength"] == parts * PART
        expected, read = hashlib.sha256(), hashlib.sha256()
        for number in range(1, parts + 1):
            expected.update(body(number))
        for piece in got["Body"].iter_chunks(1 << 20):
            read.update(piece)
        assert read.digest() == expected.digest()
    shutil.rmtree(server.scratch)
