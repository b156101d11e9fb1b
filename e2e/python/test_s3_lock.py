"""Object lock, and conditions of writes and deletions, by boto3."""

import datetime
import threading

import pytest

from conftest import Osier, new_name
from s3_clients import client, refusal


@pytest.fixture(scope="module")
def server():
    """A server of its own: what is locked here can't be cleaned up."""
    with Osier() as running:
        yield running


@pytest.fixture
def s3(server):
    return client(server)


@pytest.fixture
def locking(s3):
    name = new_name("lock")
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


@pytest.fixture
def bucket(s3):
    name = new_name("cond")
    s3.create_bucket(Bucket=name)
    return name


def later(days):
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=days)


DENIED = (403, "AccessDenied")
FAILED = (412, "PreconditionFailed")


def test_buckets_with_object_lock(s3, locking, bucket):
    assert s3.get_bucket_versioning(Bucket=locking)["Status"] == "Enabled"
    told = s3.get_object_lock_configuration(Bucket=locking)["ObjectLockConfiguration"]
    assert told["ObjectLockEnabled"] == "Enabled"
    assert refusal(s3.get_object_lock_configuration, Bucket=bucket) == (
        404, "ObjectLockConfigurationNotFoundError")
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 2}}
    configuration = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    s3.put_object_lock_configuration(Bucket=locking, ObjectLockConfiguration=configuration)
    assert s3.get_object_lock_configuration(Bucket=locking)["ObjectLockConfiguration"]["Rule"] == rule
    assert refusal(
        s3.put_object_lock_configuration, Bucket=bucket, ObjectLockConfiguration=configuration) == (
        409, "InvalidBucketState")
    assert refusal(
        s3.put_bucket_versioning, Bucket=locking, VersioningConfiguration={"Status": "Suspended"}) == (
        409, "InvalidBucketState")
    put = s3.put_object(Bucket=locking, Key="k", Body=b"1")
    head = s3.head_object(Bucket=locking, Key="k")
    assert head["ObjectLockMode"] == "GOVERNANCE"
    assert abs(head["ObjectLockRetainUntilDate"] - later(2)) < datetime.timedelta(minutes=5)
    assert refusal(s3.delete_object, Bucket=locking, Key="k", VersionId=put["VersionId"]) == DENIED
    s3.delete_object(Bucket=locking, Key="k", VersionId=put["VersionId"], BypassGovernanceRetention=True)
    kept = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": later(1)}
    assert refusal(s3.put_object, Bucket=bucket, Key="k", Body=b"1", **kept) == (400, "InvalidRequest")


def test_s41_compliance(s3, locking):
    put = s3.put_object(
        Bucket=locking, Key="k", Body=b"1", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=later(2))
    version = {"Bucket": locking, "Key": "k", "VersionId": put["VersionId"]}
    told = s3.get_object_retention(**version)["Retention"]
    assert told["Mode"] == "COMPLIANCE"
    for bypass in (False, True):
        assert refusal(s3.delete_object, **version, BypassGovernanceRetention=bypass) == DENIED
        for mode, days in (("COMPLIANCE", 1), ("GOVERNANCE", 3)):
            retention = {"Mode": mode, "RetainUntilDate": later(days)}
            assert refusal(
                s3.put_object_retention, **version, Retention=retention,
                BypassGovernanceRetention=bypass) == DENIED
    s3.put_object_retention(**version, Retention={"Mode": "COMPLIANCE", "RetainUntilDate": later(4)})
    listed = s3.delete_objects(Bucket=locking, Delete={"Objects": [
        {"Key": "k", "VersionId": put["VersionId"]}, {"Key": "other"}]})
    assert [error["Code"] for error in listed["Errors"]] == ["AccessDenied"]
    assert [deleted["Key"] for deleted in listed["Deleted"]] == ["other"]
    past = {"Mode": "COMPLIANCE", "RetainUntilDate": later(-1)}
    assert refusal(s3.put_object_retention, **version, Retention=past)[0] == 400


def test_legal_holds(s3, locking):
    put = s3.put_object(Bucket=locking, Key="k", Body=b"1", ObjectLockLegalHoldStatus="ON")
    version = {"Bucket": locking, "Key": "k", "VersionId": put["VersionId"]}
    assert s3.get_object_legal_hold(**version)["LegalHold"]["Status"] == "ON"
    assert refusal(s3.delete_object, **version, BypassGovernanceRetention=True) == DENIED
    s3.put_object_legal_hold(**version, LegalHold={"Status": "OFF"})
    assert s3.head_object(Bucket=locking, Key="k")["ObjectLockLegalHoldStatus"] == "OFF"
    s3.delete_object(**version)


def test_conditions_of_writes(s3, bucket):
    def put(**conditions):
        return s3.put_object(Bucket=bucket, Key="k", Body=b"1", **conditions)["ETag"]

    assert refusal(put, IfMatch="*") == (404, "NoSuchKey")
    etag = put(IfNoneMatch="*")
    assert refusal(put, IfNoneMatch="*") == FAILED
    assert refusal(put, IfNoneMatch=etag) == FAILED
    assert refusal(put, IfMatch='"bad"') == FAILED
    put(IfMatch=etag)
    put(IfMatch=etag.strip('"'))
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"parts")["ETag"]
    complete = {
        "Bucket": bucket, "Key": "k", "UploadId": upload,
        "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": part}]}}
    assert refusal(s3.complete_multipart_upload, **complete, IfNoneMatch="*") == FAILED
    s3.complete_multipart_upload(**complete, IfMatch=etag)
    source = {"Bucket": bucket, "Key": "k"}
    assert refusal(s3.copy_object, Bucket=bucket, Key="k2", CopySource=source, IfMatch="*")[0] == 404
    s3.copy_object(Bucket=bucket, Key="k2", CopySource=source, IfNoneMatch="*")
    assert refusal(s3.copy_object, Bucket=bucket, Key="k2", CopySource=source, IfNoneMatch="*") == FAILED


def test_conditions_of_deletions(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    assert refusal(s3.delete_object, Bucket=bucket, Key="k", IfMatch='"bad"') == FAILED
    listed = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k", "ETag": '"bad"'}]})
    assert [error["Code"] for error in listed["Errors"]] == ["PreconditionFailed"]
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=etag)
    assert refusal(s3.head_object, Bucket=bucket, Key="k")[0] == 404


def test_one_of_many_wins(server, s3, bucket):
    won = []

    def create(number):
        try:
            client(server).put_object(Bucket=bucket, Key="k", Body=str(number).encode(), IfNoneMatch="*")
            won.append(number)
        except s3.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "PreconditionFailed"

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == str(won[0]).encode()


def test_attributes_and_parts(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    parts = []
    for number, size in ((1, 5 << 20), (2, 5 << 20), (3, 7)):
        sent = s3.upload_part(
            Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, Body=bytes([number]) * size)
        parts.append({"PartNumber": number, "ETag": sent["ETag"]})
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": parts})
    told = s3.get_object_attributes(
        Bucket=bucket, Key="k", ObjectAttributes=["ETag", "ObjectParts", "ObjectSize", "StorageClass"])
    assert (told["ObjectSize"], told["ObjectParts"]["TotalPartsCount"]) == ((10 << 20) + 7, 3)
    last = s3.get_object(Bucket=bucket, Key="k", PartNumber=3)
    assert (last["Body"].read(), last["PartsCount"]) == (b"\x03" * 7, 3)
    assert s3.head_object(Bucket=bucket, Key="k", PartNumber=1)["ContentLength"] == 5 << 20
