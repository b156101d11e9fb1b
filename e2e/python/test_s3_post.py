"""Browser forms of S3: what boto3 presigns is accepted, and nothing beyond its policy."""

import base64
import hashlib
import hmac
import json
import secrets

import pytest

from harness import KEY_ID, SECRET, Raw
from s3_clients import client


@pytest.fixture
def bucket(name):
    return name


@pytest.fixture
def s3(osier):
    return client(osier)


@pytest.fixture
def raw(osier):
    return Raw(osier.port)


def send(raw, bucket, fields, body=b"file", file_name="photo.jpg"):
    boundary = secrets.token_hex(12)
    text = b""
    for name, value in fields.items():
        text += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    text += (f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{file_name}"\r\n'
             "Content-Type: image/jpeg\r\n\r\n").encode() + body + f"\r\n--{boundary}--\r\n".encode()
    return raw.exchange("POST", f"/{bucket}", {"Content-Type": f"multipart/form-data; boundary={boundary}"}, text)


def presigned(osier, bucket, key="up/${filename}", fields=None, conditions=None, version="s3v4"):
    return client(osier, signature_version=version).generate_presigned_post(
        bucket, key, Fields=fields, Conditions=conditions, ExpiresIn=300)["fields"]


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_what_boto3_presigns(osier, s3, raw, bucket, version):
    fields = presigned(osier, bucket, fields={"success_action_status": "201", "x-amz-meta-a": "b",
                                              "Content-Type": "image/png"},
                       conditions=[{"success_action_status": "201"}, ["starts-with", "$x-amz-meta-a", ""],
                                   ["starts-with", "$Content-Type", "image/"],
                                   ["content-length-range", 1, 100]], version=version)
    answer = send(raw, bucket, fields)
    assert answer.status == 201, answer
    assert answer.element("Key") == "up/photo.jpg"
    got = s3.get_object(Bucket=bucket, Key="up/photo.jpg")
    assert (got["Body"].read(), got["Metadata"], got["ContentType"]) == (b"file", {"a": "b"}, "image/png")


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_s06_nothing_beyond_the_policy(osier, s3, raw, bucket, version):
    fields = presigned(osier, bucket, conditions=[["content-length-range", 2, 6]], version=version)
    for change in ({"acl": "public-read"}, {"x-amz-meta-a": "b"}, {"Content-Type": "text/html"},
                   {"success_action_redirect": "http://example.com/"}, {"key": "elsewhere"},
                   {"x-amz-storage-class": "GLACIER"}):
        answer = send(raw, bucket, {**fields, **change})
        assert (answer.status, answer.code) == (403, "AccessDenied"), change
    assert send(raw, bucket, fields, b"1").code == "EntityTooSmall"
    assert send(raw, bucket, fields, b"1234567").code == "EntityTooLarge"
    signature = "x-amz-signature" if version == "s3v4" else "signature"
    letter = "b" if fields[signature][0] != "b" else "c"
    spoiled = {**fields, signature: letter + fields[signature][1:]}
    assert send(raw, bucket, spoiled).code == "SignatureDoesNotMatch"
    other = {**fields, "policy": presigned(osier, bucket, "k", version=version)["policy"]}
    assert send(raw, bucket, other).code == "SignatureDoesNotMatch"
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    assert send(raw, bucket, {**fields, "x-ignore-me": "x"}).status == 204


def signed(policy, **fields):
    text = base64.b64encode(policy.encode()).decode()
    signature = base64.b64encode(hmac.new(SECRET.encode(), text.encode(), hashlib.sha1).digest()).decode()
    return {"key": "k", "AWSAccessKeyId": KEY_ID, "policy": text, "signature": signature, **fields}


def test_policies_that_are_none(raw, bucket):
    good = {"expiration": "2100-01-01T00:00:00Z", "conditions": [{"bucket": bucket}, {"key": "k"}]}
    assert send(raw, bucket, signed(json.dumps(good))).status == 204
    for policy, status in (
        ("no json", 400),
        (json.dumps({**good, "expiration": "soon"}), 400),
        (json.dumps({"expiration": good["expiration"]}), 400),
        (json.dumps({"Expiration": good["expiration"], "conditions": good["conditions"]}), 400),
        (json.dumps({**good, "conditions": [{}]}), 400),
        (json.dumps({**good, "conditions": [*good["conditions"], ["content-length-range", 0]]}), 400),
        (json.dumps({**good, "expiration": "2000-01-01T00:00:00Z"}), 403),
        (json.dumps({**good, "conditions": [{"key": "k"}]}), 403),
        (json.dumps({**good, "conditions": [{"bucket": "other"}, {"key": "k"}]}), 403),
    ):
        assert send(raw, bucket, signed(policy)).status == status, policy


def test_a_form_without_a_key(raw, bucket):
    policy = json.dumps({"expiration": "2100-01-01T00:00:00Z", "conditions": [{"bucket": bucket}]})
    fields = signed(policy)
    del fields["key"]
    answer = send(raw, bucket, fields)
    assert (answer.status, answer.element("Code")) == (400, "InvalidArgument")


def test_checksums_of_forms(osier, s3, raw, bucket):
    value = base64.b64encode(hashlib.sha256(b"file").digest()).decode()
    fields = presigned(osier, bucket, "k", fields={"x-amz-checksum-sha256": value},
                       conditions=[{"x-amz-checksum-sha256": value}])
    answer = send(raw, bucket, fields, b"else")
    assert (answer.status, answer.code) == (400, "BadDigest")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    assert send(raw, bucket, fields).status == 204
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["ChecksumSHA256"] == value
