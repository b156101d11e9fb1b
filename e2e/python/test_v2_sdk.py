"""Everything by alibabacloud-oss-v2."""

import datetime
import hashlib
import io

import alibabacloud_oss_v2 as v2
import pytest

from conftest import empty_and_delete, new_name, v2_client
from keys import CONTROL, ODD

PART = 100 * 1024


def code_of(refused):
    return refused.value.unwrap().code


def status_of(refused):
    return refused.value.unwrap().status_code


def refused():
    return pytest.raises(v2.exceptions.OperationError)


def put(client, bucket, key, body=b"", **rest):
    return client.put_object(v2.PutObjectRequest(bucket=bucket, key=key, body=body, **rest))


def read(client, bucket, key, **rest):
    return client.get_object(v2.GetObjectRequest(bucket=bucket, key=key, **rest)).body.content


def data(length, seed=b"v2"):
    return (hashlib.sha512(seed).digest() * (length // 64 + 1))[:length]


def test_buckets(osier, client):
    name = new_name()
    assert client.is_bucket_exist(name) is False
    client.put_bucket(v2.PutBucketRequest(
        bucket=name, acl="private",
        create_bucket_configuration=v2.CreateBucketConfiguration(storage_class="IA", data_redundancy_type="ZRS")))
    assert client.is_bucket_exist(name) is True
    info = client.get_bucket_info(v2.GetBucketInfoRequest(bucket=name)).bucket_info
    assert (info.name, info.storage_class, info.data_redundancy_type, info.acl) == (name, "IA", "ZRS", "private")
    assert info.owner.id and info.extranet_endpoint and info.intranet_endpoint
    assert info.creation_date.tzinfo is not None
    assert client.get_bucket_location(v2.GetBucketLocationRequest(bucket=name)).location == info.location
    stat = client.get_bucket_stat(v2.GetBucketStatRequest(bucket=name))
    assert (stat.object_count, stat.storage, stat.multi_part_upload_count) == (0, 0, 0)
    client.put_bucket_acl(v2.PutBucketAclRequest(bucket=name, acl="public-read"))
    assert client.get_bucket_acl(v2.GetBucketAclRequest(bucket=name)).acl == "public-read"
    client.put_bucket_tags(v2.PutBucketTagsRequest(
        bucket=name, tagging=v2.models.bucket_tags.Tagging(
            tag_set=v2.TagSet(tags=[v2.Tag(key="a", value="1"), v2.Tag(key="b", value="two")]))))
    tags = client.get_bucket_tags(v2.GetBucketTagsRequest(bucket=name)).tagging.tag_set.tags
    assert {tag.key: tag.value for tag in tags} == {"a": "1", "b": "two"}
    client.delete_bucket_tags(v2.DeleteBucketTagsRequest(bucket=name))
    assert client.get_bucket_versioning(v2.GetBucketVersioningRequest(bucket=name)).version_status is None
    client.delete_bucket(v2.DeleteBucketRequest(bucket=name))
    with refused() as missing:
        client.get_bucket_info(v2.GetBucketInfoRequest(bucket=name))
    assert (code_of(missing), status_of(missing)) == ("NoSuchBucket", 404)
    error = missing.value.unwrap()
    assert error.request_id and error.ec and error.timestamp


def test_bucket_list_in_pages(osier, client):
    stem = new_name("v2page")
    names = [f"{stem}{number}" for number in range(5)]
    for name in names:
        client.put_bucket(v2.PutBucketRequest(bucket=name))
    pages = list(client.list_buckets_paginator().iter_page(v2.ListBucketsRequest(prefix=stem, max_keys=2)))
    assert [[bucket.name for bucket in page.buckets] for page in pages] == [names[:2], names[2:4], names[4:]]
    assert pages[0].owner.id and pages[0].buckets[0].region and pages[0].buckets[0].location.startswith("oss-")
    for name in names:
        client.delete_bucket(v2.DeleteBucketRequest(bucket=name))


def test_regions(client):
    found = client.describe_regions(v2.DescribeRegionsRequest()).region_info
    assert found and found[0].region.startswith("oss-") and found[0].internet_endpoint


def test_cors_document(client, name):
    rule = v2.CORSRule(
        allowed_origins=["https://a.example"], allowed_methods=["PUT", "GET"], allowed_headers=["*"],
        expose_headers=["ETag", "x-oss-request-id"], max_age_seconds=33)
    client.put_bucket_cors(v2.PutBucketCorsRequest(
        bucket=name, cors_configuration=v2.CORSConfiguration(cors_rules=[rule], response_vary=True)))
    got = client.get_bucket_cors(v2.GetBucketCorsRequest(bucket=name)).cors_configuration
    assert got.response_vary is True and got.cors_rules[0].max_age_seconds == 33
    assert got.cors_rules[0].allowed_methods == ["PUT", "GET"]
    allowed = client.option_object(v2.OptionObjectRequest(
        bucket=name, key="k", origin="https://a.example", access_control_request_method="PUT",
        access_control_request_headers="content-type"))
    assert allowed.access_control_allow_origin == "https://a.example"
    assert "PUT" in allowed.access_control_allow_methods and allowed.access_control_max_age == 33
    with refused() as denied:
        client.option_object(v2.OptionObjectRequest(
            bucket=name, key="k", origin="https://b.example", access_control_request_method="PUT"))
    assert (status_of(denied), code_of(denied)) == (403, "AccessForbidden")
    client.delete_bucket_cors(v2.DeleteBucketCorsRequest(bucket=name))
    with refused() as missing:
        client.get_bucket_cors(v2.GetBucketCorsRequest(bucket=name))
    assert code_of(missing) == "NoSuchCORSConfiguration"


def test_a_bad_policy_is_refused(client, name):
    with refused() as denied:
        client.put_bucket_policy(v2.PutBucketPolicyRequest(bucket=name, body='{"Version":"1","Statement":[]}'))
    assert (status_of(denied), code_of(denied)) == (400, "InvalidPolicyDocument")
    with refused() as missing:
        client.get_bucket_policy(v2.GetBucketPolicyRequest(bucket=name))
    assert code_of(missing) == "NoSuchBucketPolicy"


@pytest.mark.parametrize("length", [0, 1, 4096, 4097, 70000, 1_000_003])
def test_objects(client, name, length):
    body = data(length)
    done = put(client, name, "dir/k 1", body, content_type="text/t", metadata={"a": "1"}, cache_control="max-age=3")
    md5 = hashlib.md5(body).hexdigest().upper()
    assert done.etag == f'"{md5}"' and done.hash_crc64
    got = client.get_object(v2.GetObjectRequest(bucket=name, key="dir/k 1"))
    assert got.body.content == body
    assert (got.content_length, got.etag, got.content_type) == (length, f'"{md5}"', "text/t")
    assert got.metadata == {"a": "1"} and got.cache_control == "max-age=3" and got.object_type == "Normal"
    head = client.head_object(v2.HeadObjectRequest(bucket=name, key="dir/k 1"))
    assert (head.content_length, head.etag, head.hash_crc64) == (length, f'"{md5}"', done.hash_crc64)
    meta = client.get_object_meta(v2.GetObjectMetaRequest(bucket=name, key="dir/k 1"))
    assert (meta.content_length, meta.etag) == (length, f'"{md5}"')
    assert client.is_object_exist(name, "dir/k 1") is True
    client.delete_object(v2.DeleteObjectRequest(bucket=name, key="dir/k 1"))
    assert client.is_object_exist(name, "dir/k 1") is False
    with refused() as missing:
        client.head_object(v2.HeadObjectRequest(bucket=name, key="dir/k 1"))
    assert (status_of(missing), code_of(missing)) == (404, "NoSuchKey")


# This client leaves dot segments to its HTTP library, which removes them: none of `DOTS` here.
@pytest.mark.parametrize("key", ODD + CONTROL, ids=lambda key: ascii(key[:24]))
def test_odd_keys(client, name, key):
    put(client, name, key, key.encode())
    assert read(client, name, key) == key.encode()
    listed = client.list_objects_v2(v2.ListObjectsV2Request(bucket=name, prefix=key[:1]))
    assert [entry.key for entry in listed.contents] == [key]
    client.copy_object(v2.CopyObjectRequest(bucket=name, key="copy", source_key=key))
    assert read(client, name, "copy") == key.encode()
    client.delete_object(v2.DeleteObjectRequest(bucket=name, key=key))
    assert not client.is_object_exist(name, key)


def test_bodies_of_every_kind(client, name):
    whole = data(300_000)
    put(client, name, "text", "plain text")
    assert read(client, name, "text") == b"plain text"
    put(client, name, "stream", io.BytesIO(whole))
    assert read(client, name, "stream") == whole
    put(client, name, "generator", (whole[start:start + 7777] for start in range(0, len(whole), 7777)))
    assert read(client, name, "generator") == whole


def test_without_crc(osier, name):
    client = v2_client(osier, disable_upload_crc64_check=True, disable_download_crc64_check=True)
    put(client, name, "k", b"body")
    assert read(client, name, "k") == b"body"


def test_ranges_and_conditions(client, name):
    body = data(1000)
    etag = put(client, name, "k", body).etag
    assert read(client, name, "k", range_header="bytes=10-19") == body[10:20]
    assert read(client, name, "k", range_header="bytes=500-2000") == body
    assert read(client, name, "k", range_header="bytes=500-2000", range_behavior="standard") == body[500:]
    with refused() as unsatisfied:
        read(client, name, "k", range_header="bytes=1000-", range_behavior="standard")
    assert (status_of(unsatisfied), code_of(unsatisfied)) == (416, "InvalidRange")
    assert read(client, name, "k", if_match=etag) == body
    with refused() as failed:
        read(client, name, "k", if_match='"0"')
    assert (status_of(failed), code_of(failed)) == (412, "PreconditionFailed")
    with refused() as unchanged:
        read(client, name, "k", if_none_match=etag)
    assert status_of(unchanged) == 304
    with refused() as failed:
        read(client, name, "k", if_unmodified_since="Sun, 06 Nov 1994 08:49:37 GMT")
    assert status_of(failed) == 412
    got = client.get_object(v2.GetObjectRequest(
        bucket=name, key="k", response_content_type="text/x", response_cache_control="no-store"))
    assert (got.content_type, got.cache_control) == ("text/x", "no-store")


def test_forbid_overwrite(client, name):
    put(client, name, "k", b"first", forbid_overwrite=True)
    with refused() as denied:
        put(client, name, "k", b"second", forbid_overwrite=True)
    assert (status_of(denied), code_of(denied)) == (409, "FileAlreadyExists")
    assert read(client, name, "k") == b"first"


def test_content_md5(client, name):
    with refused() as denied:
        put(client, name, "k", b"body", content_md5="1B2M2Y8AsgTpgAmY7PhCfg==")
    assert (status_of(denied), code_of(denied)) == (400, "InvalidDigest")
    assert not client.is_object_exist(name, "k")


def test_copy(client, name):
    put(client, name, "a b/中", b"body", content_type="text/a", metadata={"a": "1"}, tagging="t=1")
    client.copy_object(v2.CopyObjectRequest(bucket=name, key="copy", source_key="a b/中"))
    head = client.head_object(v2.HeadObjectRequest(bucket=name, key="copy"))
    assert head.content_type == "text/a" and head.metadata == {"a": "1"} and head.tagging_count == 1
    client.copy_object(v2.CopyObjectRequest(
        bucket=name, key="copy", source_key="a b/中", metadata_directive="REPLACE", metadata={"b": "2"},
        content_type="text/b", tagging_directive="Replace", tagging="t=2&u=3"))
    head = client.head_object(v2.HeadObjectRequest(bucket=name, key="copy"))
    assert head.content_type == "text/b" and head.metadata == {"b": "2"} and head.tagging_count == 2
    with refused() as failed:
        client.copy_object(v2.CopyObjectRequest(bucket=name, key="copy", source_key="a b/中", if_match='"0"'))
    assert status_of(failed) == 412


def test_copier(client, name):
    body = data(700_000)
    put(client, name, "source", body)
    result = client.copier(part_size=PART * 2, parallel_num=2, multipart_copy_threshold=PART).copy(
        v2.CopyObjectRequest(bucket=name, key="k", source_bucket=name, source_key="source"))
    assert result.status_code == 200
    assert read(client, name, "k") == body


def test_append_and_seal(client, name):
    first = client.append_object(v2.AppendObjectRequest(bucket=name, key="log", position=0, body=b"hello "))
    assert first.next_position == 6
    second = client.append_object(v2.AppendObjectRequest(bucket=name, key="log", position=6, body=b"world"))
    assert second.next_position == 11 and second.hash_crc64
    with refused() as denied:
        client.append_object(v2.AppendObjectRequest(bucket=name, key="log", position=0, body=b"x"))
    assert (status_of(denied), code_of(denied)) == (409, "PositionNotEqualToLength")
    sealed = client.seal_append_object(v2.SealAppendObjectRequest(bucket=name, key="log", position=11))
    assert sealed.sealed_time
    assert read(client, name, "log") == b"hello world"
    with refused() as denied:
        client.append_object(v2.AppendObjectRequest(bucket=name, key="log", position=11, body=b"x"))
    assert status_of(denied) in (400, 409)


def test_append_file(client, name):
    with client.append_file(name, "log") as log:
        for number in range(5):
            log.write(b"line %d\n" % number)
        log.flush()
    assert read(client, name, "log") == b"".join(b"line %d\n" % number for number in range(5))


def test_open_file(client, name):
    body = data(300_000)
    put(client, name, "k", body)
    with client.open_file(name, "k") as file:
        assert file.read(10) == body[:10]
        file.seek(250_000)
        assert file.read(100) == body[250_000:250_100]


def test_symlink(client, name):
    put(client, name, "a/b c", b"body")
    client.put_symlink(v2.PutSymlinkRequest(bucket=name, key="link", symlink_target="a/b c", metadata={"m": "1"}))
    got = client.get_symlink(v2.GetSymlinkRequest(bucket=name, key="link"))
    assert got.metadata == {"m": "1"} and got.etag
    assert read(client, name, "link") == b"body"


def test_tags_and_acl(client, name):
    put(client, name, "k")
    client.put_object_tagging(v2.PutObjectTaggingRequest(
        bucket=name, key="k", tagging=v2.Tagging(tag_set=v2.TagSet(tags=[v2.Tag(key="a", value="1")]))))
    got = client.get_object_tagging(v2.GetObjectTaggingRequest(bucket=name, key="k"))
    assert [(tag.key, tag.value) for tag in got.tag_set.tags] == [("a", "1")]
    client.delete_object_tagging(v2.DeleteObjectTaggingRequest(bucket=name, key="k"))
    assert not client.get_object_tagging(v2.GetObjectTaggingRequest(bucket=name, key="k")).tag_set.tags
    assert client.get_object_acl(v2.GetObjectAclRequest(bucket=name, key="k")).acl == "default"
    client.put_object_acl(v2.PutObjectAclRequest(bucket=name, key="k", acl="public-read"))
    got = client.get_object_acl(v2.GetObjectAclRequest(bucket=name, key="k"))
    assert got.acl == "public-read" and got.owner.id


def test_listing(client, name):
    keys = sorted([f"{top}/{number}" for top in "abc" for number in range(7)] + ["z", "中"], key=str.encode)
    for key in keys:
        put(client, name, key)
    pages = list(client.list_objects_v2_paginator().iter_page(v2.ListObjectsV2Request(bucket=name, max_keys=4)))
    assert [entry.key for page in pages for entry in page.contents] == keys
    assert all(page.key_count == len(page.contents) for page in pages)
    pages = list(client.list_objects_paginator().iter_page(v2.ListObjectsRequest(bucket=name, max_keys=3)))
    assert [entry.key for page in pages for entry in page.contents] == keys
    pages = list(client.list_objects_v2_paginator().iter_page(
        v2.ListObjectsV2Request(bucket=name, delimiter="/", max_keys=2, fetch_owner=True)))
    assert [prefix.prefix for page in pages for prefix in page.common_prefixes or []] == ["a/", "b/", "c/"]
    assert [entry.key for page in pages for entry in page.contents or []] == ["z", "中"]
    page = client.list_objects_v2(v2.ListObjectsV2Request(bucket=name, start_after="c/5", max_keys=10))
    assert [entry.key for entry in page.contents] == ["c/6", "z", "中"] and page.start_after == "c/5"
    with refused() as denied:
        client.list_objects_v2(v2.ListObjectsV2Request(bucket=name, max_keys=1001))
    assert code_of(denied) == "InvalidArgument"


def test_batch_delete(client, name):
    for number in range(5):
        put(client, name, f"k&<{number}>")
    result = client.delete_multiple_objects(v2.DeleteMultipleObjectsRequest(
        bucket=name, encoding_type="url", objects=[v2.DeleteObject(key=f"k&<{number}>") for number in range(3)]))
    assert [entry.key for entry in result.deleted_objects] == [f"k&<{number}>" for number in range(3)]
    result = client.delete_multiple_objects(v2.DeleteMultipleObjectsRequest(
        bucket=name, objects=[v2.DeleteObject(key=f"k&<{number}>") for number in range(3, 5)], quiet=True))
    assert not result.deleted_objects
    listed = client.list_objects_v2(v2.ListObjectsV2Request(bucket=name))
    assert listed.key_count == 0 and not listed.contents


def test_versions(client, name):
    client.put_bucket_versioning(v2.PutBucketVersioningRequest(
        bucket=name, versioning_configuration=v2.VersioningConfiguration(status="Enabled")))
    assert client.get_bucket_versioning(v2.GetBucketVersioningRequest(bucket=name)).version_status == "Enabled"
    one = put(client, name, "k", b"one").version_id
    two = put(client, name, "k", b"two").version_id
    assert read(client, name, "k", version_id=one) == b"one" and read(client, name, "k") == b"two"
    gone = client.delete_object(v2.DeleteObjectRequest(bucket=name, key="k"))
    assert gone.delete_marker is True
    pages = list(client.list_object_versions_paginator().iter_page(
        v2.ListObjectVersionsRequest(bucket=name, max_keys=1)))
    found = [entry.version_id for page in pages for entry in (page.delete_marker or []) + (page.version or [])]
    assert found == [gone.version_id, two, one]
    with refused() as missing:
        read(client, name, "k")
    assert code_of(missing) == "NoSuchKey"
    back = client.delete_object(v2.DeleteObjectRequest(bucket=name, key="k", version_id=gone.version_id))
    assert back.version_id == gone.version_id and back.delete_marker is True
    copied = client.copy_object(v2.CopyObjectRequest(bucket=name, key="c", source_key="k", source_version_id=one))
    assert copied.source_version_id == one and copied.version_id
    assert read(client, name, "c") == b"one"


def test_multipart(client, name):
    upload = client.initiate_multipart_upload(v2.InitiateMultipartUploadRequest(
        bucket=name, key="k/中", content_type="text/m", metadata={"a": "1"}, tagging="t=1")).upload_id
    parts = []
    for number, piece in [(1, data(PART)), (2, data(PART, b"2")), (4, b"end")]:
        done = client.upload_part(v2.UploadPartRequest(
            bucket=name, key="k/中", upload_id=upload, part_number=number, body=piece))
        assert done.etag == f'"{hashlib.md5(piece).hexdigest().upper()}"' and done.hash_crc64
        parts.append(v2.UploadPart(part_number=number, etag=done.etag))
    pages = list(client.list_parts_paginator().iter_page(
        v2.ListPartsRequest(bucket=name, key="k/中", upload_id=upload, max_parts=2)))
    assert [part.part_number for page in pages for part in page.parts] == [1, 2, 4]
    assert pages[0].parts[0].hash_crc64 and pages[0].parts[0].size == PART
    uploads = list(client.list_multipart_uploads_paginator().iter_page(
        v2.ListMultipartUploadsRequest(bucket=name, max_uploads=1)))
    assert [entry.key for page in uploads for entry in page.uploads or []] == ["k/中"]
    done = client.complete_multipart_upload(v2.CompleteMultipartUploadRequest(
        bucket=name, key="k/中", upload_id=upload,
        complete_multipart_upload=v2.CompleteMultipartUpload(parts=parts)))
    assert done.bucket == name and done.key == "k/中" and done.etag.strip('"').endswith("-3") and done.hash_crc64
    got = client.get_object(v2.GetObjectRequest(bucket=name, key="k/中"))
    assert got.body.content == data(PART) + data(PART, b"2") + b"end"
    assert got.content_type == "text/m" and got.metadata == {"a": "1"} and got.object_type == "Multipart"


def test_multipart_copy_complete_all_and_abort(client, name):
    body = data(2 * PART + 5)
    put(client, name, "source", body)
    upload = client.initiate_multipart_upload(v2.InitiateMultipartUploadRequest(bucket=name, key="k")).upload_id
    for number, part in [(1, f"bytes=0-{PART - 1}"), (2, f"bytes={PART}-{2 * PART + 4}")]:
        client.upload_part_copy(v2.UploadPartCopyRequest(
            bucket=name, key="k", upload_id=upload, part_number=number, source_key="source", source_range=part))
    client.complete_multipart_upload(v2.CompleteMultipartUploadRequest(
        bucket=name, key="k", upload_id=upload, complete_all="yes"))
    assert read(client, name, "k") == body
    upload = client.initiate_multipart_upload(v2.InitiateMultipartUploadRequest(bucket=name, key="k")).upload_id
    client.abort_multipart_upload(v2.AbortMultipartUploadRequest(bucket=name, key="k", upload_id=upload))
    with refused() as missing:
        client.list_parts(v2.ListPartsRequest(bucket=name, key="k", upload_id=upload))
    assert code_of(missing) == "NoSuchUpload"


def test_uploader_and_downloader_with_checkpoints(client, name, tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    body = data(1_234_567)
    source.write_bytes(body)
    up = client.uploader(part_size=PART * 2, parallel_num=3, enable_checkpoint=True, checkpoint_dir=str(tmp_path))
    result = up.upload_file(v2.PutObjectRequest(bucket=name, key="k"), str(source))
    assert result.status_code == 200
    down = client.downloader(
        part_size=PART, parallel_num=3, enable_checkpoint=True, checkpoint_dir=str(tmp_path), verify_data=True)
    assert down.download_file(v2.GetObjectRequest(bucket=name, key="k"), str(target)).written == len(body)
    assert target.read_bytes() == body


def test_file_helpers(osier, name, tmp_path):
    # With one attempt this client's `get_object_to_file` makes none.
    client = v2_client(osier, retry_max_attempts=2)
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(data(100_000))
    client.put_object_from_file(v2.PutObjectRequest(bucket=name, key="k"), str(source))
    client.get_object_to_file(v2.GetObjectRequest(bucket=name, key="k"), str(target))
    assert target.read_bytes() == source.read_bytes()


def test_signed_additional_headers(osier, name):
    client = v2_client(osier, additional_headers=["host", "range", "content-length"])
    put(client, name, "k", b"body")
    assert read(client, name, "k", range_header="bytes=1-2") == b"od"


def test_wrong_secret_and_unknown_key(osier, name):
    for key_id, secret, code in [
        ("LTAI5tEndToEndKeyId", "wrong", "SignatureDoesNotMatch"), ("nobody", "wrong", "InvalidAccessKeyId")
    ]:
        client = v2_client(osier, credentials_provider=v2.credentials.StaticCredentialsProvider(key_id, secret))
        with refused() as denied:
            put(client, name, "k")
        assert (status_of(denied), code_of(denied)) == (403, code)


def test_cname(osier, name):
    """Path style by name, and a bucket's own name in the endpoint."""
    client = v2_client(osier, use_path_style=True, endpoint=f"http://oss-cn-hangzhou.aliyuncs.com:{osier.port}")
    put(client, name, "k", b"path")
    client = v2_client(osier, use_cname=True, endpoint=f"http://{name}.oss-cn-hangzhou.aliyuncs.com:{osier.port}")
    assert read(client, name, "k") == b"path"


def test_presigned(client, name):
    url = client.presign(v2.PutObjectRequest(
        bucket=name, key="dir/k 1", content_type="image/jpeg", forbid_overwrite=True, metadata={"a": "1"}),
        expires=datetime.timedelta(minutes=10))
    import requests
    assert requests.put(url.url, data=b"jpeg", headers=dict(url.signed_headers), timeout=30).status_code == 200
    again = requests.put(url.url, data=b"jpeg", headers=dict(url.signed_headers), timeout=30)
    assert again.status_code == 409
    get = client.presign(v2.GetObjectRequest(bucket=name, key="dir/k 1", response_content_type="text/x"))
    got = requests.get(get.url, headers=dict(get.signed_headers or {}), timeout=30)
    assert (got.status_code, got.content, got.headers["Content-Type"]) == (200, b"jpeg", "text/x")
    assert got.headers["x-oss-meta-a"] == "1"
    changed = requests.put(url.url, data=b"", headers={**url.signed_headers, "Content-Type": "text/html"}, timeout=30)
    assert changed.status_code == 403
