"""Buckets by oss2."""

import datetime

import oss2
import pytest
from oss2.models import (
    BucketCors, BucketCreateConfig, BucketVersioningConfig, CorsRule, Tagging, TaggingRule)

from conftest import OSS2_FORMS, empty_and_delete, endpoint_of, new_name, oss2_auth, oss2_bucket
from harness import REGION


def tagging(**pairs):
    rule = TaggingRule()
    for key, value in pairs.items():
        rule.add(key, value)
    return Tagging(rule)


@pytest.mark.parametrize("form", OSS2_FORMS, ids="-".join)
def test_life_of_a_bucket(osier, form):
    bucket = oss2_bucket(osier, new_name(), *form)
    with pytest.raises(oss2.exceptions.NoSuchBucket):
        bucket.get_bucket_info()
    assert bucket.create_bucket().status == 200
    assert bucket.create_bucket().status == 200, "the owner may repeat it"
    info = bucket.get_bucket_info()
    assert info.name == bucket.bucket_name
    assert info.storage_class == "Standard"
    assert info.data_redundancy_type == "LRS"
    assert info.acl.grant == "private"
    assert info.owner.id and info.owner.display_name
    assert info.location.startswith("oss-")
    assert info.extranet_endpoint and info.intranet_endpoint
    assert info.versioning_status is None
    assert bucket.get_bucket_location().location == info.location
    created = datetime.datetime.strptime(info.creation_date, "%Y-%m-%dT%H:%M:%S.%fZ")
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    assert abs((now - created).total_seconds()) < 600
    bucket.put_object("k", b"v")
    with pytest.raises(oss2.exceptions.BucketNotEmpty):
        bucket.delete_bucket()
    bucket.delete_object("k")
    assert bucket.delete_bucket().status == 204
    with pytest.raises(oss2.exceptions.NoSuchBucket):
        bucket.delete_bucket()


def test_creation_with_class_redundancy_and_acl(osier):
    bucket = oss2_bucket(osier, new_name())
    bucket.create_bucket(oss2.BUCKET_ACL_PUBLIC_READ, BucketCreateConfig("IA", "ZRS"))
    info = bucket.get_bucket_info()
    assert (info.storage_class, info.data_redundancy_type, info.acl.grant) == ("IA", "ZRS", "public-read")
    bucket.put_object("k", b"v")
    assert bucket.head_object("k").headers["x-oss-storage-class"] == "IA"
    with pytest.raises(oss2.exceptions.ServerError) as refused:
        bucket.create_bucket(input=BucketCreateConfig("Standard", "ZRS"))
    assert refused.value.code == "BucketAlreadyExists"
    empty_and_delete(osier.endpoint, bucket.bucket_name)


@pytest.mark.parametrize("bad", ["ab", "-abc", "abc-", "Abc", "a_b_c", "a.b.c", "a" * 64])
def test_bad_names_are_refused(raw, bad):
    answer = raw.send("PUT", bad)
    assert (answer.status, answer.code) == (400, "InvalidBucketName")


def test_acl(bucket):
    assert bucket.get_bucket_acl().acl == "private"
    for acl in ["public-read", "public-read-write", "private"]:
        bucket.put_bucket_acl(acl)
        assert bucket.get_bucket_acl().acl == acl
    with pytest.raises(oss2.exceptions.InvalidArgument):
        bucket.put_bucket_acl("everything")


def test_versioning_setting(bucket):
    assert bucket.get_bucket_versioning().status is None
    bucket.put_bucket_versioning(BucketVersioningConfig("Enabled"))
    assert bucket.get_bucket_versioning().status == "Enabled"
    assert bucket.get_bucket_info().versioning_status == "Enabled"
    bucket.put_bucket_versioning(BucketVersioningConfig("Suspended"))
    assert bucket.get_bucket_versioning().status == "Suspended"


def test_tags(bucket):
    assert bucket.get_bucket_tagging().tag_set.tagging_rule == {}
    bucket.put_bucket_tagging(tagging(team="media", stage="test"))
    assert bucket.get_bucket_tagging().tag_set.tagging_rule == {"team": "media", "stage": "test"}
    assert bucket.delete_bucket_tagging().status == 204
    assert bucket.get_bucket_tagging().tag_set.tagging_rule == {}


def test_cors_document(bucket):
    with pytest.raises(oss2.exceptions.NoSuchCors):
        bucket.get_bucket_cors()
    rule = CorsRule(["https://a.example", "https://*.b.example"], ["GET", "PUT"], ["x-oss-*", "*"], ["ETag"], 60)
    bucket.put_bucket_cors(BucketCors([rule], response_vary=True))
    read = bucket.get_bucket_cors()
    assert read.rules[0].allowed_origins == ["https://a.example", "https://*.b.example"]
    assert read.rules[0].allowed_methods == ["GET", "PUT"]
    assert read.rules[0].expose_headers == ["ETag"]
    assert read.rules[0].max_age_seconds == 60
    bucket.delete_bucket_cors()
    with pytest.raises(oss2.exceptions.NoSuchCors):
        bucket.get_bucket_cors()


def test_stat_counts(bucket):
    empty = bucket.get_bucket_stat()
    assert (empty.object_count, empty.storage_size_in_bytes, empty.multi_part_upload_count) == (0, 0, 0)
    bucket.put_object("a", b"x" * 1000)
    bucket.put_object("b", b"y" * 200000)
    bucket.put_object("b", b"y" * 100000)
    upload = bucket.init_multipart_upload("c").upload_id
    stat = bucket.get_bucket_stat()
    assert (stat.object_count, stat.storage_size_in_bytes) == (2, 101000)
    assert stat.multi_part_upload_count == 1
    assert stat.live_channel_count == 0
    assert (stat.standard_object_count, stat.standard_storage) == (2, 101000)
    bucket.delete_object("a")
    bucket.abort_multipart_upload("c", upload)
    stat = bucket.get_bucket_stat()
    assert (stat.object_count, stat.storage_size_in_bytes, stat.multi_part_upload_count) == (1, 100000, 0)


def test_request_payment_is_kept(bucket):
    assert bucket.get_bucket_request_payment().payer == "BucketOwner"
    bucket.put_bucket_request_payment("Requester")
    assert bucket.get_bucket_request_payment().payer == "Requester"


def test_documents_that_would_matter_are_refused_not_forgotten(bucket):
    from oss2.models import BucketLifecycle, BucketWebsite, LifecycleExpiration, LifecycleRule
    refused = [
        lambda: bucket.put_bucket_lifecycle(
            BucketLifecycle([LifecycleRule("r", "logs/", expiration=LifecycleExpiration(days=1))])),
        lambda: bucket.put_bucket_website(BucketWebsite("index.html", "error.html")),
        lambda: bucket.put_bucket_logging(oss2.models.BucketLogging(bucket.bucket_name, "log/")),
    ]
    for put in refused:
        with pytest.raises(oss2.exceptions.NotImplemented):
            put()
    for error, get in [
        (oss2.exceptions.NoSuchLifecycle, bucket.get_bucket_lifecycle),
        (oss2.exceptions.NoSuchWebsite, bucket.get_bucket_website),
        (oss2.exceptions.NoSuchBucketPolicy, bucket.get_bucket_policy),
        (oss2.exceptions.NoSuchServerSideEncryptionRule, bucket.get_bucket_encryption),
    ]:
        with pytest.raises(error):
            get()
    assert bucket.get_bucket_referer().allow_empty_referer is True
    assert bucket.get_bucket_logging().target_bucket == ""


@pytest.mark.parametrize("form", OSS2_FORMS, ids="-".join)
def test_list_buckets_in_pages(osier, form):
    signature, style = form
    service = oss2.Service(oss2_auth(signature), endpoint_of(osier, style), region=REGION)
    stem = new_name("page")
    names = [f"{stem}-{number}" for number in range(5)]
    buckets = [oss2_bucket(osier, name) for name in names]
    for bucket in buckets:
        bucket.create_bucket()
    first = service.list_buckets(prefix=stem, max_keys=2)
    assert [entry.name for entry in first.buckets] == names[:2]
    assert first.is_truncated and first.next_marker
    second = service.list_buckets(prefix=stem, max_keys=2, marker=first.next_marker)
    assert [entry.name for entry in second.buckets] == names[2:4]
    assert [entry.name for entry in oss2.BucketIterator(service, prefix=stem, max_keys=2)] == names
    entry = first.buckets[0]
    assert entry.location.startswith("oss-") and entry.storage_class == "Standard"
    assert entry.extranet_endpoint and entry.intranet_endpoint and entry.creation_date
    assert service.list_buckets(prefix="nobody-has-this").buckets == []
    buckets[1].put_bucket_tagging(tagging(paging="yes"))
    found = service.list_buckets(prefix=stem, params={"tag-key": "paging", "tag-value": "yes"})
    assert [entry.name for entry in found.buckets] == [names[1]]
    for bucket in buckets:
        bucket.delete_bucket()


def test_endpoints_in_answers_are_reachable(osier, name):
    info = oss2_bucket(osier, name).get_bucket_info()
    again = oss2.Bucket(oss2_auth("v4"), info.extranet_endpoint, name, region=REGION)
    again.put_object("reached", b"yes")
    assert again.get_object("reached").read() == b"yes"


def test_describe_regions(osier):
    service = oss2.Service(oss2_auth("v4"), osier.endpoint, region=REGION)
    regions = service.describe_regions().regions
    assert len(regions) >= 1
    assert all(region.region and region.internet_endpoint for region in regions)


def test_live_channels_are_an_empty_list(bucket):
    assert list(oss2.LiveChannelIterator(bucket)) == []
    assert bucket.list_live_channel().channels == []
