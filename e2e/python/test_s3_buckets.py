"""Buckets, lists, versions, access and documents by boto3."""

import urllib.error
import urllib.request

import pytest

from conftest import new_name
from s3_clients import client, refusal

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"


@pytest.fixture
def store(osier):
    return osier


@pytest.fixture
def bucket(name):
    return name


@pytest.fixture
def s3(store):
    return client(store)


def put_all(s3, bucket, keys):
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")


def test_the_life_of_a_bucket(s3):
    name = new_name("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    assert "cn-hangzhou" == s3.head_bucket(Bucket=name)["BucketRegion"]
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] == "cn-hangzhou"
    listed = {bucket["Name"]: bucket for bucket in s3.list_buckets(Prefix="s3-")["Buckets"]}
    assert listed[name]["BucketRegion"] == "cn-hangzhou"
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=b"")
    assert refusal(s3.delete_bucket, Bucket=name) == (409, "BucketNotEmpty")
    s3.delete_object(Bucket=name, Key="k")
    s3.delete_bucket(Bucket=name)
    assert refusal(s3.head_bucket, Bucket=name)[0] == 404
    assert refusal(s3.delete_bucket, Bucket=name) == (404, "NoSuchBucket")
    assert refusal(s3.create_bucket, Bucket="Upper") == (400, "InvalidBucketName")


def test_buckets_by_the_page(s3):
    names = sorted(new_name("paged") for _ in range(3))
    for name in names:
        s3.create_bucket(Bucket=name)
    pages = list(s3.get_paginator("list_buckets").paginate(Prefix="paged-", PaginationConfig={"PageSize": 2}))
    assert [bucket["Name"] for page in pages for bucket in page["Buckets"]] == names and len(pages) == 2
    for name in names:
        s3.delete_bucket(Bucket=name)


def test_lists(s3, bucket):
    keys = ["asdf", "boo/bar", "boo/baz/xyzzy", "cquux/thud", "cquux/bla", "foo+1/bar", "quux ab/thud"]
    put_all(s3, bucket, keys)
    page = s3.list_objects(Bucket=bucket, Delimiter="/")
    assert [entry["Key"] for entry in page["Contents"]] == ["asdf"]
    assert [entry["Prefix"] for entry in page["CommonPrefixes"]] == ["boo/", "cquux/", "foo+1/", "quux ab/"]
    assert page["Contents"][0]["Owner"]["ID"] and page["Contents"][0]["StorageClass"] == "STANDARD"
    page = s3.list_objects(Bucket=bucket, Delimiter="/", Prefix="boo/", MaxKeys=1)
    assert page["IsTruncated"] and page["NextMarker"] == "boo/bar"
    page = s3.list_objects(Bucket=bucket, Delimiter="/", Prefix="boo/", Marker=page["NextMarker"])
    assert [entry["Prefix"] for entry in page["CommonPrefixes"]] == ["boo/baz/"] and not page["IsTruncated"]
    empty = s3.list_objects_v2(Bucket=bucket, MaxKeys=0)
    assert empty["KeyCount"] == 0 and not empty["IsTruncated"] and "Contents" not in empty
    assert s3.list_objects_v2(Bucket=bucket, MaxKeys=5000)["MaxKeys"] == 1000
    owned = s3.list_objects_v2(Bucket=bucket, FetchOwner=True)["Contents"][0]
    assert owned["Owner"]["DisplayName"]
    assert "Owner" not in s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    after = s3.list_objects_v2(Bucket=bucket, StartAfter="foo", MaxKeys=1)
    assert after["StartAfter"] == "foo" and after["Contents"][0]["Key"] == "foo+1/bar"
    more = s3.list_objects_v2(Bucket=bucket, ContinuationToken=after["NextContinuationToken"])
    assert [entry["Key"] for entry in more["Contents"]] == ["quux ab/thud"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    assert [entry["Key"] for page in pages for entry in page["Contents"]] == sorted(keys)
    assert refusal(s3.list_objects_v2, Bucket=bucket, ContinuationToken="nonsense!") == (400, "InvalidArgument")
    assert refusal(s3.list_objects, Bucket=bucket, MaxKeys=-1) == (400, "InvalidArgument")
    url = s3.list_objects(Bucket=bucket, EncodingType="url", Prefix="foo")
    assert url["EncodingType"] == "url"


def test_versions(s3, bucket):
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"null")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"2")["VersionId"]
    assert s3.get_object(Bucket=bucket, Key="k")["VersionId"] == second
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=first)["Body"].read() == b"1"
    assert s3.get_object(Bucket=bucket, Key="k", VersionId="null")["Body"].read() == b"null"
    marker = s3.delete_object(Bucket=bucket, Key="k")
    assert marker["DeleteMarker"] is True
    assert refusal(s3.get_object, Bucket=bucket, Key="k") == (404, "NoSuchKey")
    assert refusal(s3.get_object, Bucket=bucket, Key="k", VersionId=marker["VersionId"]) == (405, "MethodNotAllowed")
    told = s3.list_object_versions(Bucket=bucket)
    assert [(entry["VersionId"], entry["IsLatest"]) for entry in told["Versions"]] == [
        (second, False), (first, False), ("null", False)]
    assert [(entry["VersionId"], entry["IsLatest"]) for entry in told["DeleteMarkers"]] == [(marker["VersionId"], True)]
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1})
    assert sum(len(page.get("Versions", [])) + len(page.get("DeleteMarkers", [])) for page in pages) == 4
    undone = s3.delete_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert undone["DeleteMarker"] is True and undone["VersionId"] == marker["VersionId"]
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"
    s3.copy_object(Bucket=bucket, Key="k", CopySource={"Bucket": bucket, "Key": "k", "VersionId": first})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
    gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}, {"Key": "k", "VersionId": first}]})
    assert {entry.get("DeleteMarker", False) for entry in gone["Deleted"]} == {True, False}
    assert refusal(s3.get_object, Bucket=bucket, Key="k", VersionId=first) == (404, "NoSuchVersion")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"n")["VersionId"] == "null"


def grants(told):
    return sorted((grant["Grantee"].get("URI", grant["Grantee"].get("ID")), grant["Permission"]) for grant in told["Grants"])


def test_lists_of_grants(s3, store, bucket):
    owner = s3.get_bucket_acl(Bucket=bucket)["Owner"]
    mine = (owner["ID"], "FULL_CONTROL")
    assert grants(s3.get_bucket_acl(Bucket=bucket)) == [mine]
    assert s3.get_bucket_acl(Bucket=bucket)["Grants"][0]["Grantee"]["Type"] == "CanonicalUser"
    for acl, more in [("public-read", ["READ"]), ("public-read-write", ["READ", "WRITE"]), ("private", [])]:
        s3.put_bucket_acl(Bucket=bucket, ACL=acl)
        assert grants(s3.get_bucket_acl(Bucket=bucket)) == sorted([mine] + [(ALL_USERS, one) for one in more])
        s3.put_object(Bucket=bucket, Key=acl, Body=b"x", ACL=acl)
        assert grants(s3.get_object_acl(Bucket=bucket, Key=acl)) == sorted([mine] + [(ALL_USERS, one) for one in more])
    everybody = {"Grantee": {"Type": "Group", "URI": ALL_USERS}, "Permission": "READ"}
    owners = {"Grantee": {"Type": "CanonicalUser", "ID": owner["ID"]}, "Permission": "FULL_CONTROL"}
    s3.put_object_acl(Bucket=bucket, Key="private", AccessControlPolicy={"Owner": owner, "Grants": [owners, everybody]})
    assert grants(s3.get_object_acl(Bucket=bucket, Key="private")) == sorted([mine, (ALL_USERS, "READ")])
    s3.put_object(Bucket=bucket, Key="granted", Body=b"x", GrantRead=f'uri="{ALL_USERS}"', GrantFullControl=f'id={owner["ID"]}')
    assert grants(s3.get_object_acl(Bucket=bucket, Key="granted")) == sorted([mine, (ALL_USERS, "READ")])
    stranger = {"Grantee": {"Type": "CanonicalUser", "ID": "nobody"}, "Permission": "READ"}
    mail = {"Grantee": {"Type": "AmazonCustomerByEmail", "EmailAddress": "a@example.com"}, "Permission": "READ"}
    for grant, code in [(stranger, "InvalidArgument"), (mail, "UnresolvableGrantByEmailAddress")]:
        policy = {"Owner": owner, "Grants": [grant]}
        assert refusal(s3.put_bucket_acl, Bucket=bucket, AccessControlPolicy=policy) == (400, code)
    assert refusal(s3.put_bucket_acl, Bucket=bucket, ACL="authenticated-read") == (501, "NotImplemented")


def test_what_everybody_may(s3, store, bucket):
    anonymous = client(store, signed=False)
    s3.put_object(Bucket=bucket, Key="unsaid", Body=b"u")
    s3.put_object(Bucket=bucket, Key="open", Body=b"o", ACL="public-read")
    assert refusal(anonymous.list_objects_v2, Bucket=bucket) == (403, "AccessDenied")
    assert refusal(anonymous.get_object, Bucket=bucket, Key="unsaid") == (403, "AccessDenied")
    assert anonymous.get_object(Bucket=bucket, Key="open")["Body"].read() == b"o"
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    assert len(anonymous.list_objects_v2(Bucket=bucket)["Contents"]) == 2
    # A bucket's list does not open objects that S3 wrote.
    assert refusal(anonymous.get_object, Bucket=bucket, Key="unsaid") == (403, "AccessDenied")
    assert refusal(anonymous.put_object, Bucket=bucket, Key="new", Body=b"") == (403, "AccessDenied")
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read-write")
    anonymous.put_object(Bucket=bucket, Key="new", Body=b"n")
    assert refusal(anonymous.get_object_acl, Bucket=bucket, Key="new") == (403, "AccessDenied")
    assert refusal(anonymous.put_bucket_acl, Bucket=bucket, ACL="private") == (403, "AccessDenied")


def test_multi_delete_tells_of_each(s3, bucket):
    put_all(s3, bucket, ["a", "b"])
    told = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a"}, {"Key": "none"}]})
    assert sorted(entry["Key"] for entry in told["Deleted"]) == ["a", "none"]
    quiet = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "b"}], "Quiet": True})
    assert "Deleted" not in quiet and "Errors" not in quiet
    many = [{"Key": str(n)} for n in range(1001)]
    assert refusal(s3.delete_objects, Bucket=bucket, Delete={"Objects": many}) == (400, "MalformedXML")


def test_cors(s3, store, bucket):
    assert refusal(s3.get_bucket_cors, Bucket=bucket) == (404, "NoSuchCORSConfiguration")
    rules = [{"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["https://*.example.org"],
              "AllowedHeaders": ["x-amz-*"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 60}]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == rules

    def preflight(origin, method, headers="x-amz-meta-a"):
        request = urllib.request.Request(f"{store.endpoint}/{bucket}/k", method="OPTIONS", headers={
            "Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers})
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.headers.get("Access-Control-Allow-Origin")
        except urllib.error.HTTPError as error:
            return error.code, None

    assert preflight("https://www.example.org", "PUT") == (200, "https://www.example.org")
    assert preflight("https://www.example.org", "DELETE")[0] == 403
    assert preflight("https://elsewhere.example", "PUT")[0] == 403
    assert preflight("https://www.example.org", "PUT", "x-amz-a, authorization")[0] == 403
    s3.delete_bucket_cors(Bucket=bucket)
    assert refusal(s3.get_bucket_cors, Bucket=bucket) == (404, "NoSuchCORSConfiguration")


def test_documents_are_kept(s3, bucket):
    assert refusal(s3.get_bucket_lifecycle_configuration, Bucket=bucket) == (404, "NoSuchLifecycleConfiguration")
    rules = [{"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "p/"}, "Expiration": {"Days": 3}}]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == rules
    s3.delete_bucket_lifecycle(Bucket=bucket)
    assert refusal(s3.get_bucket_website, Bucket=bucket) == (404, "NoSuchWebsiteConfiguration")
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    assert s3.get_bucket_website(Bucket=bucket)["IndexDocument"] == {"Suffix": "index.html"}
    assert refusal(s3.get_bucket_ownership_controls, Bucket=bucket) == (404, "OwnershipControlsNotFoundError")
    controls = {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=controls)
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"] == controls
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "Requester"
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket=bucket)
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    assert refusal(s3.get_bucket_tagging, Bucket=bucket) == (404, "NoSuchTagSet")
    tags = [{"Key": "team", "Value": "a"}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    s3.delete_bucket_tagging(Bucket=bucket)
    assert refusal(s3.get_bucket_replication, Bucket=bucket) == (404, "ReplicationConfigurationNotFoundError")


def test_another_account_is_not_the_owner(s3, bucket):
    told = s3.get_bucket_acl(Bucket=bucket)["Owner"]["ID"]
    assert s3.list_objects_v2(Bucket=bucket, ExpectedBucketOwner=told)["KeyCount"] == 0
    assert refusal(s3.list_objects_v2, Bucket=bucket, ExpectedBucketOwner="999999999999") == (403, "AccessDenied")


def test_a_browser_form(s3, store, bucket):
    import requests
    form = s3.generate_presigned_post(
        bucket, "up/${filename}", Fields={"acl": "public-read", "success_action_status": "201"},
        Conditions=[{"acl": "public-read"}, {"success_action_status": "201"}, ["starts-with", "$key", "up/"],
                    ["content-length-range", 1, 10]], ExpiresIn=60)
    url = f"{store.endpoint}/{bucket}"
    sent = requests.post(url, data=form["fields"], files={"file": ("a.txt", b"form")}, timeout=10)
    assert sent.status_code == 201 and "<Key>up/a.txt</Key>" in sent.text
    assert requests.get(f"{url}/up/a.txt", timeout=10).content == b"form"
    sent = requests.post(url, data=form["fields"], files={"file": ("a.txt", b"x" * 11)}, timeout=10)
    assert (sent.status_code, "EntityTooLarge" in sent.text) == (400, True)
    sent = requests.post(url, data=dict(form["fields"], acl="private"), files={"file": ("a.txt", b"x")}, timeout=10)
    assert (sent.status_code, "AccessDenied" in sent.text) == (403, True)
