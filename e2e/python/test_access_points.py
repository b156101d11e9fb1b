"""Access points by alibabacloud-oss-v2, and their aliases by every client."""

import alibabacloud_oss_v2 as v2
import oss2
import pytest

from access import KEYS, OTHER, OWNER, Accounts, document, statement
from conftest import new_name
from harness import Raw

NETWORKS = """
[http]
suffixes = ["store.example.com"]
trusted_proxies = ["127.0.0.1"]
vpcs = { "vpc-t4nlw426y44rd3iq4" = ["10.9.0.0/16"] }
"""


@pytest.fixture(scope="module")
def server():
    with Accounts(NETWORKS) as server:
        yield server


@pytest.fixture
def bucket(server):
    name = new_name("points")
    bucket = server.oss2("owner", name)
    bucket.create_bucket()
    for key in ("shared/a", "private/a"):
        bucket.put_object(key, key.encode())
    yield bucket
    client = server.v2("owner")
    for point in listed(client, name):
        client.delete_access_point(v2.DeleteAccessPointRequest(bucket=name, access_point_name=point))
    bucket.delete_bucket_policy()
    for entry in oss2.ObjectIterator(bucket):
        bucket.delete_object(entry.key)
    bucket.delete_bucket()


def create(client, bucket, name="ap-01", vpc=None):
    created = client.create_access_point(v2.CreateAccessPointRequest(
        bucket=bucket,
        create_access_point_configuration=v2.CreateAccessPointConfiguration(
            access_point_name=name,
            network_origin="vpc" if vpc else "internet",
            vpc_configuration=v2.AccessPointVpcConfiguration(vpc_id=vpc) if vpc else None)))
    return created.alias


def put_policy(client, bucket, *statements, name="ap-01"):
    client.put_access_point_policy(v2.PutAccessPointPolicyRequest(
        bucket=bucket, access_point_name=name, body=document(*statements)))


def listed(client, bucket=None, **options):
    page = client.list_access_points(v2.ListAccessPointsRequest(bucket=bucket, **options))
    return [point.access_point_name for point in page.access_points or []]


def code_of(call):
    with pytest.raises(v2.exceptions.OperationError) as failed:
        call()
    return failed.value.unwrap().code


def objects(name="ap-01", rest="*"):
    return f"acs:oss:*:{OWNER}:accesspoint/{name}/object/{rest}"


def point(name="ap-01"):
    return f"acs:oss:*:{OWNER}:accesspoint/{name}"


def test_create_get_list_delete(server, bucket):
    client = server.v2("owner")
    alias = create(client, bucket.bucket_name)
    assert alias.startswith("ap-01-") and alias.endswith("-ossalias") and len(alias) <= 63
    got = client.get_access_point(v2.GetAccessPointRequest(bucket=bucket.bucket_name, access_point_name="ap-01"))
    assert (got.bucket, got.account_id, got.network_origin) == (bucket.bucket_name, OWNER, "internet")
    assert got.alias == alias
    assert got.access_point_arn == f"acs:oss:cn-hangzhou:{OWNER}:accesspoint/ap-01"
    create(client, bucket.bucket_name, "ap-02")
    assert listed(client, bucket.bucket_name) == ["ap-01", "ap-02"]
    assert listed(client, bucket.bucket_name, max_keys=1) == ["ap-01"]
    assert listed(server.v2("other")) == []
    assert code_of(lambda: create(client, bucket.bucket_name, "ap-02")) == "AccessPointAlreadyExists"
    with pytest.raises(oss2.exceptions.BucketNotEmpty):
        bucket.delete_object("shared/a")
        bucket.delete_object("private/a")
        bucket.delete_bucket()
    client.delete_access_point(v2.DeleteAccessPointRequest(bucket=bucket.bucket_name, access_point_name="ap-02"))
    missing = v2.GetAccessPointRequest(bucket=bucket.bucket_name, access_point_name="ap-02")
    assert code_of(lambda: client.get_access_point(missing)) == "NoSuchAccessPoint"
    assert code_of(lambda: client.delete_access_point(v2.DeleteAccessPointRequest(
        bucket=bucket.bucket_name, access_point_name="ap-02"))) == "NoSuchAccessPoint"


def test_policies_round_trip(server, bucket):
    client = server.v2("owner")
    create(client, bucket.bucket_name)
    get = v2.GetAccessPointPolicyRequest(bucket=bucket.bucket_name, access_point_name="ap-01")
    assert code_of(lambda: client.get_access_point_policy(get)) == "NoSuchAccessPointPolicy"
    text = document(statement("Allow", "oss:GetObject", objects(), OTHER))
    put_policy(client, bucket.bucket_name, statement("Allow", "oss:GetObject", objects(), OTHER))
    got = client.get_access_point_policy(get)
    assert (got.body if isinstance(got.body, str) else got.body.decode()) == text
    bad = v2.PutAccessPointPolicyRequest(bucket=bucket.bucket_name, access_point_name="ap-01", body="{}")
    assert code_of(lambda: client.put_access_point_policy(bad)) == "InvalidPolicyDocument"
    client.delete_access_point_policy(v2.DeleteAccessPointPolicyRequest(
        bucket=bucket.bucket_name, access_point_name="ap-01"))
    assert code_of(lambda: client.get_access_point_policy(get)) == "NoSuchAccessPointPolicy"


def test_both_sides_must_grant(server, bucket):
    """Bucket and access point: allow and allow is allow, anything else is not (reference 5.7)."""
    client = server.v2("owner")
    alias = create(client, bucket.bucket_name)
    through = server.oss2("other", alias)
    bucket_allow = statement(
        "Allow", "oss:*", [f"acs:oss:*:*:{bucket.bucket_name}", f"acs:oss:*:*:{bucket.bucket_name}/*"], OTHER)
    bucket_deny = statement("Deny", "oss:GetObject", f"acs:oss:*:*:{bucket.bucket_name}/*", OTHER)
    point_allow = statement("Allow", "oss:GetObject", objects(), OTHER)
    point_deny = statement("Deny", "oss:GetObject", objects(), OTHER)
    for of_bucket, of_point, expected in [
        (None, None, 403), (bucket_allow, None, 403), (None, point_allow, 403),
        (bucket_allow, point_allow, 200), (bucket_deny, point_allow, 403), (bucket_allow, point_deny, 403),
    ]:
        bucket.delete_bucket_policy()
        client.delete_access_point_policy(v2.DeleteAccessPointPolicyRequest(
            bucket=bucket.bucket_name, access_point_name="ap-01"))
        if of_bucket:
            bucket.put_bucket_policy(document(of_bucket))
        if of_point:
            put_policy(client, bucket.bucket_name, of_point)
        try:
            status = through.get_object("shared/a").status
        except oss2.exceptions.AccessDenied as denied:
            status = denied.status
        assert status == expected, (of_bucket, of_point)


def test_the_alias_in_every_address(server, bucket):
    """Path and virtual host, V1 and V4, reads, writes, lists, and as the source of a copy."""
    client = server.v2("owner")
    alias = create(client, bucket.bucket_name)
    put_policy(client, bucket.bucket_name,
               statement("Allow", "oss:*", [point(), objects()], OWNER))
    for signature in ("v1", "v2", "v4"):
        through = server.oss2("owner", alias, signature)
        assert through.get_object("shared/a").read() == b"shared/a"
        through.put_object("shared/new", b"new")
        keys = [entry.key for entry in through.list_objects_v2(prefix="shared/").object_list]
        assert keys == ["shared/a", "shared/new"]
        through.copy_object(alias, "shared/a", "shared/copy")
        assert bucket.get_object("shared/copy").read() == b"shared/a"
        through.batch_delete_objects(["shared/new", "shared/copy"])
    host = oss2.Bucket(oss2.AuthV4(*KEYS["owner"]), f"http://store.example.com:{server.port}", alias,
                       region="cn-hangzhou")
    assert host.get_object("shared/a").read() == b"shared/a"
    v2_got = client.get_object(v2.GetObjectRequest(bucket=alias, key="shared/a"))
    assert v2_got.body.read() == b"shared/a"
    # A door to objects, not to the settings of the bucket.
    with pytest.raises(oss2.exceptions.ServerError) as refused:
        server.oss2("owner", alias).put_bucket_acl("public-read")
    assert refused.value.code == "OperationNotSupported"
    with pytest.raises(oss2.exceptions.ServerError):
        server.oss2("owner", alias).delete_bucket()
    # The source counts on its own: through a door that does not grant, nothing is copied.
    put_policy(client, bucket.bucket_name, statement("Allow", "oss:PutObject", objects(), OWNER))
    with pytest.raises(oss2.exceptions.AccessDenied):
        bucket.copy_object(alias, "private/a", "shared/stolen")


def test_an_alias_dies_with_its_access_point(server, bucket):
    client = server.v2("owner")
    alias = create(client, bucket.bucket_name)
    put_policy(client, bucket.bucket_name, statement("Allow", "oss:*", [point(), objects()], OWNER))
    through = server.oss2("owner", alias)
    assert through.get_object("shared/a").read() == b"shared/a"
    client.delete_access_point(v2.DeleteAccessPointRequest(bucket=bucket.bucket_name, access_point_name="ap-01"))
    with pytest.raises(oss2.exceptions.NoSuchBucket):
        through.get_object("shared/a")
    assert create(client, bucket.bucket_name) != alias
    with pytest.raises(oss2.exceptions.NoSuchBucket):
        through.get_object("shared/a")
    with pytest.raises(oss2.exceptions.ServerError) as refused:
        server.oss2("owner", alias).create_bucket()
    assert refused.value.status in (400, 404)


def test_network_origin(server, bucket):
    """An access point of a VPC answers its own network only."""
    client = server.v2("owner")
    alias = create(client, bucket.bucket_name, vpc="vpc-t4nlw426y44rd3iq4")
    put_policy(client, bucket.bucket_name, statement("Allow", "oss:*", [point(), objects()], OWNER))
    through = server.oss2("owner", alias)
    with pytest.raises(oss2.exceptions.AccessDenied):
        through.get_object("shared/a")
    with pytest.raises(oss2.exceptions.AccessDenied):
        through.get_object("shared/a", headers={"X-Forwarded-For": "10.8.0.1"})
    assert through.get_object("shared/a", headers={"X-Forwarded-For": "10.9.0.1"}).read() == b"shared/a"


def test_a_bucket_can_hand_over_to_its_access_points(server, bucket):
    """`oss:DataAccessPointAccount`: what comes through a door of this account is the door's affair."""
    client = server.v2("owner")
    alias = create(client, bucket.bucket_name)
    bucket.put_bucket_policy(document(statement(
        "Allow", "oss:*", [f"acs:oss:*:*:{bucket.bucket_name}", f"acs:oss:*:*:{bucket.bucket_name}/*"],
        StringEquals={"oss:DataAccessPointAccount": [OWNER]})))
    put_policy(client, bucket.bucket_name, statement("Allow", "oss:GetObject", objects(rest="shared/*"), OTHER))
    through = server.oss2("other", alias)
    assert through.get_object("shared/a").read() == b"shared/a"
    for refused in (lambda: through.get_object("private/a"),
                    lambda: server.oss2("other", bucket.bucket_name).get_object("shared/a")):
        with pytest.raises(oss2.exceptions.AccessDenied):
            refused()


def test_its_own_block_of_public_access(server, bucket):
    client = server.v2("owner")
    alias = create(client, bucket.bucket_name)
    everybody = statement("Allow", "oss:GetObject", objects())
    bucket.put_bucket_policy(document(statement("Allow", "oss:GetObject", f"acs:oss:*:*:{bucket.bucket_name}/*")))
    put_policy(client, bucket.bucket_name, everybody)

    def anybody():
        return Raw(server.port).send("GET", alias, "shared/a", sign=False).status

    assert anybody() == 200
    client.put_access_point_public_access_block(v2.PutAccessPointPublicAccessBlockRequest(
        bucket=bucket.bucket_name, access_point_name="ap-01",
        public_access_block_configuration=v2.PublicAccessBlockConfiguration(block_public_access=True)))
    assert anybody() == 403
    got = client.get_access_point_public_access_block(v2.GetAccessPointPublicAccessBlockRequest(
        bucket=bucket.bucket_name, access_point_name="ap-01"))
    assert got.public_access_block_configuration.block_public_access is True
    assert code_of(lambda: put_policy(client, bucket.bucket_name, everybody)) == "AccessDenied"
    client.delete_access_point_public_access_block(v2.DeleteAccessPointPublicAccessBlockRequest(
        bucket=bucket.bucket_name, access_point_name="ap-01"))
    assert anybody() == 200
