"""Multipart uploads and resumable transfers by oss2."""

import hashlib
import os

import oss2
import pytest
from oss2.models import PartInfo

PART = 100 * 1024


def body(length, seed=b"multipart"):
    return (hashlib.sha512(seed).digest() * (length // 64 + 1))[:length]


def test_parts_in_any_order(bucket):
    pieces = {3: body(PART, b"3"), 1: body(PART + 1, b"1"), 7: body(10, b"7")}
    upload = bucket.init_multipart_upload("k", headers={
        "Content-Type": "text/m", "x-oss-meta-a": "1", "x-oss-tagging": "t=v"}).upload_id
    assert upload
    parts = []
    for number, piece in pieces.items():
        put = bucket.upload_part("k", upload, number, piece)
        assert put.etag == hashlib.md5(piece).hexdigest().upper()
        parts.append(PartInfo(number, put.etag, size=len(piece), part_crc=put.crc))
    with pytest.raises(oss2.exceptions.NotFound):
        bucket.head_object("k")
    listed = bucket.list_parts("k", upload)
    assert [(part.part_number, part.size) for part in listed.parts] == [(1, PART + 1), (3, PART), (7, 10)]
    assert [part.etag for part in listed.parts] == [hashlib.md5(pieces[n]).hexdigest().upper() for n in (1, 3, 7)]
    assert not listed.is_truncated
    done = bucket.complete_multipart_upload("k", upload, parts)
    whole = pieces[1] + pieces[3] + pieces[7]
    assert done.etag.endswith("-3") and done.crc is not None
    got = bucket.get_object("k")
    assert got.read() == whole and got.client_crc == got.server_crc
    assert got.headers["x-oss-object-type"] == "Multipart" and got.content_type == "text/m"
    assert got.headers["x-oss-meta-a"] == "1"
    assert bucket.get_object_tagging("k").tag_set.tagging_rule == {"t": "v"}
    assert bucket.get_object("k", byte_range=(PART - 5, 2 * PART + 5)).read() == whole[PART - 5:2 * PART + 6]
    with pytest.raises(oss2.exceptions.NoSuchUpload):
        bucket.complete_multipart_upload("k", upload, parts)


def test_part_uploaded_twice_counts_once(bucket):
    upload = bucket.init_multipart_upload("k").upload_id
    bucket.upload_part("k", upload, 1, body(PART, b"old"))
    new = body(PART + 9, b"new")
    put = bucket.upload_part("k", upload, 1, new)
    assert len(bucket.list_parts("k", upload).parts) == 1
    bucket.complete_multipart_upload("k", upload, [PartInfo(1, put.etag)])
    assert bucket.get_object("k").read() == new


def test_complete_all(bucket):
    upload = bucket.init_multipart_upload("k").upload_id
    bucket.upload_part("k", upload, 5, b"end")
    bucket.upload_part("k", upload, 2, body(PART))
    done = bucket.complete_multipart_upload("k", upload, None, headers={"x-oss-complete-all": "yes"})
    assert done.status == 200
    assert bucket.get_object("k").read() == body(PART) + b"end"


def test_what_completion_refuses(bucket):
    upload = bucket.init_multipart_upload("k").upload_id
    one = bucket.upload_part("k", upload, 1, body(PART))
    two = bucket.upload_part("k", upload, 2, b"small")
    three = bucket.upload_part("k", upload, 3, b"last")
    attempts = [
        ("InvalidPart", [PartInfo(1, "0" * 32)]),
        ("InvalidPart", [PartInfo(1, one.etag), PartInfo(9, one.etag)]),
        ("EntityTooSmall", [PartInfo(1, one.etag), PartInfo(2, two.etag), PartInfo(3, three.etag)]),
    ]
    for code, parts in attempts:
        with pytest.raises(oss2.exceptions.ServerError) as refused:
            bucket.complete_multipart_upload("k", upload, parts)
        assert (refused.value.status, refused.value.code) == (400, code)
    assert not bucket.object_exists("k")
    bucket.complete_multipart_upload("k", upload, [PartInfo(1, one.etag), PartInfo(3, three.etag)])
    assert bucket.get_object("k").read() == body(PART) + b"last"


def test_parts_out_of_order_in_the_document(raw, name):
    upload = raw.send("POST", name, "k", query={"uploads": None}).element("UploadId")
    etags = {}
    for number in (1, 2):
        answer = raw.send("PUT", name, "k", query={"partNumber": str(number), "uploadId": upload}, body=body(PART))
        etags[number] = answer.header("etag")
    document = "<CompleteMultipartUpload>" + "".join(
        f"<Part><PartNumber>{n}</PartNumber><ETag>{etags[n]}</ETag></Part>" for n in (2, 1)
    ) + "</CompleteMultipartUpload>"
    answer = raw.send("POST", name, "k", query={"uploadId": upload}, body=document.encode())
    assert (answer.status, answer.code) == (400, "InvalidPartOrder")


@pytest.mark.parametrize("number", ["0", "10001", "-1", "x", ""])
def test_part_numbers_that_are_refused(raw, name, number):
    upload = raw.send("POST", name, "k", query={"uploads": None}).element("UploadId")
    answer = raw.send("PUT", name, "k", query={"partNumber": number, "uploadId": upload}, body=b"x")
    assert (answer.status, answer.code) == (400, "InvalidArgument")


def test_unknown_uploads(bucket):
    for call in [
        lambda: bucket.upload_part("k", "nothing", 1, b""),
        lambda: bucket.list_parts("k", "nothing"),
        lambda: bucket.abort_multipart_upload("k", "nothing"),
        lambda: bucket.complete_multipart_upload("k", "nothing", [PartInfo(1, "0" * 32)]),
    ]:
        with pytest.raises(oss2.exceptions.NoSuchUpload):
            call()


def test_an_upload_belongs_to_its_key(bucket):
    upload = bucket.init_multipart_upload("k").upload_id
    with pytest.raises(oss2.exceptions.NoSuchUpload):
        bucket.upload_part("other", upload, 1, b"")


def test_abort(bucket):
    upload = bucket.init_multipart_upload("k").upload_id
    bucket.upload_part("k", upload, 1, body(PART))
    assert bucket.abort_multipart_upload("k", upload).status == 204
    with pytest.raises(oss2.exceptions.NoSuchUpload):
        bucket.list_parts("k", upload)
    assert bucket.list_multipart_uploads().upload_list == []


def test_a_bucket_with_uploads_is_not_empty(bucket):
    upload = bucket.init_multipart_upload("k").upload_id
    with pytest.raises(oss2.exceptions.BucketNotEmpty):
        bucket.delete_bucket()
    bucket.abort_multipart_upload("k", upload)


def test_listing_uploads_in_pages(bucket):
    made = []
    for key in ["a/1", "a/1", "a/2", "b", "中/1"]:
        made.append((key, bucket.init_multipart_upload(key).upload_id))
    found = [(upload.key, upload.upload_id) for upload in oss2.MultipartUploadIterator(bucket, max_uploads=2)]
    assert sorted(found) == sorted(made)
    assert [key for key, _ in found] == ["a/1", "a/1", "a/2", "b", "中/1"]
    page = bucket.list_multipart_uploads(delimiter="/")
    assert page.prefix_list == ["a/", "中/"] and [upload.key for upload in page.upload_list] == ["b"]
    page = bucket.list_multipart_uploads(prefix="a/1", max_uploads=1)
    assert page.is_truncated and page.next_key_marker == "a/1" and page.next_upload_id_marker
    one_key = [upload.upload_id for upload in oss2.ObjectUploadIterator(bucket, "a/1", max_uploads=1)]
    assert sorted(one_key) == sorted(upload for key, upload in made if key == "a/1")


def test_listing_parts_in_pages(bucket):
    upload = bucket.init_multipart_upload("k").upload_id
    assert bucket.list_parts("k", upload).parts == []
    for number in range(1, 8):
        bucket.upload_part("k", upload, number * 3, b"x" * number)
    assert [part.part_number for part in oss2.PartIterator(bucket, "k", upload, max_parts=3)] == [
        number * 3 for number in range(1, 8)]
    page = bucket.list_parts("k", upload, marker="6", max_parts=2)
    assert [part.part_number for part in page.parts] == [9, 12] and page.is_truncated and page.next_marker == "12"


def test_part_copies(bucket):
    source = body(3 * PART + 17)
    bucket.put_object("source", source)
    upload = bucket.init_multipart_upload("k").upload_id
    parts = []
    for number, (first, last) in enumerate([(0, PART - 1), (PART, 3 * PART + 16)], 1):
        copied = bucket.upload_part_copy(bucket.bucket_name, "source", (first, last), "k", upload, number)
        assert copied.etag == hashlib.md5(source[first:last + 1]).hexdigest().upper()
        parts.append(PartInfo(number, copied.etag))
    whole = bucket.upload_part_copy(bucket.bucket_name, "source", None, "k", upload, 3)
    parts.append(PartInfo(3, whole.etag))
    bucket.delete_object("source")
    bucket.complete_multipart_upload("k", upload, parts)
    got = bucket.get_object("k")
    assert got.read() == source + source and got.client_crc == got.server_crc
    with pytest.raises(oss2.exceptions.NoSuchUpload):
        bucket.list_parts("k", upload)


def test_part_copy_refusals(bucket):
    bucket.put_object("source", body(1000))
    upload = bucket.init_multipart_upload("k").upload_id
    # As in a read, a range that does not fit means the whole.
    bucket.upload_part_copy(bucket.bucket_name, "source", (900, 1000), "k", upload, 1)
    assert bucket.list_parts("k", upload).parts[0].size == 1000
    with pytest.raises(oss2.exceptions.NoSuchKey):
        bucket.upload_part_copy(bucket.bucket_name, "nothing", None, "k", upload, 1)
    with pytest.raises(oss2.exceptions.PreconditionFailed):
        bucket.upload_part_copy(
            bucket.bucket_name, "source", None, "k", upload, 1, headers={"x-oss-copy-source-if-match": '"0"'})


def test_copy_of_a_multipart_object(bucket):
    upload = bucket.init_multipart_upload("k").upload_id
    parts = []
    for number in (1, 2):
        put = bucket.upload_part("k", upload, number, body(PART, bytes([number])))
        parts.append(PartInfo(number, put.etag))
    bucket.complete_multipart_upload("k", upload, parts)
    bucket.copy_object(bucket.bucket_name, "k", "copy")
    bucket.delete_object("k")
    got = bucket.get_object("copy")
    assert got.read() == body(PART, b"\x01") + body(PART, b"\x02") and got.client_crc == got.server_crc


def test_sequential_uploads(bucket):
    upload = bucket.init_multipart_upload("k", params={"sequential": ""}).upload_id
    one = bucket.upload_part("k", upload, 1, body(PART))
    with pytest.raises(oss2.exceptions.PartNotSequential):
        bucket.upload_part("k", upload, 3, body(PART))
    two = bucket.upload_part("k", upload, 2, b"end")
    bucket.complete_multipart_upload("k", upload, [PartInfo(1, one.etag), PartInfo(2, two.etag)])
    assert bucket.get_object("k").read() == body(PART) + b"end"


def test_resumable_upload_and_download(bucket, tmp_path):
    source, target = tmp_path / "source.bin", tmp_path / "target.bin"
    whole = body(1_700_003)
    source.write_bytes(whole)
    store = oss2.ResumableStore(root=str(tmp_path), dir="up")
    result = oss2.resumable_upload(
        bucket, "videos/presentation.mp4", str(source), store=store,
        multipart_threshold=200_000, part_size=300_000, num_threads=3)
    assert result.status == 200
    assert bucket.head_object("videos/presentation.mp4").object_type == "Multipart"
    downloads = oss2.ResumableDownloadStore(root=str(tmp_path), dir="down")
    oss2.resumable_download(
        bucket, "videos/presentation.mp4", str(target), store=downloads,
        multiget_threshold=100_000, part_size=130_000, num_threads=3)
    assert target.read_bytes() == whole


def test_an_interrupted_upload_is_resumed(bucket, tmp_path):
    source = tmp_path / "source.bin"
    whole = body(1_000_000)
    source.write_bytes(whole)
    store = oss2.ResumableStore(root=str(tmp_path), dir="up")
    sent = []

    class Interrupted(Exception):
        pass

    def stop_after_four(done, _total):
        sent.append(done)
        if len(sent) > 4:
            raise Interrupted

    def upload(progress):
        return oss2.resumable_upload(
            bucket, "k", str(source), store=store, multipart_threshold=100_000, part_size=128_000,
            num_threads=1, progress_callback=progress)

    with pytest.raises(Interrupted):
        upload(stop_after_four)
    pending = bucket.list_multipart_uploads().upload_list
    assert len(pending) == 1 and os.listdir(tmp_path / "up")
    already = len(bucket.list_parts("k", pending[0].upload_id).parts)
    assert 0 < already < 8
    upload(None)
    assert bucket.get_object("k").read() == whole
    assert bucket.list_multipart_uploads().upload_list == []


def test_download_notices_a_changed_object(bucket, tmp_path):
    bucket.put_object("k", body(500_000))
    etag = bucket.head_object("k").headers["ETag"]
    bucket.put_object("k", body(500_000, b"changed"))
    with pytest.raises(oss2.exceptions.PreconditionFailed):
        bucket.get_object("k", byte_range=(0, 99), headers={"If-Match": etag})
