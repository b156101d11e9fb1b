"""The whole story of versioning by oss2."""

import oss2
import pytest
from oss2.models import BatchDeleteObjectVersion, BatchDeleteObjectVersionList, BucketVersioningConfig, PartInfo
from oss2.models import Tagging, TaggingRule


def switch(bucket, status):
    bucket.put_bucket_versioning(BucketVersioningConfig(status))


def versions_of(bucket, key):
    page = bucket.list_object_versions(prefix=key, max_keys=1000)
    return [(entry.versionid, entry.is_latest) for entry in page.versions if entry.key == key]


def markers_of(bucket, key):
    page = bucket.list_object_versions(prefix=key, max_keys=1000)
    return [(entry.versionid, entry.is_latest) for entry in page.delete_marker if entry.key == key]


def read(bucket, key, version=None):
    params = {"versionId": version} if version else None
    return bucket.get_object(key, params=params).read()


def test_never_versioned(bucket):
    put = bucket.put_object("k", b"v")
    assert "x-oss-version-id" not in put.headers
    assert versions_of(bucket, "k") == [("null", True)]
    assert read(bucket, "k", "null") == b"v"
    deleted = bucket.delete_object("k")
    assert "x-oss-version-id" not in deleted.headers and "x-oss-delete-marker" not in deleted.headers


def test_enabled(bucket):
    bucket.put_object("k", b"before")
    switch(bucket, "Enabled")
    one = bucket.put_object("k", b"one").versionid
    two = bucket.put_object("k", b"two").versionid
    assert one and two and one != two and "null" not in (one, two)
    assert versions_of(bucket, "k") == [(two, True), (one, False), ("null", False)]
    assert read(bucket, "k") == b"two"
    assert [read(bucket, "k", version) for version in (one, two, "null")] == [b"one", b"two", b"before"]
    got = bucket.get_object("k")
    assert got.versionid == two
    assert bucket.head_object("k", params={"versionId": one}).versionid == one
    assert bucket.get_object_meta("k", params={"versionId": "null"}).versionid == "null"
    # Deleting without a version adds a marker and loses nothing.
    gone = bucket.delete_object("k")
    assert gone.delete_marker is True
    marker = gone.versionid
    with pytest.raises(oss2.exceptions.NoSuchKey) as missing:
        bucket.get_object("k")
    assert missing.value.headers["x-oss-delete-marker"] == "true"
    assert not bucket.object_exists("k")
    assert bucket.list_objects().object_list == []
    assert markers_of(bucket, "k") == [(marker, True)]
    assert read(bucket, "k", one) == b"one"
    for call in [bucket.get_object, bucket.head_object]:
        with pytest.raises(oss2.exceptions.ServerError) as refused:
            call("k", params={"versionId": marker})
        assert refused.value.status == 405
    # A second delete adds a second marker.
    again = bucket.delete_object("k").versionid
    assert markers_of(bucket, "k") == [(again, True), (marker, False)]
    # Deleting markers by version brings the object back.
    for version in (again, marker):
        removed = bucket.delete_object("k", params={"versionId": version})
        assert removed.versionid == version and removed.delete_marker is True
    assert read(bucket, "k") == b"two"
    # Deleting the newest version brings the one before it back.
    removed = bucket.delete_object("k", params={"versionId": two})
    assert removed.versionid == two and not removed.delete_marker
    assert read(bucket, "k") == b"one"
    assert versions_of(bucket, "k") == [(one, True), ("null", False)]
    assert [entry.key for entry in bucket.list_objects().object_list] == ["k"]
    bucket.delete_object("k", params={"versionId": one})
    assert read(bucket, "k") == b"before"
    bucket.delete_object("k", params={"versionId": "null"})
    with pytest.raises(oss2.exceptions.NoSuchKey):
        bucket.get_object("k")
    assert bucket.list_object_versions().versions == []


def test_suspended(bucket):
    switch(bucket, "Enabled")
    one = bucket.put_object("k", b"one").versionid
    switch(bucket, "Suspended")
    assert bucket.put_object("k", b"null 1").versionid == "null"
    assert bucket.put_object("k", b"null 2").versionid == "null"
    assert versions_of(bucket, "k") == [("null", True), (one, False)]
    assert read(bucket, "k") == b"null 2" and read(bucket, "k", one) == b"one"
    gone = bucket.delete_object("k")
    assert gone.delete_marker is True and gone.versionid == "null"
    assert markers_of(bucket, "k") == [("null", True)]
    assert versions_of(bucket, "k") == [(one, False)]
    assert bucket.delete_object("k").versionid == "null"
    assert markers_of(bucket, "k") == [("null", True)]
    assert bucket.put_object("k", b"null 3").versionid == "null"
    assert markers_of(bucket, "k") == []
    switch(bucket, "Enabled")
    two = bucket.put_object("k", b"two").versionid
    assert versions_of(bucket, "k") == [(two, True), ("null", False), (one, False)]
    assert read(bucket, "k", "null") == b"null 3"
    # A null version that is not the newest is replaced where it stands.
    switch(bucket, "Suspended")
    bucket.put_object("k", b"null 4")
    assert versions_of(bucket, "k") == [("null", True), (two, False), (one, False)]


def test_unknown_versions(bucket):
    switch(bucket, "Enabled")
    known = bucket.put_object("k", b"v").versionid
    changed = ("A" if known[-1] != "A" else "B").join([known[:-1], ""])
    for version in [changed, "nonsense", "x" * 100]:
        with pytest.raises(oss2.exceptions.ServerError) as missing:
            bucket.get_object("k", params={"versionId": version})
        assert missing.value.status in (400, 404)
        assert missing.value.code in ("NoSuchVersion", "InvalidArgument")
    assert read(bucket, "k") == b"v"


def test_empty_version_is_refused(raw, name):
    raw.send("PUT", name, "k", body=b"v")
    answer = raw.send("GET", name, "k", query={"versionId": ""})
    assert (answer.status, answer.code) == (400, "InvalidArgument")


def test_listing_versions_in_pages(bucket):
    switch(bucket, "Enabled")
    expected = []
    for key in ["a", "dir/1", "dir/2", "中"]:
        written = [bucket.put_object(key, b"%d" % number).versionid for number in range(3)]
        if key == "dir/1":
            written.append(bucket.delete_object(key).versionid)
        expected += [(key, version) for version in reversed(written)]
    for size in [1, 2, 5, 1000]:
        found, key_marker, version_marker = [], "", ""
        while True:
            page = bucket.list_object_versions(
                key_marker=key_marker, versionid_marker=version_marker, max_keys=size)
            entries = list(page.versions) + list(page.delete_marker)
            assert len(entries) <= size
            place = {pair: number for number, pair in enumerate(expected)}
            found += sorted(((entry.key, entry.versionid) for entry in entries), key=place.__getitem__)
            if not page.is_truncated:
                break
            key_marker, version_marker = page.next_key_marker, page.next_versionid_marker
        assert found == expected, size
    page = bucket.list_object_versions(delimiter="/")
    assert page.common_prefix == ["dir/"]
    assert {entry.key for entry in page.versions} == {"a", "中"}
    page = bucket.list_object_versions(key_marker="dir/1")
    assert {entry.key for entry in page.versions} == {"dir/2", "中"}
    entry = bucket.list_object_versions(prefix="a").versions[0]
    assert entry.size == 1 and entry.etag and entry.type == "Normal" and entry.owner.id
    assert entry.storage_class == "Standard" and entry.last_modified > 0


def test_batch_delete_of_versions(bucket):
    switch(bucket, "Enabled")
    one = bucket.put_object("k", b"one").versionid
    two = bucket.put_object("k", b"two").versionid
    result = bucket.batch_delete_objects(["k", "never"])
    markers = {entry.key: entry for entry in result.delete_versions}
    assert markers["k"].delete_marker is True and markers["k"].delete_marker_versionid
    chosen = BatchDeleteObjectVersionList()
    chosen.append(BatchDeleteObjectVersion("k", two))
    chosen.append(BatchDeleteObjectVersion("k", markers["k"].delete_marker_versionid))
    result = bucket.delete_object_versions(chosen)
    assert {entry.versionid for entry in result.delete_versions} == {two, markers["k"].delete_marker_versionid}
    assert read(bucket, "k") == b"one"
    assert versions_of(bucket, "k") == [(one, True)]


def test_acl_tags_and_links_of_versions(bucket):
    switch(bucket, "Enabled")
    one = bucket.put_object("k", b"one").versionid
    two = bucket.put_object("k", b"two").versionid
    bucket.put_object_acl("k", "public-read", params={"versionId": one})
    assert bucket.get_object_acl("k", params={"versionId": one}).acl == "public-read"
    assert bucket.get_object_acl("k").acl == "default"
    rule = TaggingRule()
    rule.add("a", "1")
    bucket.put_object_tagging("k", Tagging(rule), params={"versionId": one})
    assert bucket.get_object_tagging("k", params={"versionId": one}).tag_set.tagging_rule == {"a": "1"}
    assert bucket.get_object_tagging("k").tag_set.tagging_rule == {}
    bucket.delete_object_tagging("k", params={"versionId": one})
    assert versions_of(bucket, "k") == [(two, True), (one, False)], "settings make no versions"
    link = bucket.put_symlink("k", "link").versionid
    newer = bucket.put_symlink("other", "link").versionid
    assert bucket.get_symlink("link").target_key == "other"
    assert bucket.get_symlink("link", params={"versionId": link}).target_key == "k"
    assert link != newer


def test_copying_a_version(bucket):
    switch(bucket, "Enabled")
    one = bucket.put_object("k", b"one").versionid
    bucket.put_object("k", b"two")
    copied = bucket.copy_object(bucket.bucket_name, "k", "copy", params={"versionId": one})
    assert copied.headers["x-oss-copy-source-version-id"] == one and copied.versionid
    assert read(bucket, "copy") == b"one"
    # Restoring an old version by copying it onto its key.
    bucket.copy_object(bucket.bucket_name, "k", "k", params={"versionId": one})
    assert read(bucket, "k") == b"one" and len(versions_of(bucket, "k")) == 3
    marker = bucket.delete_object("k").versionid
    with pytest.raises(oss2.exceptions.ServerError) as missing:
        bucket.copy_object(bucket.bucket_name, "k", "copy")
    assert missing.value.status == 404
    with pytest.raises(oss2.exceptions.ServerError):
        bucket.copy_object(bucket.bucket_name, "k", "copy", params={"versionId": marker})


def test_multipart_and_append_in_a_versioned_bucket(bucket):
    switch(bucket, "Enabled")
    first = bucket.put_object("k", b"first").versionid
    upload = bucket.init_multipart_upload("k").upload_id
    part = bucket.upload_part("k", upload, 1, b"second")
    done = bucket.complete_multipart_upload("k", upload, [PartInfo(1, part.etag)])
    assert done.versionid and done.versionid != first
    assert read(bucket, "k") == b"second" and read(bucket, "k", first) == b"first"
    appended = bucket.append_object("log", 0, b"a")
    assert appended.versionid
    bucket.append_object("log", 1, b"b")
    assert read(bucket, "log") == b"ab"
    assert len(versions_of(bucket, "log")) == 1, "an append is no new version"


def test_forbid_overwrite_is_ignored_when_versioned(bucket):
    switch(bucket, "Enabled")
    bucket.put_object("k", b"one")
    bucket.put_object("k", b"two", headers={"x-oss-forbid-overwrite": "true"})
    assert len(versions_of(bucket, "k")) == 2


def test_a_bucket_with_old_versions_is_not_empty(bucket):
    switch(bucket, "Enabled")
    version = bucket.put_object("k", b"v").versionid
    marker = bucket.delete_object("k").versionid
    for left in (version, marker):
        with pytest.raises(oss2.exceptions.BucketNotEmpty):
            bucket.delete_bucket()
        bucket.delete_object("k", params={"versionId": left})
    bucket.delete_bucket()


def test_counters_follow_versions(bucket):
    switch(bucket, "Enabled")
    bucket.put_object("k", b"x" * 100)
    bucket.put_object("k", b"x" * 50)
    bucket.delete_object("k")
    stat = bucket.get_bucket_stat()
    assert stat.storage_size_in_bytes == 150
    assert stat.delete_marker_count == 1
