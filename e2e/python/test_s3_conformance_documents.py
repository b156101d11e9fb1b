"""Documents of a bucket by S3: what is kept comes back, and what S3 refuses of them is refused at once."""

import datetime
import json

import oss2
import pytest

from s3_clients import client, refusal

MALFORMED, INVALID = (400, "MalformedXML"), (400, "InvalidArgument")
LATER = datetime.datetime(2090, 1, 1, tzinfo=datetime.timezone.utc)


@pytest.fixture
def s3(osier):
    return client(osier, parameter_validation=False)


@pytest.fixture
def locking(s3, name):
    bucket = f"{name}-l"
    s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    yield bucket
    for one in s3.list_object_versions(Bucket=bucket).get("Versions", []):
        s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"], BypassGovernanceRetention=True)
    s3.delete_bucket(Bucket=bucket)


def rule(**more):
    return {"ID": "rule", "Status": "Enabled", "Prefix": "a/", "Expiration": {"Days": 1}} | more


def rules(s3, name, *rules):
    return lambda: s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": list(rules)})


@pytest.mark.parametrize("kept", [
    rule(), rule(Status="Disabled"), rule(Expiration={"Date": datetime.datetime(2037, 9, 27)}),
    rule(NoncurrentVersionExpiration={"NoncurrentDays": 2}), rule(Expiration={"ExpiredObjectDeleteMarker": True}),
    {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": "x"}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}},
    {"ID": "x", "Status": "Enabled", "Expiration": {"Days": 3},
     "Filter": {"And": {"Prefix": "x", "Tags": [{"Key": "k", "Value": "v"}], "ObjectSizeGreaterThan": 5}}},
    rule(Transitions=[{"Days": 30, "StorageClass": "GLACIER"}], Expiration={"Days": 60}),
])
def test_lifecycle_documents_are_kept(s3, name, kept):
    assert refusal(s3.get_bucket_lifecycle_configuration, Bucket=name) == (404, "NoSuchLifecycleConfiguration")
    rules(s3, name, kept)()
    [told] = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    if "Date" in kept.get("Expiration", {}):
        told["Expiration"]["Date"] = told["Expiration"]["Date"].replace(tzinfo=None)
    assert told == kept
    s3.delete_bucket_lifecycle(Bucket=name)
    assert refusal(s3.get_bucket_lifecycle_configuration, Bucket=name) == (404, "NoSuchLifecycleConfiguration")


@pytest.mark.parametrize("wrong, expected", [
    ([rule(ID="x" * 256)], INVALID), ([rule(), rule(Prefix="b/")], INVALID), ([rule(Status="enabled")], MALFORMED),
    ([rule(Expiration={"Days": 0})], INVALID), ([rule(Expiration={"Days": -1})], INVALID),
    ([rule(Expiration={"Date": datetime.datetime(2037, 9, 27, 1)})], INVALID), ([rule(Expiration={})], MALFORMED),
    ([rule(Expiration={"Days": 1, "ExpiredObjectDeleteMarker": True})], MALFORMED), ([], MALFORMED),
    ([{"Status": "Enabled", "Prefix": ""}], (400, "InvalidRequest")),
    ([rule(Transitions=[{"Days": 30, "StorageClass": "TAPE"}])], MALFORMED),
    ([{"Status": "Enabled", "Filter": {"Tag": {"Key": "k", "Value": "v"}},
       "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}}], (400, "InvalidRequest")),
])
def test_lifecycle_documents_that_are_wrong(s3, name, wrong, expected):
    assert refusal(rules(s3, name, *wrong)) == expected
    assert refusal(s3.get_bucket_lifecycle_configuration, Bucket=name) == (404, "NoSuchLifecycleConfiguration")


def test_websites(s3, name):
    assert refusal(s3.get_bucket_website, Bucket=name) == (404, "NoSuchWebsiteConfiguration")
    for site in ({"IndexDocument": {"Suffix": "i.html"}, "ErrorDocument": {"Key": "e.html"}, "RoutingRules": [
            {"Condition": {"KeyPrefixEquals": "a/"}, "Redirect": {"ReplaceKeyPrefixWith": "b/"}}]},
            {"RedirectAllRequestsTo": {"HostName": "www.example.com", "Protocol": "https"}}):
        s3.put_bucket_website(Bucket=name, WebsiteConfiguration=site)
        told = s3.get_bucket_website(Bucket=name)
        assert {key: told[key] for key in site} == site
    for wrong, expected in (({}, MALFORMED), ({"IndexDocument": {"Suffix": "a/b"}}, INVALID),
                            ({"IndexDocument": {"Suffix": "i"}, "RedirectAllRequestsTo": {"HostName": "h"}}, MALFORMED)):
        assert refusal(s3.put_bucket_website, Bucket=name, WebsiteConfiguration=wrong) == expected
    s3.delete_bucket_website(Bucket=name)
    assert refusal(s3.get_bucket_website, Bucket=name) == (404, "NoSuchWebsiteConfiguration")


def own(s3, name, word):
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": word}]})


def test_ownership(s3, name):
    assert refusal(s3.get_bucket_ownership_controls, Bucket=name) == (404, "OwnershipControlsNotFoundError")
    for word in ("BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"):
        own(s3, name, word)
        told = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]
        assert told["Rules"] == [{"ObjectOwnership": word}]
    assert refusal(own, s3, name, "Nobody") == MALFORMED
    assert refusal(s3.put_bucket_ownership_controls, Bucket=name, OwnershipControls={"Rules": []}) == MALFORMED
    s3.delete_bucket_ownership_controls(Bucket=name)
    assert refusal(s3.get_bucket_ownership_controls, Bucket=name) == (404, "OwnershipControlsNotFoundError")


def test_lists_mean_nothing_where_the_owner_owns_everything(osier, s3, bucket, name):
    stranger = client(osier, signed=False)
    disabled = (400, "AccessControlListNotSupported")
    s3.put_object(Bucket=name, Key="open", Body=b"open", ACL="public-read")
    s3.put_bucket_acl(Bucket=name, ACL="public-read")
    assert stranger.get_object(Bucket=name, Key="open")["Body"].read() == b"open"
    # A bucket that is open by its list must be closed first.
    assert refusal(own, s3, name, "BucketOwnerEnforced") == (400, "InvalidBucketAclWithObjectOwnership")
    s3.put_bucket_acl(Bucket=name, ACL="private")
    own(s3, name, "BucketOwnerEnforced")
    assert refusal(stranger.get_object, Bucket=name, Key="open") == (403, "AccessDenied")
    assert bucket.get_object("open").read() == b"open"
    for acl in ("private", "public-read"):
        assert refusal(s3.put_object, Bucket=name, Key="new", Body=b"", ACL=acl) == disabled
        assert refusal(s3.put_object_acl, Bucket=name, Key="open", ACL=acl) == disabled
        assert refusal(s3.put_bucket_acl, Bucket=name, ACL=acl) == disabled
        assert refusal(s3.copy_object, Bucket=name, Key="new", CopySource=f"{name}/open", ACL=acl) == disabled
        assert refusal(s3.create_multipart_upload, Bucket=name, Key="new", ACL=acl) == disabled
    with pytest.raises(oss2.exceptions.ServerError) as refused:
        bucket.put_object_acl("open", oss2.OBJECT_ACL_PUBLIC_READ)
    assert (refused.value.status, refused.value.code) == disabled
    s3.put_object(Bucket=name, Key="new", Body=b"new", ACL="bucket-owner-full-control")
    bucket.put_object("by-oss", b"new")
    assert [grant["Permission"] for grant in s3.get_object_acl(Bucket=name, Key="new")["Grants"]] == ["FULL_CONTROL"]
    # A policy still opens.
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/new"}]}))
    assert stranger.get_object(Bucket=name, Key="new")["Body"].read() == b"new"
    s3.delete_bucket_policy(Bucket=name)
    # And lists count again as they were.
    own(s3, name, "ObjectWriter")
    assert stranger.get_object(Bucket=name, Key="open")["Body"].read() == b"open"
    assert refusal(stranger.get_object, Bucket=name, Key="new") == (403, "AccessDenied")


def test_ownership_of_new_buckets(s3, name):
    made = f"{name}-owned"
    enforced = {"Bucket": made, "ObjectOwnership": "BucketOwnerEnforced"}
    assert refusal(s3.create_bucket, ACL="public-read", **enforced) == (400, "InvalidBucketAclWithObjectOwnership")
    assert refusal(s3.create_bucket, Bucket=made, ObjectOwnership="Nobody") == INVALID
    s3.create_bucket(**enforced)
    told = s3.get_bucket_ownership_controls(Bucket=made)["OwnershipControls"]["Rules"]
    assert told == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert refusal(s3.put_bucket_acl, Bucket=made, ACL="public-read") == (400, "AccessControlListNotSupported")
    s3.delete_bucket(Bucket=made)


def test_versioning(s3, name):
    def put(**more):
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=more)
    assert refusal(put, Status="on")[0] == 400
    assert refusal(put, Status="Enabled", MFADelete="Enabled") == (501, "NotImplemented")
    assert "Status" not in s3.get_bucket_versioning(Bucket=name)
    put(Status="Enabled", MFADelete="Disabled")
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"


def test_object_lock(s3, name, locking):
    def default(enabled="Enabled", bucket=locking, **retention):
        s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration={
            "ObjectLockEnabled": enabled, "Rule": {"DefaultRetention": retention}})
    assert refusal(default, bucket=name, Mode="GOVERNANCE", Days=1) == (409, "InvalidBucketState")
    for wrong, expected in (({"Mode": "GOVERNANCE", "Days": 0}, INVALID), ({"Mode": "GOVERNANCE", "Years": -1}, INVALID),
                            ({"Mode": "GOVERNANCE", "Days": 1, "Years": 1}, MALFORMED), ({"Mode": "abc", "Days": 1}, MALFORMED),
                            ({"Mode": "governance", "Days": 1}, MALFORMED),
                            ({"Mode": "GOVERNANCE", "Days": 1, "enabled": "Disabled"}, MALFORMED)):
        assert refusal(default, **wrong) == expected, wrong
    assert refusal(s3.put_bucket_versioning, Bucket=locking, VersioningConfiguration={"Status": "Suspended"}) == (
        409, "InvalidBucketState")
    s3.put_object(Bucket=locking, Key="k", Body=b"k")
    named = {"Bucket": locking, "Key": "k"}
    assert refusal(s3.put_object_retention, **named, Retention={"Mode": "abc", "RetainUntilDate": LATER}) == MALFORMED
    assert refusal(s3.put_object_legal_hold, **named, LegalHold={"Status": "abc"}) == MALFORMED
    assert refusal(s3.put_object, **named, Body=b"", ObjectLockMode="GOVERNANCE")[0] == 400
    past = datetime.datetime(2000, 1, 1)
    assert refusal(s3.put_object, **named, Body=b"", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=past) == INVALID
    s3.put_object(Bucket=name, Key="k", Body=b"k")
    named = {"Bucket": name, "Key": "k"}
    for call, more in ((s3.put_object_retention, {"Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": LATER}}),
                       (s3.get_object_retention, {}), (s3.put_object_legal_hold, {"LegalHold": {"Status": "ON"}}),
                       (s3.get_object_legal_hold, {})):
        assert refusal(call, **named, **more) == (400, "InvalidRequest")


def test_a_copy_whose_source_is_unchanged_fails(s3, name):
    etag = s3.put_object(Bucket=name, Key="k", Body=b"k")["ETag"]
    copy = {"Bucket": name, "Key": "c", "CopySource": {"Bucket": name, "Key": "k"}}
    assert refusal(s3.copy_object, **copy, CopySourceIfNoneMatch=etag) == (412, "PreconditionFailed")
    assert refusal(s3.get_object, Bucket=name, Key="k", IfNoneMatch=etag)[0] == 304
