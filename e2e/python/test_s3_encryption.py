"""Encryption at rest by boto3: AES256, KMS, keys of the client's own, and what lies on the disk."""

import base64
import hashlib
import io
import os

import pytest
from boto3.s3.transfer import TransferConfig

from conftest import Osier, new_name
from s3_clients import client, refusal
from test_oss_encryption import WORD, canary, is_on_disk


@pytest.fixture(scope="module")
def server():
    with Osier() as running:
        yield running


@pytest.fixture
def s3(server):
    return client(server)


@pytest.fixture
def bucket(s3):
    name = new_name("sse")
    s3.create_bucket(Bucket=name)
    return name


def own_key(seed):
    return {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": hashlib.sha256(seed.encode()).digest()}


def of_source(key):
    return {f"CopySource{name}": value for name, value in key.items()}


WAYS = {
    "AES256": ({"ServerSideEncryption": "AES256"}, {}),
    "KMS": ({"ServerSideEncryption": "aws:kms"}, {}),
    "own": (own_key("a"), own_key("a")),
}


@pytest.mark.parametrize("way", WAYS)
def test_s40_no_way_of_writing_leaves_plaintext(server, s3, bucket, way):
    wanted, reading = WAYS[way]
    bodies = {}
    for length in (0, 50, 5000, 65_521, 400_000):
        key = f"put-{length}"
        bodies[key] = canary(length)
        put = s3.put_object(Bucket=bucket, Key=key, Body=bodies[key], **wanted)
        assert_told(put, wanted)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts", **wanted)
    assert_told(upload, wanted)
    target = {"Bucket": bucket, "Key": "parts", "UploadId": upload["UploadId"]}
    first = s3.upload_part(PartNumber=1, Body=canary(5 << 20), **target, **reading)
    source = {"CopySource": {"Bucket": bucket, "Key": "put-400000"}, "CopySourceRange": "bytes=1000-300000"}
    second = s3.upload_part_copy(PartNumber=2, **source, **target, **reading, **of_source(reading))
    s3.complete_multipart_upload(**target, MultipartUpload={"Parts": [
        {"PartNumber": 1, "ETag": first["ETag"]},
        {"PartNumber": 2, "ETag": second["CopyPartResult"]["ETag"]}]})
    bodies["parts"] = canary(5 << 20) + canary(400_000)[1000:300_001]
    copied = s3.copy_object(
        Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "parts"}, **wanted, **of_source(reading))
    assert_told(copied, wanted)
    bodies["copy"] = bodies["parts"]
    s3.upload_fileobj(
        io.BytesIO(canary(9 << 20)), bucket, "managed", ExtraArgs=wanted,
        Config=TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20))
    bodies["managed"] = canary(9 << 20)
    assert not is_on_disk(server, WORD)
    for key, body in bodies.items():
        got = s3.get_object(Bucket=bucket, Key=key, **reading)
        assert_told(got, wanted)
        assert got["Body"].read() == body
        if len(body) > 70_000:
            part = s3.get_object(Bucket=bucket, Key=key, Range="bytes=65000-66000", **reading)
            assert part["Body"].read() == body[65_000:66_001]
    second = s3.get_object(Bucket=bucket, Key="parts", PartNumber=2, **reading)
    assert second["Body"].read() == canary(400_000)[1000:300_001]
    assert second["PartsCount"] == 2


def assert_told(answer, wanted):
    if "SSECustomerKey" in wanted:
        digest = base64.b64encode(hashlib.md5(wanted["SSECustomerKey"]).digest()).decode()
        assert (answer["SSECustomerAlgorithm"], answer["SSECustomerKeyMD5"]) == ("AES256", digest)
        assert "ServerSideEncryption" not in answer
    else:
        assert answer["ServerSideEncryption"] == wanted["ServerSideEncryption"]
        assert ("SSEKMSKeyId" in answer) == (wanted["ServerSideEncryption"] == "aws:kms")


def test_tags(s3, bucket):
    body = os.urandom(1000)
    digest = f'"{hashlib.md5(body).hexdigest()}"'
    for wanted, reading in WAYS.values():
        put = s3.put_object(Bucket=bucket, Key="k", Body=body, **wanted)
        head = s3.head_object(Bucket=bucket, Key="k", **reading)
        assert head["ETag"] == put["ETag"]
        assert (put["ETag"].lower() == digest) == (wanted == {"ServerSideEncryption": "AES256"})


def test_keys_of_the_client(s3, bucket):
    key, other = own_key("one"), own_key("two")
    s3.put_object(Bucket=bucket, Key="k", Body=b"mine", **key)
    assert s3.get_object(Bucket=bucket, Key="k", **key)["Body"].read() == b"mine"
    assert refusal(s3.get_object, Bucket=bucket, Key="k") == (400, "InvalidRequest")
    assert refusal(s3.head_object, Bucket=bucket, Key="k")[0] == 400
    assert refusal(s3.get_object, Bucket=bucket, Key="k", **other)[0] in (400, 403)
    s3.put_object(Bucket=bucket, Key="plain", Body=b"1")
    assert refusal(s3.get_object, Bucket=bucket, Key="plain", **key) == (400, "InvalidRequest")
    # With a digest of ours boto3 sends the key as it is given.
    text = base64.b64encode(key["SSECustomerKey"]).decode()
    wrong_digest = {**key, "SSECustomerKey": text, "SSECustomerKeyMD5": base64.b64encode(b"0" * 16).decode()}
    assert refusal(s3.put_object, Bucket=bucket, Key="n", Body=b"1", **wrong_digest)[0] == 400
    short = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"short"}
    assert refusal(s3.put_object, Bucket=bucket, Key="n", Body=b"1", **short)[0] == 400
    both = {**key, "ServerSideEncryption": "AES256"}
    assert refusal(s3.put_object, Bucket=bucket, Key="n", Body=b"1", **both)[0] == 400
    # A copy: with the source's key, under another, without any.
    source = {"Bucket": bucket, "Key": "k"}
    assert refusal(s3.copy_object, Bucket=bucket, Key="c", CopySource=source) == (400, "InvalidRequest")
    s3.copy_object(Bucket=bucket, Key="c", CopySource=source, **of_source(key), **other)
    assert s3.get_object(Bucket=bucket, Key="c", **other)["Body"].read() == b"mine"
    s3.copy_object(Bucket=bucket, Key="open", CopySource=source, **of_source(key))
    assert s3.get_object(Bucket=bucket, Key="open")["Body"].read() == b"mine"
    # Parts keep to the key that the upload was begun with.
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts", **key)["UploadId"]
    part = {"Bucket": bucket, "Key": "parts", "UploadId": upload, "PartNumber": 1, "Body": b"1"}
    assert refusal(s3.upload_part, **part) == (400, "InvalidRequest")
    assert refusal(s3.upload_part, **part, **other)[0] in (400, 403)
    s3.upload_part(**part, **key)


def test_the_default_of_the_bucket(s3, bucket):
    assert refusal(s3.get_bucket_encryption, Bucket=bucket) == (
        404, "ServerSideEncryptionConfigurationNotFoundError")
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    told = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert told["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ServerSideEncryption"] == "AES256"
    kms = s3.put_object(Bucket=bucket, Key="k", Body=b"1", ServerSideEncryption="aws:kms")
    assert (kms["ServerSideEncryption"], kms["SSEKMSKeyId"]) == ("aws:kms", "default")
    unknown = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "nobody-s"}
    assert refusal(s3.put_object, Bucket=bucket, Key="k", Body=b"1", **unknown)[0] == 400
    s3.delete_bucket_encryption(Bucket=bucket)
    assert "ServerSideEncryption" not in s3.put_object(Bucket=bucket, Key="k", Body=b"1")
