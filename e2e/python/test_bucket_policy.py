"""Bucket policies by the SDKs: who, where, when, how. And what becomes of a bad one."""

import json
import subprocess

import alibabacloud_oss_v2 as v2
import oss2
import pytest

from access import KEYS, OTHER, OWNER, Accounts, document, statement
from conftest import empty_and_delete, new_name
from harness import Raw


@pytest.fixture(scope="module")
def server():
    with Accounts("[http]\ntrusted_proxies = [\"127.0.0.1\"]\n") as server:
        yield server


@pytest.fixture
def owned(server):
    """A private bucket of the owner with some objects."""
    name = new_name("policy")
    bucket = server.oss2("owner", name)
    bucket.create_bucket()
    for key in ("shared/a", "private/a"):
        bucket.put_object(key, key.encode())
    yield bucket
    bucket.delete_bucket_policy()
    for entry in oss2.ObjectIterator(bucket):
        bucket.delete_object(entry.key)
    bucket.delete_bucket()


def arn(bucket, rest=""):
    return f"acs:oss:*:*:{bucket.bucket_name}{rest}"


def allowed(call):
    try:
        call()
        return True
    except (oss2.exceptions.AccessDenied, oss2.exceptions.ServerError) as error:
        assert error.status == 403 and error.code in ("AccessDenied", "") or error.status == 403, error
        return False


def curl(server, bucket, key, *options):
    """The status that curl gets."""
    done = subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *options,
         f"{server.endpoint}/{bucket.bucket_name}/{key}"],
        capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_round_trip_by_both_sdks(server, owned):
    text = document(statement("Allow", "oss:GetObject", arn(owned, "/*"), OTHER))
    with pytest.raises(oss2.exceptions.NoSuchBucketPolicy):
        owned.get_bucket_policy()
    owned.put_bucket_policy(text)
    assert owned.get_bucket_policy().policy == text
    client = server.v2("owner")
    got = client.get_bucket_policy(v2.GetBucketPolicyRequest(bucket=owned.bucket_name))
    assert json.loads(got.body) == json.loads(text)
    status = client.get_bucket_policy_status(v2.GetBucketPolicyStatusRequest(bucket=owned.bucket_name))
    assert status.policy_status.is_public is False
    client.put_bucket_policy(v2.PutBucketPolicyRequest(
        bucket=owned.bucket_name, body=document(statement("Allow", "oss:GetObject", arn(owned, "/*")))))
    status = client.get_bucket_policy_status(v2.GetBucketPolicyStatusRequest(bucket=owned.bucket_name))
    assert status.policy_status.is_public is True
    gone = client.delete_bucket_policy(v2.DeleteBucketPolicyRequest(bucket=owned.bucket_name))
    assert gone.status_code == 204
    with pytest.raises(oss2.exceptions.NoSuchBucketPolicy):
        owned.get_bucket_policy()


@pytest.mark.parametrize("text, path", [
    ("{", ""),
    ('{"Version":"1"}', "Statement"),
    ('{"Version":"1","Statement":[]}', "Statement"),
    (document(statement("Permit", "oss:GetObject", "acs:oss:*:*:NAME/*")), "Statement[0].Effect"),
    (document(statement("Allow", "oss:GetObject", "acs:oss:*:*:other-bucket/*")), "Statement[0].Resource[0]"),
    (document(statement("Allow", "ecs:Run", "acs:oss:*:*:NAME/*")), "Statement[0].Action[0]"),
    (document(statement("Allow", "oss:GetObject", "acs:oss:*:*:NAME/*", IpAddress={"acs:SourceIp": ["10.0.0.0/99"]})),
     "Statement[0].Condition.IpAddress.acs:SourceIp[0]"),
])
def test_a_bad_document_is_refused_with_its_place(server, owned, text, path):
    with pytest.raises(oss2.exceptions.ServerError) as refused:
        owned.put_bucket_policy(text.replace("NAME", owned.bucket_name))
    error = refused.value
    assert (error.status, error.code) == (400, "InvalidPolicyDocument")
    assert error.details.get("PolicyElement", "") == path
    with pytest.raises(oss2.exceptions.NoSuchBucketPolicy):
        owned.get_bucket_policy()


def test_the_tutorials_policy_by_account_prefix_and_address(server, owned):
    """Another account reads below shared/, from its own network only."""
    mine = server.oss2("other", owned.bucket_name)

    def put(network):
        owned.put_bucket_policy(document(statement(
            "Allow", ["oss:GetObject", "oss:GetObjectAcl"], arn(owned, "/shared/*"), OTHER,
            IpAddress={"acs:SourceIp": [network]})))

    assert not allowed(lambda: mine.get_object("shared/a"))
    put("203.0.113.0/24")
    assert not allowed(lambda: mine.get_object("shared/a"))
    behind = {"X-Forwarded-For": "203.0.113.9"}
    assert mine.get_object("shared/a", headers=behind).read() == b"shared/a"
    put("127.0.0.0/8")
    assert mine.get_object("shared/a").read() == b"shared/a"
    assert mine.get_object_acl("shared/a").acl == "default"
    for refused in (
        lambda: mine.get_object("private/a"),
        lambda: mine.put_object("shared/b", b""),
        lambda: mine.list_objects(),
        lambda: server.oss2(None, owned.bucket_name).get_object("shared/a"),
        lambda: server.oss2("nobody", owned.bucket_name).get_object("shared/a"),
    ):
        assert not allowed(refused)


def test_users_get_what_the_bucket_says(server, owned):
    """By user id nobody can be named here without RAM's answer; by name they can."""
    owned.put_bucket_policy(document(
        statement("Allow", "oss:ListObjects", arn(owned), f"acs:ram::{OWNER}:user/nobody",
                  StringLike={"oss:Prefix": ["shared/*"]})))
    nobody = server.oss2("nobody", owned.bucket_name)
    assert [entry.key for entry in nobody.list_objects(prefix="shared/").object_list] == ["shared/a"]
    assert not allowed(lambda: nobody.list_objects(prefix="private/"))
    assert not allowed(lambda: nobody.list_objects())
    assert not allowed(lambda: server.oss2("reader", owned.bucket_name).list_objects(prefix="shared/"))


def test_a_secret_user_agent(server, owned):
    """The S3 form of the policy, as a proxy's owner writes it."""
    owned.put_bucket_policy(json.dumps({
        "Version": "2012-10-17",
        "Id": "http custom auth secret",
        "Statement": [{
            "Sid": "Allow requests with my secret.",
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{owned.bucket_name}/*",
            "Condition": {"StringLike": {"aws:UserAgent": ["xxxyyyzzz"]}},
        }],
    }))
    assert curl(server, owned, "shared/a") == 403
    assert curl(server, owned, "shared/a", "-H", "User-Agent: xxxyyyzzz") == 200
    assert curl(server, owned, "shared/a", "-I", "-H", "User-Agent: xxxyyyzzz") == 200
    assert curl(server, owned, "shared/a", "-H", "User-Agent: xxxyyyzzz0") == 403
    assert curl(server, owned, "shared/a", "-X", "DELETE", "-H", "User-Agent: xxxyyyzzz") == 403


def test_by_referer(server, owned):
    owned.put_bucket_policy(document(statement(
        "Allow", "oss:GetObject", arn(owned, "/*"), StringLike={"acs:Referer": ["https://www.example.com/*"]})))
    assert curl(server, owned, "shared/a") == 403
    assert curl(server, owned, "shared/a", "-e", "https://www.example.com/page") == 200
    assert curl(server, owned, "shared/a", "-e", "https://evil.test/www.example.com/") == 403


def test_encrypted_connections_only(server, owned):
    """A denial for everybody under a condition means the owner too, and can be taken away."""
    owned.put_bucket_policy(document(statement(
        "Deny", "oss:*", [arn(owned), arn(owned, "/*")], Bool={"acs:SecureTransport": ["false"]})))
    with pytest.raises(oss2.exceptions.AccessDenied) as denied:
        owned.get_object("shared/a")
    error = denied.value
    assert error.details["EC"] == "0003-00000101"
    assert "AccessDeniedDetail" in error.body.decode() if isinstance(error.body, bytes) else error.body
    proxied = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}
    assert owned.get_object("shared/a", headers=proxied).read() == b"shared/a"
    assert owned.get_bucket_policy().policy
    owned.delete_bucket_policy()
    assert owned.get_object("shared/a").read() == b"shared/a"


def test_by_time(server, owned):
    def put(operator):
        owned.put_bucket_policy(document(statement(
            "Allow", "oss:GetObject", arn(owned, "/*"), OTHER,
            **{operator: {"acs:CurrentTime": ["2020-01-01T00:00:00Z"]}})))

    mine = server.oss2("other", owned.bucket_name)
    put("DateLessThan")
    assert not allowed(lambda: mine.get_object("shared/a"))
    put("DateGreaterThan")
    assert allowed(lambda: mine.get_object("shared/a"))


def test_deny_wins(server, owned):
    mine = server.oss2("other", owned.bucket_name)
    allow = statement("Allow", "oss:*", [arn(owned), arn(owned, "/*")], OTHER)
    owned.put_bucket_policy(document(allow))
    assert allowed(lambda: mine.get_object("private/a"))
    owned.put_bucket_policy(document(allow, statement("Deny", "oss:GetObject", arn(owned, "/private/*"), OTHER)))
    assert not allowed(lambda: mine.get_object("private/a"))
    assert allowed(lambda: mine.get_object("shared/a"))
    # Also of what a list grants to everybody, and of what is copied.
    owned.put_bucket_acl("public-read")
    assert not allowed(lambda: mine.get_object("private/a"))
    assert not allowed(lambda: mine.copy_object(owned.bucket_name, "private/a", "shared/stolen"))
    assert allowed(lambda: mine.copy_object(owned.bucket_name, "shared/a", "shared/copy"))


def test_versions_are_their_own_action(server, owned):
    owned.put_bucket_versioning(oss2.models.BucketVersioningConfig("Enabled"))
    try:
        version = owned.put_object("shared/a", b"second").versionid
        owned.put_bucket_policy(document(statement("Allow", "oss:GetObject", arn(owned, "/*"), OTHER)))
        mine = server.oss2("other", owned.bucket_name)
        assert allowed(lambda: mine.get_object("shared/a"))
        assert not allowed(lambda: mine.get_object("shared/a", params={"versionId": version}))
    finally:
        owned.delete_bucket_policy()
        for entry in owned.list_object_versions().versions:
            owned.delete_object(entry.key, params={"versionId": entry.versionid})


def test_the_other_account_learns_no_policy(server, owned):
    owned.put_bucket_policy(document(statement("Allow", "oss:GetObject", arn(owned, "/shared/*"), OTHER)))
    mine = server.oss2("other", owned.bucket_name)
    for refused in (mine.get_bucket_policy, mine.delete_bucket_policy,
                    lambda: mine.put_bucket_policy(document(statement("Allow", "oss:*", arn(owned, "/*"), OTHER)))):
        assert not allowed(refused)
    with pytest.raises(oss2.exceptions.AccessDenied) as denied:
        mine.get_object("private/a")
    assert "shared" not in str(denied.value.details)


def test_details_of_a_denial(server, owned):
    """The error names who asked for what, and what kind of policy refused."""
    raw = Raw(server.port)
    key_id, secret = KEYS["reader"]
    refused = raw.send("GET", owned.bucket_name, "shared/a", key_id=key_id, secret=secret)
    assert (refused.status, refused.code, refused.header("x-oss-ec")) == (403, "AccessDenied", "0003-00000202")
    told = {name: refused.element(name) for name in (
        "AuthAction", "AuthPrincipalType", "AuthPrincipalOwnerId", "AuthPrincipalDisplayName",
        "NoPermissionType", "PolicyType")}
    assert told == {
        "AuthAction": "oss:GetObject",
        "AuthPrincipalType": "SubUser",
        "AuthPrincipalOwnerId": OWNER,
        "AuthPrincipalDisplayName": "reader",
        "NoPermissionType": "ImplicitDeny",
        "PolicyType": "AccountLevelIdentityBasedPolicy",
    }
    owned.put_bucket_policy(document(statement("Deny", "oss:GetObject", arn(owned, "/*"), OTHER)))
    key_id, secret = KEYS["other"]
    refused = raw.send("GET", owned.bucket_name, "shared/a", key_id=key_id, secret=secret)
    assert refused.element("NoPermissionType") == "ExplicitDeny"
    assert refused.element("PolicyType") == "ResourceBasedPolicy"
    assert refused.element("AuthPrincipalType") == "Account"
