"""S3 clients at a site that verifies them, in front of a bucket of OSS or of S3 in another store."""

import hashlib
import io
import json
import socket
import types

import boto3
import botocore
import oss2
import pytest
import requests
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

import s3_signing
import s3_tools
from access import KEYS, OTHER, OWNER, SEED, Accounts
from conftest import KEY_ID, REGION, SECRET
from gateway import Edge
from harness import Osier, free_port
from test_tls import certificate

MEDIA = "myapp-prod-media"
DOORS = ["v4", "v1", "s3"]
STYLES = ["path", "virtual"]
MIB = 1 << 20
CLEANER = ("LTAI5tCleaner", "cleaner-secret-0123456789abcde")
# May delete below one prefix, and nothing else.
MAY_CLEAN = {"Version": "1", "Statement": [{
    "Effect": "Allow", "Action": "oss:DeleteObject", "Resource": f"acs:oss:*:*:{MEDIA}/tmp/*"}]}
CLEANERS = f"""
[[account.policy]]
name = "Clean"
document = '''{json.dumps(MAY_CLEAN)}'''
[[account.user]]
name = "cleaner"
policies = ["Clean"]
[[account.user.key]]
id = "{CLEANER[0]}"
secret = "{CLEANER[1]}"
"""


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    """A store with a bucket, and a gateway before it whose visitors are users of another store."""
    folder = tmp_path_factory.mktemp("door")
    names = [name for door in DOORS for name in (f"{door}.example.com", f"{MEDIA}.{door}.example.com")]
    chain, key = certificate(folder, "door", *names)
    port, tls = free_port(), free_port()
    with Osier() as origin:
        place = f"{MEDIA}@localhost:{origin.port}?region={REGION}"

        def site(name, url, more="", address=""):
            return f"""
[[site]]
hosts = ["{name}.example.com", "*.{name}.example.com"{address}]
origin = "{url}"
auth = "verify+resign"
account = "{OWNER}"
credentials = {{ access_key_id = "{KEY_ID}", access_key_secret = "{SECRET}" }}
{more}
"""
        server = Accounts(f"""
[gateway]
listen = ["127.0.0.1:{port}"]
listen_tls = ["127.0.0.1:{tls}"]
[[certificate]]
chain = "{chain}"
key = "{key}"
{site("v4", f"oss://{place}", address=', "127.0.0.1"')}
{site("v1", f"oss://{place}", 'signature = "v1"')}
{site("s3", f"s3://{place}", address=', "localhost"')}
{site("counted", f"oss://{place}", 'query = "none"' + chr(10) + 'origin_query = "counted"')}
""")
        others = f'[[account]]\nid = "{OTHER}"'
        (server.scratch / "accounts.toml").write_text(SEED.replace(others, CLEANERS + others))
        with server:
            edge = Edge(server, port)
            edge.tls, edge.chain, edge.origin = tls, chain, origin
            edge.store = oss2.Bucket(oss2.AuthV4(KEY_ID, SECRET), origin.endpoint, MEDIA, region=REGION)
            edge.store.create_bucket()
            yield edge
        assert server.process.returncode == 0, server.log()
    assert origin.process.returncode == 0, origin.log()


def boto(door, site="v4", style="path", who="owner", tls=False, **config):
    key_id, secret = CLEANER if who == "cleaner" else KEYS[who]
    scheme, port = ("https", door.tls) if tls else ("http", door.port)
    return boto3.client(
        "s3", endpoint_url=f"{scheme}://{site}.example.com:{port}", aws_access_key_id=key_id,
        aws_secret_access_key=secret, region_name="us-east-1", verify=door.chain if tls else None,
        config=botocore.config.Config(
            s3={"addressing_style": style}, retries={"total_max_attempts": 1}, **config))


def refusal(call, **named):
    with pytest.raises(ClientError) as refused:
        call(**named)
    answer = refused.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("site", DOORS)
def test_what_is_written_by_s3_is_read_at_the_origin(door, site, style, tls):
    s3 = boto(door, site, style, tls=tls)
    key = f"written/{site} {style} {tls} ä+b%.txt"
    put = s3.put_object(
        Bucket=MEDIA, Key=key, Body=b"by S3", ContentType="text/plain", CacheControl="max-age=60",
        ContentDisposition="inline", ContentEncoding="identity", ContentLanguage="de",
        Metadata={"colour": "blue", "word": "=?UTF-8?B?5L2g5aW9?="}, StorageClass="STANDARD_IA", Tagging="a=1&b=2", ACL="public-read")
    assert put["ETag"] == f'"{hashlib.md5(b"by S3").hexdigest()}"'
    assert put["ResponseMetadata"]["RequestId"] and put["ChecksumCRC32"]
    stored = door.store.get_object(key)
    assert stored.read() == b"by S3"
    assert stored.headers["x-oss-meta-word"].encode("latin-1").decode() == "你好" or site == "s3"
    assert stored.headers["x-oss-meta-colour"] == "blue" and stored.headers["Content-Type"] == "text/plain"
    assert stored.headers["Cache-Control"] == "max-age=60" and stored.headers["Content-Language"] == "de"
    assert stored.headers["Content-Disposition"] == "inline"
    assert stored.headers.get("Content-Encoding") == "identity"
    assert stored.headers["x-oss-storage-class"] == "IA"
    assert door.store.get_object_acl(key).acl == "public-read"
    assert door.store.get_object_tagging(key).tag_set.tagging_rule == {"a": "1", "b": "2"}
    for read in (s3.get_object(Bucket=MEDIA, Key=key), s3.head_object(Bucket=MEDIA, Key=key)):
        assert read["ETag"] == put["ETag"]
        assert read["Metadata"] == {"colour": "blue", "word": "=?UTF-8?B?5L2g5aW9?="}
        assert (read["StorageClass"], read["ContentLength"]) == ("STANDARD_IA", 5)
        assert read["ContentType"] == "text/plain"
        assert not any(name.startswith("x-oss-") for name in read["ResponseMetadata"]["HTTPHeaders"])
    s3.delete_object(Bucket=MEDIA, Key=key)
    assert not door.store.object_exists(key)
    assert refusal(s3.get_object, Bucket=MEDIA, Key=key) == (404, "NoSuchKey")
    assert refusal(s3.head_object, Bucket=MEDIA, Key=key) == (404, "404")


@pytest.mark.parametrize("site", DOORS)
def test_bodies_of_every_size(door, site):
    for tls in (False, True):
        s3 = boto(door, site, tls=tls)
        for size in (0, 1, 16 * 1024, 16 * 1024 + 1, 3 * MIB + 7):
            body = (b"0123456789abcdef" * (size // 16 + 1))[:size]
            for sent in (body, io.BytesIO(body)):
                s3.put_object(Bucket=MEDIA, Key="size", Body=sent)
                assert door.store.get_object("size").read() == body
                assert s3.get_object(Bucket=MEDIA, Key="size")["Body"].read() == body


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
@pytest.mark.parametrize("site", ["v4", "s3"])
def test_every_checksum_is_checked_and_told(door, site, algorithm):
    pytest.importorskip("awscrt")
    for tls in (False, True):
        put = boto(door, site, tls=tls).put_object(
            Bucket=MEDIA, Key="sum", Body=b"summed", ChecksumAlgorithm=algorithm)
        assert put[f"Checksum{algorithm}"]
        assert door.store.get_object("sum").read() == b"summed"


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("site", DOORS)
def test_twenty_megabytes_in_parts(door, site, style, tls):
    s3 = boto(door, site, style, tls=tls)
    body = hashlib.shake_128(b"parts").digest(20 * MIB)
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=6 * MIB)
    s3.upload_fileobj(io.BytesIO(body), MEDIA, "big", Config=config, ExtraArgs={"Metadata": {"n": "1"}})
    assert door.store.get_object("big").read() == body
    assert door.store.head_object("big").headers["x-oss-meta-n"] == "1"
    assert s3.head_object(Bucket=MEDIA, Key="big")["ETag"].endswith('-4"')
    into = io.BytesIO()
    s3.download_fileobj(MEDIA, "big", into, Config=config)
    assert into.getvalue() == body


@pytest.mark.parametrize("site", DOORS)
def test_uploads_step_by_step(door, site):
    s3 = boto(door, site)
    named = {"Bucket": MEDIA, "Key": "steps/ü &.bin"}
    begun = s3.create_multipart_upload(**named, ContentType="video/mp4", StorageClass="GLACIER_IR")
    upload = {**named, "UploadId": begun["UploadId"]}
    assert (begun["Bucket"], begun["Key"]) == (MEDIA, named["Key"])
    first = s3.upload_part(**upload, PartNumber=1, Body=b"1" * 200_000)
    s3.put_object(Bucket=MEDIA, Key="source", Body=b"abc" * 100_000)
    copied = s3.upload_part_copy(
        **upload, PartNumber=2, CopySource={"Bucket": MEDIA, "Key": "source"}, CopySourceRange="bytes=3-5")
    listed = s3.list_parts(**upload)
    assert [(part["PartNumber"], part["Size"]) for part in listed["Parts"]] == [(1, 200_000), (2, 3)]
    assert listed["Parts"][0]["ETag"] == first["ETag"]
    uploads = s3.list_multipart_uploads(Bucket=MEDIA, Prefix="steps/")["Uploads"]
    assert [(one["Key"], one["UploadId"]) for one in uploads] == [(named["Key"], begun["UploadId"])]
    done = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [
        {"PartNumber": 1, "ETag": first["ETag"]}, {"PartNumber": 2, "ETag": copied["CopyPartResult"]["ETag"]}]})
    assert done["Key"] == named["Key"] and done["ETag"].endswith('-2"')
    if site != "s3":
        assert done["Location"].startswith(f"http://{site}.example.com:{door.port}/{MEDIA}/steps/")
    assert door.store.get_object(named["Key"]).read() == b"1" * 200_000 + b"abc"
    assert door.store.head_object(named["Key"]).headers["x-oss-storage-class"] == "Archive"
    assert s3.head_object(**named)["StorageClass"] == "GLACIER_IR"

    again = {**named, "UploadId": s3.create_multipart_upload(**named)["UploadId"]}
    assert refusal(s3.complete_multipart_upload, **again, MultipartUpload={"Parts": [
        {"PartNumber": 1, "ETag": first["ETag"]}]}) == (400, "InvalidPart")
    s3.abort_multipart_upload(**again)
    assert refusal(s3.list_parts, **again) == (404, "NoSuchUpload")


@pytest.mark.parametrize("site", DOORS)
def test_ranges_and_conditions(door, site):
    s3 = boto(door, site)
    tag = s3.put_object(Bucket=MEDIA, Key="read", Body=b"0123456789")["ETag"]
    named = {"Bucket": MEDIA, "Key": "read"}
    for _ in range(2):
        part = s3.get_object(**named, Range="bytes=2-4")
        assert (part["Body"].read(), part["ContentRange"]) == (b"234", "bytes 2-4/10")
        assert s3.get_object(**named, IfMatch=tag)["Body"].read() == b"0123456789"
        assert refusal(s3.get_object, **named, IfNoneMatch=tag)[0] == 304
        assert refusal(s3.get_object, **named, IfMatch='"00000000000000000000000000000000"') == (412, "PreconditionFailed")
        assert refusal(s3.get_object, **named, Range="bytes=50-60") == (416, "InvalidRange")
        other = s3.get_object(**named, ResponseContentType="text/css")
        assert other["ContentType"] == "text/css"


@pytest.mark.parametrize("site", DOORS)
def test_writes_under_conditions(door, site):
    s3 = boto(door, site)
    named = {"Bucket": MEDIA, "Key": f"once-{site}"}
    s3.put_object(**named, Body=b"1", IfNoneMatch="*")
    assert refusal(s3.put_object, **named, Body=b"2", IfNoneMatch="*") == (412, "PreconditionFailed")
    assert door.store.get_object(named["Key"]).read() == b"1"
    if site == "s3":
        assert refusal(s3.put_object, **named, Body=b"2", IfMatch='"x"') == (412, "PreconditionFailed")
    else:
        assert refusal(s3.put_object, **named, Body=b"2", IfMatch='"x"') == (501, "NotImplemented")


@pytest.mark.parametrize("site", DOORS)
def test_wrong_digests_store_nothing(door, site):
    s3 = boto(door, site)
    wrong = "1B2M2Y8AsgTpgAmY7PhCfg=="
    assert refusal(s3.put_object, Bucket=MEDIA, Key="bad", Body=b"x", ContentMD5=wrong) == (400, "BadDigest")
    assert refusal(s3.put_object, Bucket=MEDIA, Key="bad", Body=b"x", ChecksumSHA1="2jmj7l5rSw0yVb/vlWAYkK/YBwk=") \
        == (400, "BadDigest")
    assert not door.store.object_exists("bad")


@pytest.mark.parametrize("site", DOORS)
def test_lists_in_both_versions(door, site):
    s3 = boto(door, site)
    keys = [f"list/{name}" for name in ("a b", "c/1", "c/2", "d&<e", "f+g", "ä")]
    for key in keys:
        s3.put_object(Bucket=MEDIA, Key=key, Body=key.encode())
    whole = s3.list_objects_v2(Bucket=MEDIA, Prefix="list/", FetchOwner=True)
    assert [entry["Key"] for entry in whole["Contents"]] == keys
    first = whole["Contents"][0]
    assert (first["Size"], first["StorageClass"]) == (8, "STANDARD") and first["Owner"]["ID"]
    assert first["ETag"] == f'"{hashlib.md5(b"list/a b").hexdigest()}"'
    folded = s3.list_objects_v2(Bucket=MEDIA, Prefix="list/", Delimiter="/")
    assert [one["Prefix"] for one in folded["CommonPrefixes"]] == ["list/c/"]
    assert [one["Key"] for one in folded["Contents"]] == [keys[0], *keys[3:]]
    for call in ("list_objects", "list_objects_v2"):
        pages = s3.get_paginator(call).paginate(Bucket=MEDIA, Prefix="list/", PaginationConfig={"PageSize": 2})
        pages = [[entry["Key"] for entry in page["Contents"]] for page in pages]
        assert pages == [keys[:2], keys[2:4], keys[4:]]
        pages = s3.get_paginator(call).paginate(
            Bucket=MEDIA, Prefix="list/", Delimiter="/", PaginationConfig={"PageSize": 1})
        assert len(list(pages)) == 5
    after = s3.list_objects_v2(Bucket=MEDIA, Prefix="list/", StartAfter="list/d")
    assert [entry["Key"] for entry in after["Contents"]] == keys[3:]
    assert "Contents" not in s3.list_objects_v2(Bucket=MEDIA, Prefix="nothing/")
    for key in keys:
        door.store.delete_object(key)


def test_a_page_is_as_large_as_s3_says(door):
    for number in range(120):
        door.store.put_object(f"many/{number:03}", b"")
    assert boto(door).list_objects_v2(Bucket=MEDIA, Prefix="many/")["KeyCount"] == 120
    assert len(boto(door).list_objects(Bucket=MEDIA, Prefix="many/")["Contents"]) == 120


@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize("site", DOORS)
def test_several_are_deleted_at_once(door, site, quiet):
    s3 = boto(door, site)
    keys = ["gone/1", "gone/ü &<2>", "gone/3"]
    for key in keys:
        s3.put_object(Bucket=MEDIA, Key=key, Body=b"x")
        assert s3.get_object(Bucket=MEDIA, Key=key)["Body"].read() == b"x"
    told = s3.delete_objects(Bucket=MEDIA, Delete={
        "Quiet": quiet, "Objects": [{"Key": key} for key in [*keys, "gone/never"]]})
    assert sorted(one["Key"] for one in told.get("Deleted", [])) == ([] if quiet else sorted([*keys, "gone/never"]))
    assert "Errors" not in told
    for key in keys:
        assert not door.store.object_exists(key)
        assert refusal(s3.get_object, Bucket=MEDIA, Key=key) == (404, "NoSuchKey")


@pytest.mark.parametrize("site", DOORS)
def test_copies_within_the_bucket(door, site):
    s3 = boto(door, site)
    source = {"Bucket": MEDIA, "Key": "copy/ä b.txt"}
    tag = s3.put_object(**source, Body=b"copied", Metadata={"a": "1"}, ContentType="text/plain")["ETag"]
    copied = s3.copy_object(Bucket=MEDIA, Key="copy/2", CopySource=source, CopySourceIfMatch=tag)
    assert copied["CopyObjectResult"]["ETag"] == tag and copied["CopyObjectResult"]["LastModified"]
    stored = door.store.get_object("copy/2")
    assert (stored.read(), stored.headers["x-oss-meta-a"]) == (b"copied", "1")
    s3.copy_object(Bucket=MEDIA, Key="copy/2", CopySource={"Bucket": MEDIA, "Key": "copy/2"},
                   MetadataDirective="REPLACE", Metadata={"b": "2"}, ContentType="text/css")
    stored = door.store.head_object("copy/2").headers
    assert (stored["x-oss-meta-b"], stored["Content-Type"]) == ("2", "text/css") and "x-oss-meta-a" not in stored
    assert refusal(s3.copy_object, Bucket=MEDIA, Key="copy/3", CopySource={"Bucket": "other-bucket", "Key": "k"}) \
        == (501, "NotImplemented")
    assert refusal(s3.copy_object, Bucket=MEDIA, Key="copy/3", CopySource={**source, "Key": "none"}) == (404, "NoSuchKey")
    assert refusal(s3.copy_object, Bucket=MEDIA, Key="copy/3", CopySource=source, CopySourceIfNoneMatch=tag) \
        == (412, "PreconditionFailed")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("site", DOORS)
def test_tags_lists_and_the_bucket_itself(door, site, style):
    s3 = boto(door, site, style)
    named = {"Bucket": MEDIA, "Key": "tagged"}
    s3.put_object(**named, Body=b"x")
    assert s3.get_object_tagging(**named)["TagSet"] == []
    s3.put_object_tagging(**named, Tagging={"TagSet": [{"Key": "k", "Value": "v +"}]})
    assert door.store.get_object_tagging("tagged").tag_set.tagging_rule == {"k": "v +"}
    assert s3.get_object_tagging(**named)["TagSet"] == [{"Key": "k", "Value": "v +"}]
    s3.delete_object_tagging(**named)
    assert s3.get_object_tagging(**named)["TagSet"] == []
    s3.put_object_acl(**named, ACL="public-read")
    assert door.store.get_object_acl("tagged").acl == "public-read"
    grants = s3.get_object_acl(**named)["Grants"]
    assert sorted((grant["Grantee"]["Type"], grant["Permission"]) for grant in grants) == [
        ("CanonicalUser", "FULL_CONTROL"), ("Group", "READ")]
    assert s3.head_bucket(Bucket=MEDIA)["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert s3.get_bucket_location(Bucket=MEDIA)["LocationConstraint"] == REGION
    assert "Status" not in s3.get_bucket_versioning(Bucket=MEDIA)


@pytest.mark.parametrize("site", ["v4", "s3"])
def test_encryption_is_asked_for_in_the_origins_words(door, site):
    s3 = boto(door, site)
    s3.put_object(Bucket=MEDIA, Key="sealed", Body=b"x", ServerSideEncryption="AES256")
    assert door.store.head_object("sealed").headers["x-oss-server-side-encryption"] == "AES256"
    assert s3.head_object(Bucket=MEDIA, Key="sealed")["ServerSideEncryption"] == "AES256"


def test_what_oss_cannot_say_is_not_implemented(door):
    s3 = boto(door)
    s3.put_object(Bucket=MEDIA, Key="plain", Body=b"x")
    named = {"Bucket": MEDIA, "Key": "plain"}
    for call, more in [
            (s3.put_object, {"Body": b"x", "SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"k" * 32}),
            (s3.put_object, {"Body": b"x", "WebsiteRedirectLocation": "/x"}),
            (s3.put_object, {"Body": b"x", "ObjectLockLegalHoldStatus": "ON"}),
            (s3.get_object, {"PartNumber": 1}),
            (s3.get_object_attributes, {"ObjectAttributes": ["ETag"]})]:
        assert refusal(call, **named, **more) == (501, "NotImplemented"), more
    assert refusal(s3.list_objects_v2, Bucket="another-bucket") == (404, "NoSuchBucket")
    assert refusal(s3.put_object, Bucket="another-bucket", Key="k", Body=b"x") == (404, "NoSuchBucket")
    assert door.store.get_object("plain").read() == b"x"


@pytest.mark.parametrize("site", DOORS)
def test_the_bucket_itself_is_not_changed(door, site):
    s3 = boto(door, site)
    assert s3.create_bucket(Bucket=MEDIA)["Location"] == f"/{MEDIA}"
    assert refusal(boto(door, site, who="app").create_bucket, Bucket=MEDIA) == (403, "AccessDenied")
    assert refusal(s3.create_bucket, Bucket=MEDIA, ACL="public-read") == (501, "NotImplemented")
    assert refusal(s3.put_bucket_acl, Bucket=MEDIA, ACL="public-read") == (501, "NotImplemented")
    assert refusal(s3.put_bucket_versioning, Bucket=MEDIA, VersioningConfiguration={"Status": "Enabled"}) \
        == (501, "NotImplemented")
    assert refusal(s3.delete_bucket, Bucket=MEDIA) == (501, "NotImplemented")
    assert refusal(s3.list_buckets) == (501, "NotImplemented")


def test_an_origin_of_s3_can_say_more(door):
    s3, named = boto(door, "s3"), {"Bucket": MEDIA, "Key": "more"}
    sealed = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"k" * 32}
    s3.put_object(**named, Body=b"sealed", **sealed)
    for _ in range(2):
        assert s3.get_object(**named, **sealed)["Body"].read() == b"sealed"
    assert refusal(s3.get_object, **named)[0] == 400
    assert refusal(s3.head_object, **named)[0] == 400
    tag = s3.put_object(**named, Body=b"plain")["ETag"]
    assert s3.get_object_attributes(**named, ObjectAttributes=["ETag"])["ETag"] == tag.strip('"')
    s3.put_object(**named, Body=b"again", IfMatch=tag)
    assert s3.get_object(**named, PartNumber=1)["Body"].read() == b"again"
    assert s3.get_object(**named, ChecksumMode="ENABLED")["ChecksumCRC32"]
    assert refusal(s3.get_bucket_cors, Bucket=MEDIA) == (501, "NotImplemented")


@pytest.mark.parametrize("site", DOORS)
def test_presigned_urls_read_and_write(door, site):
    for style in STYLES:
        s3 = boto(door, site, style, signature_version="s3v4")
        named = {"Bucket": MEDIA, "Key": "pre signed/ä"}
        put = s3.generate_presigned_url("put_object", {**named, "ContentType": "text/plain"})
        answer = requests.put(put, data=b"presigned", headers={"Content-Type": "text/plain"}, timeout=20)
        assert answer.status_code == 200, answer.text
        assert door.store.get_object(named["Key"]).headers["Content-Type"] == "text/plain"
        read = requests.get(s3.generate_presigned_url("get_object", named), timeout=20)
        assert (read.status_code, read.content) == (200, b"presigned")
        assert requests.put(put.replace("%C3%A4", "b"), data=b"x", timeout=20).status_code == 403
        assert not door.store.object_exists("pre signed/b")


@pytest.mark.parametrize("site", DOORS)
def test_reads_are_kept_for_those_who_may_and_writes_end_that(door, site):
    s3, named = boto(door, site, who="app"), {"Bucket": MEDIA, "Key": f"kept {site}"}

    def read(style="path", who="app"):
        answer = boto(door, site, style, who).get_object(**named)
        return answer["Body"].read(), answer["ResponseMetadata"]["HTTPHeaders"]["x-cache"]

    s3.put_object(**named, Body=b"old")
    assert [read(), read(), read("virtual")] == [(b"old", "MISS"), (b"old", "HIT"), (b"old", "HIT")]
    for who in ("nobody", "other"):
        assert refusal(boto(door, site, who=who).get_object, **named) == (403, "AccessDenied")
        assert refusal(boto(door, site, who=who).put_object, **named, Body=b"x") == (403, "AccessDenied")
        assert refusal(boto(door, site, who=who).delete_object, **named) == (403, "AccessDenied")
        assert refusal(boto(door, site, who=who).list_objects_v2, Bucket=MEDIA) == (403, "AccessDenied")
    boto(door, site, "virtual").put_object(**named, Body=b"new")
    assert read()[0] == b"new"
    boto(door, site).copy_object(**named, CopySource={"Bucket": MEDIA, "Key": named["Key"]},
                                 MetadataDirective="REPLACE", Metadata={"x": "1"})
    assert boto(door, site).get_object(**named)["Metadata"] == {"x": "1"}
    s3.delete_objects(Bucket=MEDIA, Delete={"Objects": [{"Key": named["Key"]}]})
    assert refusal(s3.get_object, **named) == (404, "NoSuchKey")


def test_oss_clients_delete_several_and_write_tags(door):
    def bucket(who):
        return oss2.Bucket(oss2.AuthV4(*who), f"http://v4.example.com:{door.port}", MEDIA, is_cname=True, region=REGION)

    keys = ["several/ä 1", "several/2"]
    for key in keys:
        bucket(KEYS["owner"]).put_object(key, b"x")
        assert bucket(KEYS["owner"]).get_object(key).read() == b"x"
    tags = oss2.models.Tagging(oss2.models.TaggingRule())
    tags.tag_set.add("k", "v")
    bucket(KEYS["owner"]).put_object_tagging(keys[0], tags)
    assert door.store.get_object_tagging(keys[0]).tag_set.tagging_rule == {"k": "v"}
    for who, more in [(KEYS["nobody"], []), (CLEANER, ["tmp/1"])]:
        with pytest.raises(oss2.exceptions.AccessDenied):
            bucket(who).batch_delete_objects([*keys, *more])
        with pytest.raises(oss2.exceptions.AccessDenied):
            bucket(who).put_object_tagging(keys[0], tags)
    assert sorted(bucket(KEYS["owner"]).batch_delete_objects(keys).deleted_keys) == sorted(keys)
    for key in keys:
        assert not door.store.object_exists(key)
        with pytest.raises(oss2.exceptions.NoSuchKey):
            bucket(KEYS["owner"]).get_object(key)


def test_edge_parameters_that_do_not_count_still_say_what_is_asked(door):
    """A site that keeps one answer for all queries, and sends its origin none of them."""
    s3, named = boto(door, "counted"), {"Bucket": MEDIA, "Key": "counted"}
    s3.put_object(**named, Body=b"whole")
    for _ in range(2):
        assert s3.get_object(**named)["Body"].read() == b"whole"
    upload = {**named, "UploadId": s3.create_multipart_upload(**named)["UploadId"]}
    tag = s3.upload_part(**upload, PartNumber=1, Body=b"part")["ETag"]
    assert door.store.get_object("counted").read() == b"whole"
    assert len(s3.get_object_acl(**named)["Grants"]) == 1
    assert s3.get_object(**named, ResponseContentType="text/css")["ContentType"] == "text/css"
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]})
    assert s3.get_object(**named)["Body"].read() == b"part"
    by_oss = oss2.Bucket(oss2.AuthV4(*KEYS["owner"]), f"http://counted.example.com:{door.port}", MEDIA,
                         is_cname=True, region=REGION)
    assert by_oss.get_object_acl("counted").acl == "default"
    assert len(by_oss.list_objects_v2(prefix="counted").object_list) == 1


def test_edge_a_write_by_one_dialect_ends_what_is_kept_for_the_other(door):
    key = "both/dialects.txt"
    by_oss = oss2.Bucket(oss2.AuthV4(*KEYS["owner"]), f"http://v4.example.com:{door.port}", MEDIA,
                         is_cname=True, region=REGION)
    by_oss.put_object(key, b"1")
    for round_ in range(2):
        assert by_oss.get_object(key).read() == boto(door).get_object(Bucket=MEDIA, Key=key)["Body"].read()
        boto(door).put_object(Bucket=MEDIA, Key=key, Body=f"by S3 {round_}".encode())
        assert by_oss.get_object(key).read() == f"by S3 {round_}".encode()
        by_oss.put_object(key, f"by OSS {round_}".encode())
        assert boto(door).get_object(Bucket=MEDIA, Key=key)["Body"].read() == f"by OSS {round_}".encode()


@pytest.mark.parametrize("site", DOORS)
def test_edge_each_key_of_a_deletion_is_decided(door, site):
    s3 = boto(door, site, who="cleaner")
    keys = ["tmp/1", "kept/1", "tmp/2"]
    for key in keys:
        door.store.put_object(key, b"x")
    told = s3.delete_objects(Bucket=MEDIA, Delete={"Objects": [{"Key": key} for key in keys]})
    assert sorted(one["Key"] for one in told["Deleted"]) == ["tmp/1", "tmp/2"]
    assert [(one["Key"], one["Code"]) for one in told["Errors"]] == [("kept/1", "AccessDenied")]
    assert [door.store.object_exists(key) for key in keys] == [False, True, False]
    told = s3.delete_objects(Bucket=MEDIA, Delete={"Quiet": True, "Objects": [{"Key": "kept/1"}, {"Key": "kept/2"}]})
    assert [(one["Key"], one["Code"]) for one in told["Errors"]] == [
        ("kept/1", "AccessDenied"), ("kept/2", "AccessDenied")]
    assert door.store.object_exists("kept/1")


def host(site="v4"):
    return f"{site}.example.com"


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost"])
def test_tools_work_through_the_door(door, address, tmp_path):
    """awscli, rclone and s3cmd: an upload in parts, a tree there and back, and its end."""
    key_id, secret = KEYS["owner"]
    at = types.SimpleNamespace(port=door.port, endpoint=f"http://{address}:{door.port}")
    tools = s3_tools.Tools(at, tmp_path)
    tools.environment |= {"AWS_ACCESS_KEY_ID": key_id, "AWS_SECRET_ACCESS_KEY": secret}
    for settings in (tools.rclone_settings, tools.s3cmd_settings):
        text = settings.read_text().replace(KEY_ID, key_id).replace(SECRET, secret)
        settings.write_text(text.replace("127.0.0.1", address))
    tree = {"/a.txt": b"a", "/dir/b c.bin": b"\0" * 70_000, "/dir/empty": b"", "/ä+&.txt": b"umlaut"}
    for name, content in tree.items():
        place = tmp_path / "tree" / name[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    (tmp_path / "big").write_bytes(hashlib.shake_128(b"big").digest(20 * MIB))

    tools.aws("s3", "cp", "big", f"s3://{MEDIA}/tools/big")
    tools.aws("s3", "cp", f"s3://{MEDIA}/tools/big", "big again")
    assert (tmp_path / "big again").read_bytes() == (tmp_path / "big").read_bytes()
    tools.aws("s3", "sync", "tree", f"s3://{MEDIA}/tools/aws")
    assert b"b c.bin" in tools.aws("s3", "ls", "--recursive", f"s3://{MEDIA}/tools/aws/")
    tools.aws("s3", "cp", "--recursive", f"s3://{MEDIA}/tools/aws", f"s3://{MEDIA}/tools/copied")
    tools.aws("s3", "sync", f"s3://{MEDIA}/tools/copied", "aws back")
    assert s3_tools.contents(tmp_path / "aws back") == tree

    tools.rclone("sync", "tree", f"o:{MEDIA}/tools/rclone")
    tools.rclone("check", "tree", f"o:{MEDIA}/tools/rclone")
    tools.rclone("copyto", "big", f"o:{MEDIA}/tools/rclone big", "--s3-upload-cutoff", "5M", "--s3-chunk-size", "5M")
    tools.rclone("sync", f"o:{MEDIA}/tools/rclone", "rclone back")
    assert s3_tools.contents(tmp_path / "rclone back") == tree

    tools.s3cmd("put", "big", f"s3://{MEDIA}/tools/s3cmd")
    tools.s3cmd("get", f"s3://{MEDIA}/tools/s3cmd", "s3cmd back")
    assert (tmp_path / "s3cmd back").read_bytes() == (tmp_path / "big").read_bytes()
    for key in ("tools/big", "tools/rclone big", "tools/s3cmd"):
        assert door.store.get_object(key).read() == (tmp_path / "big").read_bytes()

    tools.aws("s3", "rm", "--recursive", f"s3://{MEDIA}/tools")
    assert door.store.list_objects_v2(prefix="tools/").object_list == []


def talk(port, request):
    """All that comes back before the connection is closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


def send(door, site, key, body, payload, headers, signer=None):
    """A PUT with this very body; what came back, as text."""
    signer = signer or s3_signing.Signer(*KEYS["owner"])
    path = s3_signing.path_of(MEDIA, key)
    signed = signer.headers("PUT", path, host(site), headers=headers, payload=payload)
    head = "".join(f"{name}: {value}\r\n" for name, value in signed.items())
    request = f"PUT {path} HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
    return talk(door.port, request).decode(errors="replace")


def framed(door, site, key, change=lambda parts: parts, signed=True, length=None):
    """A PUT of two chunks and a trailer, after `change` had its way with them."""
    signer = s3_signing.Signer(*KEYS["owner"])
    pieces = [b"a" * 70_000, b"b" * 10]
    content = b"".join(pieces)
    payload = s3_signing.SIGNED_TRAILER if signed else s3_signing.UNSIGNED_TRAILER
    headers = {"Content-Encoding": "aws-chunked", "x-amz-trailer": "x-amz-checksum-crc32",
               "x-amz-decoded-content-length": str(len(content) if length is None else length)}
    # The chain of signatures begins with that of the head.
    signer.headers("PUT", s3_signing.path_of(MEDIA, key), host(site), headers=headers, payload=payload)
    chunk = signer.chunk if signed else s3_signing.plain_chunk
    parts = [chunk(piece) for piece in [*pieces, b""]]
    name, value = "x-amz-checksum-crc32", s3_signing.crc32(content)
    parts.append(signer.trailer(name, value) if signed else f"{name}:{value}\r\n\r\n".encode())
    body = b"".join(change(parts))
    again = s3_signing.Signer(*KEYS["owner"], date=signer.date)
    return send(door, site, key, body, payload, headers, again), content


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("site", DOORS)
def test_framed_bodies_arrive_without_their_frame(door, site, signed):
    answer, content = framed(door, site, "framed", signed=signed)
    assert answer.startswith("HTTP/1.1 200"), answer
    stored = door.store.get_object("framed")
    assert stored.read() == content and "Content-Encoding" not in stored.headers
    door.store.delete_object("framed")


def spoilt(parts):
    return [parts[0].replace(b"aaaa", b"aaab", 1), *parts[1:]]


def spoilt_at_the_end(parts):
    return [parts[0], parts[1].replace(b"bbb", b"bbc", 1), *parts[2:]]


BROKEN = {
    "a changed chunk": (spoilt, {}),
    "a changed last chunk": (spoilt_at_the_end, {}),
    "no end": (lambda parts: parts[:2], {}),
    "no trailer": (lambda parts: parts[:3], {}),
    "half a chunk": (lambda parts: [parts[0][:-5000]], {}),
    "a wrong checksum": (lambda parts: [*parts[:3], parts[3].replace(b"x-amz-checksum-crc32:", b"x-amz-checksum-crc32:AAAA")], {}),
    "another trailer": (lambda parts: [*parts[:3], parts[3].replace(b"crc32", b"crc32c")], {}),
    "no size": (lambda parts: [b"xyz\r\n", *parts[1:]], {}),
    "no line end after a chunk": (lambda parts: [parts[0][:-2], *parts[1:]], {}),
    "more than announced": (lambda parts: parts, {"length": 69_999}),
    "less than announced": (lambda parts: parts, {"length": 70_011}),
    "something behind": (lambda parts: [*parts, b"more"], {}),
}


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("site", ["v4", "s3"])
def test_edge_a_broken_frame_is_refused_and_nothing_is_stored(door, site, broken, signed):
    change, more = BROKEN[broken]
    answer, _ = framed(door, site, "broken", change, signed=signed, **more)
    head, _, body = answer.partition("\r\n\r\n")
    assert head.split(" ")[1] in ("400", "403"), answer
    assert "<Code>" in body and "<RequestId>" in body
    assert "x-amz-request-id" in head.lower()
    assert not door.store.object_exists("broken"), broken


def test_edge_a_signed_digest_is_held_against_the_body(door):
    digest = hashlib.sha256(b"what was signed").hexdigest()
    for site, code in [("v4", "XAmzContentSHA256Mismatch"), ("s3", "XAmzContentSHA256Mismatch")]:
        assert f"<Code>{code}</Code>" in send(door, site, "digest", b"what was sent!!", digest, {})
        assert "<Code>" in send(door, site, "digest", b"", digest, {})
        assert not door.store.object_exists("digest")


def test_edge_headers_of_oss_do_not_slip_through(door):
    for headers in ({"x-oss-object-acl": "public-read"}, {"x-oss-copy-source": f"/{MEDIA}/plain"}):
        answer = send(door, "v4", "slip", b"slipped", s3_signing.UNSIGNED, headers)
        assert answer.startswith("HTTP/1.1 200"), answer
        assert door.store.get_object("slip").read() == b"slipped"
        assert door.store.get_object_acl("slip").acl != "public-read"
        door.store.delete_object("slip")
    signer = s3_signing.Signer(*KEYS["owner"])
    for query in ([("symlink", "")], [("x-oss-process", "image/info")], [("objectMeta", "")]):
        path = s3_signing.path_of(MEDIA, "plain")
        signed = signer.headers("GET", path, host(), query=query)
        answer = requests.get(f"http://127.0.0.1:{door.port}{path}?{s3_signing.query_text(query)}",
                              headers=signed, timeout=20)
        assert answer.status_code == 501, answer.text
