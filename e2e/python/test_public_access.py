"""Block Public Access of account, bucket and access point, by both SDKs."""

import alibabacloud_oss_v2 as v2
import oss2
import pytest

from access import Accounts, document, statement
from conftest import new_name
from harness import Raw


@pytest.fixture(scope="module")
def server():
    with Accounts() as server:
        yield server


@pytest.fixture
def bucket(server):
    name = new_name("block")
    bucket = server.oss2("owner", name)
    bucket.create_bucket("public-read")
    bucket.put_object("k", b"public")
    yield bucket
    client = server.v2("owner")
    client.delete_public_access_block(v2.DeletePublicAccessBlockRequest())
    bucket.delete_object("k")
    bucket.delete_bucket()


def anybody(server, bucket):
    return Raw(server.port).send("GET", bucket.bucket_name, "k", sign=False)


def block(client, bucket, on):
    client.put_bucket_public_access_block(v2.PutBucketPublicAccessBlockRequest(
        bucket=bucket.bucket_name,
        public_access_block_configuration=v2.PublicAccessBlockConfiguration(block_public_access=on)))


def block_account(client, on):
    client.put_public_access_block(v2.PutPublicAccessBlockRequest(
        public_access_block_configuration=v2.PublicAccessBlockConfiguration(block_public_access=on)))


def refused(call):
    with pytest.raises(oss2.exceptions.AccessDenied) as denied:
        call()
    return denied.value.details["EC"]


def test_a_new_bucket_is_not_blocked(server, bucket):
    client = server.v2("owner")
    got = client.get_bucket_public_access_block(v2.GetBucketPublicAccessBlockRequest(bucket=bucket.bucket_name))
    assert got.public_access_block_configuration.block_public_access is False
    account = client.get_public_access_block(v2.GetPublicAccessBlockRequest())
    assert account.public_access_block_configuration.block_public_access is False
    assert anybody(server, bucket).status == 200


def test_lists_and_policies_stop_to_count_and_come_back(server, bucket):
    client = server.v2("owner")
    block(client, bucket, True)
    info = client.get_bucket_info(v2.GetBucketInfoRequest(bucket=bucket.bucket_name))
    assert info.bucket_info.block_public_access is True
    assert anybody(server, bucket).status == 403
    assert bucket.get_object("k").read() == b"public"
    assert bucket.get_bucket_acl().acl == "public-read"
    block(client, bucket, False)
    assert anybody(server, bucket).status == 200
    bucket.put_bucket_acl("private")
    bucket.put_bucket_policy(document(statement("Allow", "oss:GetObject", f"acs:oss:*:*:{bucket.bucket_name}/*")))
    assert anybody(server, bucket).status == 200
    block(client, bucket, True)
    assert anybody(server, bucket).status == 403
    client.delete_bucket_public_access_block(v2.DeleteBucketPublicAccessBlockRequest(bucket=bucket.bucket_name))
    assert anybody(server, bucket).status == 200
    bucket.delete_bucket_policy()


def test_nothing_can_be_opened_while_it_is_on(server, bucket):
    client = server.v2("owner")
    bucket.put_bucket_acl("private")
    block(client, bucket, True)
    public = oss2.OBJECT_ACL_PUBLIC_READ
    open_policy = document(statement("Allow", "oss:GetObject", f"acs:oss:*:*:{bucket.bucket_name}/*"))
    for opening in (
        lambda: bucket.put_bucket_acl("public-read"),
        lambda: bucket.create_bucket("public-read-write"),
        lambda: bucket.put_object("k", b"x", headers={"x-oss-object-acl": public}),
        lambda: bucket.put_object_acl("k", public),
        lambda: bucket.append_object("a", 0, b"x", headers={"x-oss-object-acl": public}),
        lambda: bucket.copy_object(bucket.bucket_name, "k", "c", headers={"x-oss-object-acl": public}),
        lambda: bucket.put_symlink("k", "s", headers={"x-oss-object-acl": public}),
        lambda: bucket.init_multipart_upload("m", headers={"x-oss-object-acl": public}),
        lambda: bucket.put_bucket_policy(open_policy),
    ):
        assert refused(opening) == "0003-00000801"
    assert bucket.get_object("k").read() == b"public"
    # What opens nothing may be done.
    bucket.put_bucket_acl("private")
    bucket.put_object("k", b"public", headers={"x-oss-object-acl": "private"})
    bucket.put_bucket_policy(document(
        statement("Deny", "oss:DeleteObject", f"acs:oss:*:*:{bucket.bucket_name}/keep/*"),
        statement("Allow", "oss:GetObject", f"acs:oss:*:*:{bucket.bucket_name}/*", "1000000000000008")))
    bucket.delete_bucket_policy()
    block(client, bucket, False)
    bucket.put_bucket_acl("public-read")


def test_the_account_covers_all_its_buckets(server, bucket):
    client = server.v2("owner")
    block_account(client, True)
    assert anybody(server, bucket).status == 403
    assert refused(lambda: bucket.put_bucket_acl("public-read-write")) == "0003-00000801"
    assert refused(lambda: server.oss2("owner", new_name("block")).create_bucket("public-read")) == "0003-00000801"
    # Another account's buckets are its own affair.
    theirs = server.oss2("other", new_name("block"))
    theirs.create_bucket("public-read")
    theirs.put_object("k", b"")
    assert anybody(server, theirs).status == 200
    theirs.delete_object("k")
    theirs.delete_bucket()
    client.delete_public_access_block(v2.DeletePublicAccessBlockRequest())
    assert anybody(server, bucket).status == 200


def test_only_who_may_turns_it_off(server, bucket):
    block(server.v2("owner"), bucket, True)
    for who in ("other", "nobody"):
        with pytest.raises(v2.exceptions.OperationError) as denied:
            block(server.v2(who), bucket, False)
        assert denied.value.unwrap().code == "AccessDenied"
    with pytest.raises(v2.exceptions.OperationError):
        block_account(server.v2("nobody"), False)
    assert anybody(server, bucket).status == 403
    block(server.v2("owner"), bucket, False)


def test_a_setting_blocks_new_buckets():
    with Accounts("[access]\nblock_public_access = true\n") as server:
        bucket = server.oss2("owner", new_name("block"))
        assert refused(lambda: bucket.create_bucket("public-read")) == "0003-00000801"
        bucket.create_bucket()
        client = server.v2("owner")
        got = client.get_bucket_public_access_block(v2.GetBucketPublicAccessBlockRequest(bucket=bucket.bucket_name))
        assert got.public_access_block_configuration.block_public_access is True
        assert refused(lambda: bucket.put_bucket_acl("public-read")) == "0003-00000801"
        block(client, bucket, False)
        bucket.put_bucket_acl("public-read")
