"""Corners of listings, versions, uploads in parts, copies, tags and conditions by boto3."""

import hashlib
import threading

import pytest

from harness import Raw
from s3_clients import client, refusal

MIB = 1 << 20


@pytest.fixture
def s3(osier):
    return client(osier)


@pytest.fixture
def bucket(name):
    return name


@pytest.fixture
def versioned(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def put_all(s3, bucket, *keys):
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())


def keys(page):
    return [one["Key"] for one in page.get("Contents", [])]


def prefixes(page):
    return [one["Prefix"] for one in page.get("CommonPrefixes", [])]


# Listings.

@pytest.mark.parametrize("delimiter, names, told, common", [
    ("a", ["bar", "baz", "cab", "foo"], ["foo"], ["ba", "ca"]),
    ("%", ["b%ar", "b%az", "c%ab", "foo"], ["foo"], ["b%", "c%"]),
    (" ", ["b ar", "b az", "c ab", "foo"], ["foo"], ["b ", "c "]),
    (".", ["b.ar", "b.az", "c.ab", "foo"], ["foo"], ["b.", "c."]),
    ("\n", ["bar", "foo"], ["bar", "foo"], []),
    ("", ["bar", "foo"], ["bar", "foo"], []),
    ("/", ["bar", "foo"], ["bar", "foo"], []),
    ("ab", ["cabby", "cab", "foo"], ["foo"], ["cab"]),
    ("ü", ["xüy", "xüz", "foo"], ["foo"], ["xü"]),
    ("/", ["/", "/a", "a/", "a//b"], [], ["/", "a/"]),
])
def test_delimiters(s3, bucket, delimiter, names, told, common):
    put_all(s3, bucket, *[one for one in names if not one.startswith("/")])
    if any(one.startswith("/") for one in names):
        put_all(s3, bucket, *[one for one in names if one.startswith("/")])
    for call in (s3.list_objects, s3.list_objects_v2):
        page = call(Bucket=bucket, Delimiter=delimiter)
        assert (keys(page), prefixes(page)) == (told, common)
        assert page.get("Delimiter", "") == delimiter
    versions = s3.list_object_versions(Bucket=bucket, Delimiter=delimiter)
    assert [one["Key"] for one in versions.get("Versions", [])] == told and prefixes(versions) == common
    for one in names:
        s3.delete_object(Bucket=bucket, Key=one)


def test_pages_of_prefixes_and_keys(s3, bucket):
    put_all(s3, bucket, "asdf", "boo/bar", "boo/baz/xyzzy", "cquux/thud", "cquux/bla")

    def walk(size, **more):
        seen, marker = [], ""
        while True:
            page = s3.list_objects(Bucket=bucket, Delimiter="/", MaxKeys=size, Marker=marker, **more)
            seen.append(keys(page) + prefixes(page))
            if not page["IsTruncated"]:
                assert "NextMarker" not in page
                return seen
            marker = page["NextMarker"]

    assert walk(1) == [["asdf"], ["boo/"], ["cquux/"]]
    assert walk(2) == [["asdf", "boo/"], ["cquux/"]]
    assert walk(1, Prefix="boo/") == [["boo/bar"], ["boo/baz/"]]
    assert walk(9, Prefix="boo") == [["boo/"]]
    page = s3.list_objects(Bucket=bucket, MaxKeys=1)
    assert page["IsTruncated"]
    token = s3.list_objects_v2(Bucket=bucket, Delimiter="/", MaxKeys=2)["NextContinuationToken"]
    page = s3.list_objects_v2(Bucket=bucket, Delimiter="/", ContinuationToken=token, StartAfter="zzz")
    assert prefixes(page) == ["cquux/"] and page["KeyCount"] == 1


def test_markers(s3, bucket):
    put_all(s3, bucket, "bar", "baz", "foo", "quxx")
    for marker, told in [("", ["bar", "baz", "foo", "quxx"]), ("\n", ["bar", "baz", "foo", "quxx"]), ("baz", ["foo", "quxx"]),
                         ("blah", ["foo", "quxx"]), ("zzz", [])]:
        page = s3.list_objects(Bucket=bucket, Marker=marker)
        assert (page["Marker"], keys(page), page["IsTruncated"]) == (marker, told, False)
        assert keys(s3.list_objects_v2(Bucket=bucket, StartAfter=marker)) == told
    for prefix, told in [("b", ["bar", "baz"]), ("", ["bar", "baz", "foo", "quxx"]), ("d", [])]:
        page = s3.list_objects(Bucket=bucket, Prefix=prefix)
        assert (page["Prefix"], keys(page)) == (prefix, told)


def test_numbers_of_keys(s3, osier, bucket):
    put_all(s3, bucket, "a", "b")
    page = s3.list_objects(Bucket=bucket, MaxKeys=0)
    assert (page["MaxKeys"], page["IsTruncated"], keys(page)) == (0, False, [])
    page = s3.list_objects_v2(Bucket=bucket, MaxKeys=0)
    assert (page["KeyCount"], page["IsTruncated"]) == (0, False)
    assert s3.list_objects(Bucket=bucket)["MaxKeys"] == 1000
    for wrong in ("blah", "-1", "1.5", "99999999999"):
        url = s3.generate_presigned_url("list_objects", Params={"Bucket": bucket})
        signing = client(osier)
        signing.meta.events.register(
            "before-sign.s3", lambda request, wrong=wrong, **_: request.params.update({"max-keys": wrong}))
        target = signing.generate_presigned_url("list_objects", Params={"Bucket": bucket})
        assert url != target
        answer = Raw(osier.port).exchange("GET", target[len(osier.endpoint):], {})
        assert (answer.status, answer.code) == (400, "InvalidArgument"), answer


def test_names_in_url_encoding(s3, osier, bucket):
    names = ["a+b/c d", "bell\x07", "ü/ß", "a&b", "100%"]
    put_all(s3, bucket, *names)
    assert sorted(keys(s3.list_objects_v2(Bucket=bucket))) == sorted(names)
    url = s3.generate_presigned_url("list_objects_v2", Params={"Bucket": bucket, "EncodingType": "url", "Delimiter": "/"})
    answer = Raw(osier.port).exchange("GET", url[len(osier.endpoint):], {})
    text = answer.body.decode()
    assert "<Key>bell%07</Key>" in text and "<Key>100%25</Key>" in text and "<Prefix>a%2Bb/</Prefix>" in text
    assert "<Key>a%26b</Key>" in text and "<Prefix>%C3%BC/</Prefix>" in text
    assert refusal(s3.list_objects, Bucket=bucket, EncodingType="base64") == (400, "InvalidArgument")


# Versions.

def test_the_null_version_is_replaced_and_others_are_not(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"null 1")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    kept = s3.put_object(Bucket=bucket, Key="k", Body=b"kept")["VersionId"]
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    s3.put_object(Bucket=bucket, Key="k", Body=b"null 2")
    s3.put_object(Bucket=bucket, Key="k", Body=b"null 3")
    told = [(one["VersionId"], one["IsLatest"]) for one in s3.list_object_versions(Bucket=bucket)["Versions"]]
    assert told == [("null", True), (kept, False)]
    marker = s3.delete_object(Bucket=bucket, Key="k")
    assert (marker["DeleteMarker"], marker["VersionId"]) == (True, "null")
    page = s3.list_object_versions(Bucket=bucket)
    assert [one["VersionId"] for one in page["Versions"]] == [kept]
    assert [one["VersionId"] for one in page["DeleteMarkers"]] == ["null"]
    s3.delete_object(Bucket=bucket, Key="k", VersionId="null")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"kept"
    s3.delete_object(Bucket=bucket, Key="k", VersionId=kept)
    assert "Versions" not in s3.list_object_versions(Bucket=bucket)


def test_delete_markers(s3, versioned):
    first = s3.delete_object(Bucket=versioned, Key="never")
    second = s3.delete_object(Bucket=versioned, Key="never")
    assert first["DeleteMarker"] and second["DeleteMarker"] and first["VersionId"] != second["VersionId"]
    for call in (s3.get_object, s3.head_object):
        with pytest.raises(s3.exceptions.ClientError) as refused:
            call(Bucket=versioned, Key="never")
        headers = refused.value.response["ResponseMetadata"]["HTTPHeaders"]
        assert headers["x-amz-delete-marker"] == "true" and headers["x-amz-version-id"] == second["VersionId"]
        with pytest.raises(s3.exceptions.ClientError) as refused:
            call(Bucket=versioned, Key="never", VersionId=first["VersionId"])
        told = refused.value.response["ResponseMetadata"]
        assert told["HTTPStatusCode"] == 405 and told["HTTPHeaders"]["allow"] == "DELETE"
    source = {"Bucket": versioned, "Key": "never", "VersionId": first["VersionId"]}
    assert refusal(s3.copy_object, Bucket=versioned, Key="k", CopySource=source)[0] in (400, 404)
    told = s3.delete_objects(Bucket=versioned, Delete={"Objects": [
        {"Key": "never", "VersionId": first["VersionId"]}, {"Key": "never", "VersionId": second["VersionId"]}]})
    assert {(one["DeleteMarker"], one["DeleteMarkerVersionId"]) for one in told["Deleted"]} == {
        (True, first["VersionId"]), (True, second["VersionId"])}
    assert "DeleteMarkers" not in s3.list_object_versions(Bucket=versioned)


def test_pages_of_versions(s3, versioned):
    made = {key: [s3.put_object(Bucket=versioned, Key=key, Body=b"x")["VersionId"] for _ in range(3)] for key in "ab"}
    page = s3.list_object_versions(Bucket=versioned, MaxKeys=2)
    assert page["IsTruncated"] and page["NextKeyMarker"] == "a" and page["NextVersionIdMarker"] == made["a"][1]
    page = s3.list_object_versions(Bucket=versioned, KeyMarker="a", VersionIdMarker=made["a"][1])
    assert [one["VersionId"] for one in page["Versions"]] == made["a"][:1] + made["b"][::-1]
    page = s3.list_object_versions(Bucket=versioned, KeyMarker="a")
    assert {one["Key"] for one in page["Versions"]} == {"b"}
    assert refusal(s3.list_object_versions, Bucket=versioned, VersionIdMarker=made["a"][0]) == (400, "InvalidArgument")


def test_versions_have_lists_tags_and_copies_of_their_own(s3, versioned):
    old = s3.put_object(Bucket=versioned, Key="k", Body=b"old", Metadata={"a": "old"})["VersionId"]
    new = s3.put_object(Bucket=versioned, Key="k", Body=b"new")["VersionId"]
    s3.put_object_acl(Bucket=versioned, Key="k", VersionId=old, ACL="public-read")
    assert len(s3.get_object_acl(Bucket=versioned, Key="k", VersionId=old)["Grants"]) == 2
    assert len(s3.get_object_acl(Bucket=versioned, Key="k", VersionId=new)["Grants"]) == 1
    tagged = s3.put_object_tagging(
        Bucket=versioned, Key="k", VersionId=old, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    assert tagged["VersionId"] == old
    assert s3.get_object_tagging(Bucket=versioned, Key="k")["TagSet"] == []
    copied = s3.copy_object(
        Bucket=versioned, Key="k", CopySource={"Bucket": versioned, "Key": "k", "VersionId": old})
    assert copied["CopySourceVersionId"] == old and copied["VersionId"] not in (old, new)
    assert s3.get_object(Bucket=versioned, Key="k")["Metadata"] == {"a": "old"}


# Uploads in parts.

def begin(s3, bucket, key="k", **more):
    return {"Bucket": bucket, "Key": key, "UploadId": s3.create_multipart_upload(Bucket=bucket, Key=key, **more)["UploadId"]}


def send(s3, upload, number, body):
    return {"PartNumber": number, "ETag": s3.upload_part(**upload, PartNumber=number, Body=body)["ETag"]}


def finish(s3, upload, *parts, **more):
    return s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": list(parts)}, **more)


def test_parts_that_do_not_fit(s3, bucket):
    upload = begin(s3, bucket)
    small, last = send(s3, upload, 1, b"small"), send(s3, upload, 2, b"last")
    assert refusal(finish, s3, upload, small, last) == (400, "EntityTooSmall")
    big = send(s3, upload, 1, b"x" * (5 * MIB))
    assert refusal(finish, s3, upload, small, last) == (400, "InvalidPart")
    assert refusal(finish, s3, upload, last, big) == (400, "InvalidPartOrder")
    assert refusal(finish, s3, upload, big, {**last, "PartNumber": 9}) == (400, "InvalidPart")
    assert refusal(finish, s3, upload) == (400, "MalformedXML")
    assert refusal(s3.upload_part, **upload, PartNumber=0, Body=b"")[0] == 400
    assert refusal(s3.upload_part, **upload, PartNumber=10001, Body=b"") == (400, "InvalidArgument")
    assert refusal(s3.head_object, Bucket=bucket, Key="k")[0] == 404
    done = finish(s3, upload, big, last)
    assert done["ETag"].endswith('-2"')
    assert refusal(s3.upload_part, **upload, PartNumber=1, Body=b"") == (404, "NoSuchUpload")
    assert refusal(s3.list_parts, **upload) == (404, "NoSuchUpload")


def test_a_part_sent_again_replaces_the_first(s3, bucket):
    upload = begin(s3, bucket)
    send(s3, upload, 1, b"a" * (5 * MIB))
    first = send(s3, upload, 1, b"b" * (5 * MIB))
    last = send(s3, upload, 2, b"c")
    told = s3.list_parts(**upload)["Parts"]
    assert [(one["PartNumber"], one["Size"]) for one in told] == [(1, 5 * MIB), (2, 1)]
    page = s3.list_parts(**upload, MaxParts=1)
    assert page["IsTruncated"] and page["NextPartNumberMarker"] == 1
    finish(s3, upload, first, last)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"b" * (5 * MIB) + b"c"
    second = s3.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert (second["Body"].read(), second["PartsCount"], second["ContentRange"]) == (
        b"c", 2, f"bytes {5 * MIB}-{5 * MIB}/{5 * MIB + 1}")
    assert s3.head_object(Bucket=bucket, Key="k", PartNumber=1)["ContentLength"] == 5 * MIB
    assert refusal(s3.get_object, Bucket=bucket, Key="k", PartNumber=3)[0] in (400, 416)
    s3.put_object(Bucket=bucket, Key="one", Body=b"whole")
    assert s3.get_object(Bucket=bucket, Key="one", PartNumber=1)["Body"].read() == b"whole"
    assert refusal(s3.get_object, Bucket=bucket, Key="one", PartNumber=2)[0] in (400, 416)


def test_an_upload_completed_twice(s3, bucket):
    """As a client does whose first answer got lost."""
    upload = s3.create_multipart_upload(Bucket=bucket, Key="twice")["UploadId"]
    named = {"Bucket": bucket, "Key": "twice", "UploadId": upload}
    etag = s3.upload_part(**named, PartNumber=1, Body=b"1" * 100)["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    first = s3.complete_multipart_upload(**named, MultipartUpload=parts)
    again = s3.complete_multipart_upload(**named, MultipartUpload=parts)
    assert (again["ETag"], again["Location"], again.get("ChecksumCRC64NVME")) == (
        first["ETag"], first["Location"], first.get("ChecksumCRC64NVME"))
    other = {"Parts": [{"PartNumber": 1, "ETag": '"' + "0" * 32 + '"'}]}
    assert refusal(s3.complete_multipart_upload, **named, MultipartUpload=other) == (404, "NoSuchUpload")
    assert refusal(s3.list_parts, **named) == (404, "NoSuchUpload")
    s3.put_object(Bucket=bucket, Key="twice", Body=b"newer")
    assert refusal(s3.complete_multipart_upload, **named, MultipartUpload=parts) == (404, "NoSuchUpload")


def test_two_uploads_of_one_key_and_one_that_is_given_up(s3, bucket):
    first, second, third = (begin(s3, bucket) for _ in range(3))
    parts = [send(s3, upload, 1, body) for upload, body in [(first, b"1"), (second, b"2"), (third, b"3")]]
    told = s3.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert {one["UploadId"] for one in told} == {one["UploadId"] for one in (first, second, third)}
    page = s3.list_multipart_uploads(Bucket=bucket, MaxUploads=1)
    assert page["IsTruncated"] and page["NextUploadIdMarker"] == told[0]["UploadId"]
    finish(s3, second, parts[1])
    finish(s3, first, parts[0])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
    s3.abort_multipart_upload(**third)
    assert refusal(s3.abort_multipart_upload, **third) == (404, "NoSuchUpload")
    assert refusal(finish, s3, third, parts[2]) == (404, "NoSuchUpload")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_parts_made_of_ranges(s3, bucket):
    body = bytes(range(256)) * (5 * MIB // 256) + b"tail"
    s3.put_object(Bucket=bucket, Key="source ü+", Body=body)
    source = {"Bucket": bucket, "Key": "source ü+"}
    upload = begin(s3, bucket, "made")
    parts = []
    for number, span in enumerate([f"bytes=0-{5 * MIB - 1}", f"bytes={5 * MIB}-{len(body) - 1}"], 1):
        told = s3.upload_part_copy(**upload, PartNumber=number, CopySource=source, CopySourceRange=span)
        parts.append({"PartNumber": number, "ETag": told["CopyPartResult"]["ETag"]})
    for wrong in ("bytes=5-", "bytes=0-1,3-4", "0-1", "bytes=-4", "bytes=2-1", "bytes=a-b"):
        assert refusal(
            s3.upload_part_copy, **upload, PartNumber=3, CopySource=source, CopySourceRange=wrong)[0] in (400, 416), wrong
    # All of the source, or less than was named, in place of it would go unnoticed.
    for beyond in (f"bytes=0-{len(body)}", f"bytes={len(body)}-{len(body) + 9}"):
        assert refusal(
            s3.upload_part_copy, **upload, PartNumber=3, CopySource=source, CopySourceRange=beyond) == (416, "InvalidRange")
    gone = {"Bucket": bucket, "Key": "gone"}
    assert refusal(s3.upload_part_copy, **upload, PartNumber=3, CopySource=gone) == (404, "NoSuchKey")
    finish(s3, upload, *parts)
    assert s3.get_object(Bucket=bucket, Key="made")["Body"].read() == body


def test_conditions_at_the_end_of_an_upload(s3, bucket):
    upload = begin(s3, bucket)
    part = send(s3, upload, 1, b"late")
    made = s3.put_object(Bucket=bucket, Key="k", Body=b"first")
    assert refusal(finish, s3, upload, part, IfNoneMatch="*") == (412, "PreconditionFailed")
    assert refusal(finish, s3, upload, part, IfMatch='"other"') == (412, "PreconditionFailed")
    finish(s3, upload, part, IfMatch=made["ETag"])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"late"


def test_many_writers_of_one_key_leave_one_whole_object(osier, s3, bucket):
    def write(turn):
        client(osier).put_object(Bucket=bucket, Key="k", Body=bytes([turn]) * MIB)

    writers = [threading.Thread(target=write, args=(turn,)) for turn in range(8)]
    for writer in writers:
        writer.start()
    for _ in range(5):
        with_key = s3.list_objects_v2(Bucket=bucket).get("KeyCount")
        if with_key:
            body = s3.get_object(Bucket=bucket, Key="k")["Body"].read()
            assert len(body) == MIB and len(set(body)) == 1
    for writer in writers:
        writer.join()
    body = s3.get_object(Bucket=bucket, Key="k")["Body"].read()
    assert len(body) == MIB and len(set(body)) == 1


# Copies, metadata, tags.

def test_what_a_copy_keeps_and_replaces(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="text/a", CacheControl="no-cache", Metadata={"a": "1"},
                  Tagging="t=1&u=2")
    source = {"Bucket": bucket, "Key": "k"}
    s3.copy_object(Bucket=bucket, Key="kept", CopySource=source, ContentType="text/b", Metadata={"b": "2"})
    kept = s3.head_object(Bucket=bucket, Key="kept")
    assert (kept["ContentType"], kept["CacheControl"], kept["Metadata"]) == ("text/a", "no-cache", {"a": "1"})
    s3.copy_object(Bucket=bucket, Key="new", CopySource=source, MetadataDirective="REPLACE", ContentType="text/b",
                   TaggingDirective="REPLACE", Tagging="v=3")
    new = s3.head_object(Bucket=bucket, Key="new")
    assert (new["ContentType"], new.get("CacheControl"), new["Metadata"]) == ("text/b", None, {})
    assert s3.get_object_tagging(Bucket=bucket, Key="new")["TagSet"] == [{"Key": "v", "Value": "3"}]
    assert refusal(s3.copy_object, Bucket=bucket, Key="x", CopySource=source, MetadataDirective="MERGE")[0] == 400
    for wrong in ("", "nothing", f"{bucket}/", "//"):
        assert refusal(s3.copy_object, Bucket=bucket, Key="x", CopySource=wrong)[0] in (400, 404), wrong
    s3.copy_object(Bucket=bucket, Key="k", CopySource=source, StorageClass="STANDARD_IA")
    assert s3.head_object(Bucket=bucket, Key="k")["StorageClass"] == "STANDARD_IA"


def test_metadata(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"", Metadata={"empty": "", "Mixed-Case": "Value", "spaces": "a  b"})
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"empty": "", "mixed-case": "Value", "spaces": "a  b"}
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {}
    assert refusal(s3.put_object, Bucket=bucket, Key="big", Body=b"", Metadata={"a": "x" * 9000})[0] == 400
    expires = s3.put_object(Bucket=bucket, Key="e", Body=b"", Expires="Wed, 21 Oct 2015 07:28:00 GMT")
    assert expires and s3.head_object(Bucket=bucket, Key="e")["ExpiresString"] == "Wed, 21 Oct 2015 07:28:00 GMT"


@pytest.mark.parametrize("tags, accepted", [
    ([("k" * 128, "v" * 256)], True),
    ([("k" * 129, "v")], False),
    ([("k", "v" * 257)], False),
    ([(f"k{n}", "") for n in range(10)], True),
    ([(f"k{n}", "") for n in range(11)], False),
    ([("same", "1"), ("same", "2")], False),
    ([("ключ", "Wert ü + - = . _ : / @")], True),
])
def test_limits_of_tags(s3, bucket, tags, accepted):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    wanted = [{"Key": key, "Value": value} for key, value in tags]
    if accepted:
        s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": wanted})
        assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == wanted
    else:
        assert refusal(s3.put_object_tagging, Bucket=bucket, Key="k", Tagging={"TagSet": wanted}) == (400, "InvalidTag")
        assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


# Keys of the client's own.

def test_a_key_of_the_clients_own_must_be_whole(s3, bucket):
    own = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"k" * 32}
    s3.put_object(Bucket=bucket, Key="k", Body=b"secret", **own)
    assert refusal(s3.get_object, Bucket=bucket, Key="k")[0] == 400
    assert refusal(s3.get_object, Bucket=bucket, Key="k", **{**own, "SSECustomerKey": b"x" * 32})[0] in (400, 403)
    assert refusal(s3.put_object, Bucket=bucket, Key="x", Body=b"", **{**own, "SSECustomerKey": b"short"})[0] == 400
    assert refusal(s3.put_object, Bucket=bucket, Key="x", Body=b"", **{**own, "SSECustomerAlgorithm": "DES"})[0] == 400
    assert refusal(s3.put_object, Bucket=bucket, Key="x", Body=b"", SSECustomerAlgorithm="AES256")[0] == 400
    assert refusal(s3.put_object, Bucket=bucket, Key="x", Body=b"", ServerSideEncryption="AES257")[0] == 400
    assert refusal(s3.put_object, Bucket=bucket, Key="x", Body=b"", ServerSideEncryption="AES256", **own)[0] == 400
    s3.put_object(Bucket=bucket, Key="plain", Body=b"plain")
    assert refusal(s3.get_object, Bucket=bucket, Key="plain", **own)[0] == 400
    assert s3.get_object(Bucket=bucket, Key="k", Range="bytes=1-3", **own)["Body"].read() == b"ecr"
    assert s3.get_object(Bucket=bucket, Key="k", **own)["ETag"] != f'"{hashlib.md5(b"secret").hexdigest()}"'


# Ownership.

def test_ownership_controls(s3, bucket):
    for rule in ("BucketOwnerEnforced", "ObjectWriter", "BucketOwnerPreferred"):
        s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": rule}]})
        assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"] == [{"ObjectOwnership": rule}]
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    assert refusal(s3.get_bucket_ownership_controls, Bucket=bucket) == (404, "OwnershipControlsNotFoundError")
