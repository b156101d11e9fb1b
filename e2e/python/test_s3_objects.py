"""Objects by boto3, with its default integrity settings."""

import base64
import hashlib
import urllib.request
import zlib
from datetime import datetime, timedelta, timezone

import oss2
import pytest

from harness import KEY_ID, REGION, SECRET
from s3_clients import client, refusal

KEYS = ["a", "a/b", "/rooted", "sp ace", "plus+sign", "per%cent", "per%2Fcent", "ünïcödé/中文", "//", "a//b",
        "q?uestion", "h#ash", "amp&er=s", "quo\"te'", "<tag>", "dot/../dot", ".", "tilde~", "x" * 1024]


@pytest.fixture
def store(osier):
    return osier


@pytest.fixture
def bucket(name):
    return name


@pytest.fixture
def s3(store):
    return client(store)


def test_bytes_headers_and_metadata_come_back(s3, bucket):
    body = b"hello, S3"
    put = s3.put_object(
        Bucket=bucket, Key="k", Body=body, ContentType="text/plain", CacheControl="no-cache",
        ContentDisposition="inline", ContentEncoding="gzip", ContentLanguage="de",
        Expires=datetime(2030, 1, 1, tzinfo=timezone.utc), Metadata={"Color": "blue", "empty": ""},
        Tagging="a=b&c=d%20e", StorageClass="STANDARD_IA")
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert put["ChecksumCRC32"] == base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == body
    assert got["ETag"] == put["ETag"]
    assert (got["ContentType"], got["CacheControl"], got["ContentDisposition"]) == ("text/plain", "no-cache", "inline")
    assert (got["ContentEncoding"], got["ContentLanguage"]) == ("gzip", "de")
    assert got["Expires"] == datetime(2030, 1, 1, tzinfo=timezone.utc)
    assert got["Metadata"] == {"color": "blue", "empty": ""}
    assert got["TagCount"] == 2 and got["StorageClass"] == "STANDARD_IA"
    assert got["ChecksumCRC32"] == put["ChecksumCRC32"] and got["AcceptRanges"] == "bytes"
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["ContentLength"] == len(body) and "ChecksumCRC32" not in head
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["ChecksumCRC32"] == put["ChecksumCRC32"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    assert "StorageClass" not in s3.head_object(Bucket=bucket, Key="k")


def test_metadata_beyond_ascii(s3, store, bucket):
    oss = oss2.Bucket(oss2.AuthV4(KEY_ID, SECRET), store.endpoint, bucket, region=REGION)
    oss.put_object("by-oss", b"", headers={"x-oss-meta-greeting": "你好".encode()})
    told = s3.head_object(Bucket=bucket, Key="by-oss")["Metadata"]["greeting"]
    assert told == "=?UTF-8?B?5L2g5aW9?="
    # In the words of RFC 2047, which is what boto3 can send, it is the same text.
    for key, word in ("base64", told), ("quoted", "=?utf-8?q?=E4=BD=A0=E5=A5=BD?="):
        s3.put_object(Bucket=bucket, Key=key, Body=b"", Metadata={"greeting": word})
        assert s3.get_object(Bucket=bucket, Key=key)["Metadata"]["greeting"] == told
        kept = oss.head_object(key).headers["x-oss-meta-greeting"]
        assert kept.encode("latin-1").decode() == "你好"


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_every_checksum_is_verified_and_kept(s3, bucket, algorithm):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"123456789", ChecksumAlgorithm=algorithm)
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == b"123456789"
    assert got[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"]
    wrong = refusal(s3.put_object, Bucket=bucket, Key="wrong", Body=b"123456789", ChecksumSHA256="A" * 43 + "=")
    assert wrong == (400, "BadDigest")
    assert refusal(s3.head_object, Bucket=bucket, Key="wrong") == (404, "404")


def test_a_digest_of_other_bytes_is_refused(s3, bucket):
    other = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    assert refusal(s3.put_object, Bucket=bucket, Key="k", Body=b"x", ContentMD5=other)[0] == 400
    assert refusal(s3.put_object, Bucket=bucket, Key="k", Body=b"x", ContentMD5="nonsense") == (400, "InvalidDigest")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_odd_keys_round_trip(s3, bucket):
    for key in KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    for key in KEYS:
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode(), key
    listed = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert listed == sorted(KEYS, key=lambda key: key.encode())
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in KEYS]})
    assert sorted(entry["Key"] for entry in answer["Deleted"]) == sorted(KEYS)
    assert refusal(s3.put_object, Bucket=bucket, Key="x" * 1025, Body=b"") == (400, "KeyTooLongError")


def test_ranges_and_conditions(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    etag = put["ETag"]

    def ranged(text):
        got = s3.get_object(Bucket=bucket, Key="k", Range=text)
        return got["ResponseMetadata"]["HTTPStatusCode"], got.get("ContentRange"), got["Body"].read()

    assert ranged("bytes=2-4") == (206, "bytes 2-4/10", b"234")
    assert ranged("bytes=7-") == (206, "bytes 7-9/10", b"789")
    assert ranged("bytes=-3") == (206, "bytes 7-9/10", b"789")
    assert ranged("bytes=-30") == (206, "bytes 0-9/10", b"0123456789")
    assert ranged("bytes=5-100") == (206, "bytes 5-9/10", b"56789")
    assert ranged("nonsense")[0] == 200
    assert refusal(s3.get_object, Bucket=bucket, Key="k", Range="bytes=10-20") == (416, "InvalidRange")
    s3.put_object(Bucket=bucket, Key="empty", Body=b"")
    assert refusal(s3.get_object, Bucket=bucket, Key="empty", Range="bytes=0-") == (416, "InvalidRange")

    def read(**conditions):
        return refusal(s3.get_object, Bucket=bucket, Key="k", **conditions)

    past, future = datetime(2000, 1, 1, tzinfo=timezone.utc), datetime.now(timezone.utc) + timedelta(days=1)
    assert s3.get_object(Bucket=bucket, Key="k", IfMatch=etag)["Body"].read() == b"0123456789"
    assert read(IfMatch='"other"') == (412, "PreconditionFailed")
    assert read(IfNoneMatch=etag) == (304, "304")
    assert s3.get_object(Bucket=bucket, Key="k", IfModifiedSince=past)["Body"].read()
    assert read(IfModifiedSince=future)[0] == 304
    assert read(IfUnmodifiedSince=past) == (412, "PreconditionFailed")
    assert s3.get_object(Bucket=bucket, Key="k", IfUnmodifiedSince=future)["Body"].read()


def test_answers_can_be_dressed(s3, store, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="text/plain")
    got = s3.get_object(
        Bucket=bucket, Key="k", ResponseContentType="foo/bar", ResponseContentDisposition="bla",
        ResponseCacheControl="no-cache", ResponseContentEncoding="aaa", ResponseContentLanguage="esperanto")
    assert (got["ContentType"], got["ContentDisposition"], got["CacheControl"]) == ("foo/bar", "bla", "no-cache")
    assert (got["ContentEncoding"], got["ContentLanguage"]) == ("aaa", "esperanto")
    s3.put_object_acl(Bucket=bucket, Key="k", ACL="public-read")
    anonymous = client(store, signed=False)
    assert refusal(anonymous.get_object, Bucket=bucket, Key="k", ResponseContentType="a/b")[0] == 400


def test_conditional_writes(s3, bucket):
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")
    assert refusal(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*") == (412, "PreconditionFailed")
    assert refusal(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfMatch='"x"') == (412, "PreconditionFailed")
    assert refusal(s3.put_object, Bucket=bucket, Key="none", Body=b"2", IfMatch=first["ETag"]) == (404, "NoSuchKey")
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=first["ETag"])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"
    assert refusal(s3.delete_object, Bucket=bucket, Key="k", IfMatch=first["ETag"]) == (412, "PreconditionFailed")
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k", "ETag": first["ETag"]}]})
    assert answer["Errors"][0]["Code"] == "PreconditionFailed"
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=second["ETag"])
    assert refusal(s3.head_object, Bucket=bucket, Key="k")[0] == 404


def test_copies(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a b+c/ü", Body=b"body", Metadata={"m": "1"}, ContentType="text/x",
                  Tagging="t=1")
    source = {"Bucket": bucket, "Key": "a b+c/ü"}
    copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)
    assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(b"body").hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="copy")
    assert (got["Body"].read(), got["Metadata"], got["ContentType"], got["TagCount"]) == (b"body", {"m": "1"}, "text/x", 1)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, MetadataDirective="REPLACE", Metadata={"n": "2"})
    assert s3.head_object(Bucket=bucket, Key="copy")["Metadata"] == {"n": "2"}
    itself = {"Bucket": bucket, "Key": "copy"}
    assert refusal(s3.copy_object, Bucket=bucket, Key="copy", CopySource=itself) == (400, "InvalidRequest")
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=itself, MetadataDirective="REPLACE", Metadata={"o": "3"})
    assert s3.head_object(Bucket=bucket, Key="copy")["Metadata"] == {"o": "3"}
    gone = {"Bucket": bucket, "Key": "gone"}
    assert refusal(s3.copy_object, Bucket=bucket, Key="x", CopySource=gone) == (404, "NoSuchKey")
    assert refusal(s3.copy_object, Bucket=bucket, Key="x", CopySource={"Bucket": "no-such-bucket-1", "Key": "k"}) == (404, "NoSuchBucket")
    assert refusal(s3.copy_object, Bucket=bucket, Key="x", CopySource=source, CopySourceIfMatch='"no"') == (412, "PreconditionFailed")


def test_faults_in_the_words_of_s3(s3, store, bucket):
    assert refusal(s3.get_object, Bucket=bucket, Key="none") == (404, "NoSuchKey")
    assert refusal(s3.get_object, Bucket="no-such-bucket-1", Key="none") == (404, "NoSuchBucket")
    assert refusal(s3.head_object, Bucket=bucket, Key="none") == (404, "404")
    assert refusal(s3.get_object, Bucket=bucket, Key="k", VersionId="nonsense") == (400, "InvalidArgument")
    assert refusal(client(store, key_id="AKIANOBODY").list_buckets) == (403, "InvalidAccessKeyId")
    assert refusal(client(store, secret="wrong").list_buckets) == (403, "SignatureDoesNotMatch")
    assert refusal(client(store, signed=False).list_buckets) == (403, "AccessDenied")
    assert refusal(s3.restore_object, Bucket=bucket, Key="k", RestoreRequest={"Days": 1}) == (501, "NotImplemented")
    try:
        s3.get_object(Bucket=bucket, Key="none")
    except s3.exceptions.NoSuchKey as error:
        assert error.response["Error"]["Key"] == "none" and error.response["ResponseMetadata"]["RequestId"]
        assert error.response["Error"]["Resource"] == f"/{bucket}/none"


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_presigned_urls(store, bucket, version):
    signing = client(store, signature_version=version)
    url = signing.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "a b/ü+"}, ExpiresIn=60)
    request = urllib.request.Request(url, data=b"by url", method="PUT", headers={"Content-Type": ""})
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
    url = signing.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": "a b/ü+", "ResponseContentType": "text/css"}, ExpiresIn=60)
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"by url" and answer.headers["Content-Type"] == "text/css"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url + "&versionId=null")
    assert refused.value.code == 403


@pytest.mark.parametrize("style", ["path", "virtual"])
def test_the_older_signature_reaches_everything(store, style):
    old = client(store, signature_version="s3", addressing_style=style)
    name = f"older-{style}"
    old.create_bucket(Bucket=name)
    key = "a b/ü+&=?#%.txt"
    old.put_object(Bucket=name, Key=key, Body=b"1", Metadata={"m": "v"}, Tagging="t=1")
    old.copy_object(Bucket=name, Key="copy", CopySource={"Bucket": name, "Key": key})
    assert [one["Key"] for one in old.list_objects_v2(Bucket=name, Prefix="a b/")["Contents"]] == [key]
    assert old.list_objects(Bucket=name, Delimiter="/")["CommonPrefixes"] == [{"Prefix": "a b/"}]
    old.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    version = old.put_object(Bucket=name, Key=key, Body=b"2")["VersionId"]
    assert len(old.list_object_versions(Bucket=name)["Versions"]) == 3
    assert old.get_object(Bucket=name, Key=key, VersionId=version)["Body"].read() == b"2"
    assert old.get_object_tagging(Bucket=name, Key=key)["TagSet"] == []
    old.put_bucket_acl(Bucket=name, ACL="private")
    assert old.get_bucket_acl(Bucket=name)["Grants"][0]["Permission"] == "FULL_CONTROL"
    upload = old.create_multipart_upload(Bucket=name, Key="m")["UploadId"]
    part = old.upload_part(Bucket=name, Key="m", UploadId=upload, PartNumber=1, Body=b"3")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": part}]}
    old.complete_multipart_upload(Bucket=name, Key="m", UploadId=upload, MultipartUpload=parts)
    url = old.generate_presigned_url("list_objects_v2", Params={"Bucket": name, "Prefix": "m"}, ExpiresIn=60)
    with urllib.request.urlopen(url) as answer:
        assert b"<Key>m</Key>" in answer.read()
    for one in old.list_object_versions(Bucket=name)["Versions"]:
        named = [{"Key": one["Key"], "VersionId": one["VersionId"]}]
        assert len(old.delete_objects(Bucket=name, Delete={"Objects": named})["Deleted"]) == 1
    old.delete_bucket(Bucket=name)


def test_attributes(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"12345", ChecksumAlgorithm="SHA256")
    told = s3.get_object_attributes(
        Bucket=bucket, Key="k", ObjectAttributes=["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"])
    assert told["ETag"] == hashlib.md5(b"12345").hexdigest()
    assert told["ObjectSize"] == 5 and told["StorageClass"] == "STANDARD" and "ObjectParts" not in told
    assert told["Checksum"]["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(b"12345").digest()).decode()


def test_tags(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    tags = [{"Key": f"k{n}", "Value": f"v {n}"} for n in range(10)]
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": tags})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == tags
    eleven = tags + [{"Key": "more", "Value": ""}]
    assert refusal(s3.put_object_tagging, Bucket=bucket, Key="k", Tagging={"TagSet": eleven}) == (400, "InvalidTag")
    long = [{"Key": "k" * 129, "Value": ""}]
    assert refusal(s3.put_object_tagging, Bucket=bucket, Key="k", Tagging={"TagSet": long}) == (400, "InvalidTag")
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
