"""Retention and legal hold by the OSS SDKs: policies of buckets, and locks of versions."""

import datetime

import alibabacloud_oss_v2 as v2
import oss2
import pytest

from conftest import Osier, new_name, oss2_bucket, v2_client


@pytest.fixture(scope="module")
def server():
    """A server of its own: what is locked here can't be cleaned up."""
    with Osier() as running:
        yield running


@pytest.fixture
def bucket(server):
    bucket = oss2_bucket(server, new_name("worm"))
    bucket.create_bucket()
    return bucket


@pytest.fixture
def client(server):
    return v2_client(server)


@pytest.fixture
def locking(client):
    """A bucket with versions and object lock."""
    name = new_name("lock")
    client.put_bucket(v2.PutBucketRequest(bucket=name))
    client.put_bucket_versioning(v2.PutBucketVersioningRequest(
        bucket=name, versioning_configuration=v2.VersioningConfiguration(status="Enabled")))
    lock_by_default(client, name)
    return name


def lock_by_default(client, name, **default):
    rule = None
    if default:
        rule = v2.models.ObjectWormConfigurationRule(
            default_retention=v2.models.ObjectWormConfigurationRuleDefaultRetention(**default))
    client.put_bucket_object_worm_configuration(v2.models.PutBucketObjectWormConfigurationRequest(
        bucket=name, object_worm_configuration=v2.models.ObjectWormConfiguration(
            object_worm_enabled="Enabled", rule=rule)))


def later(days):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def code_of(call):
    with pytest.raises(v2.exceptions.OperationError) as refused:
        call()
    error = refused.value.unwrap()
    return (error.status_code, error.code)


IMMUTABLE = (409, "FileImmutable")


def test_a_policy_by_oss2(bucket):
    with pytest.raises(oss2.exceptions.ServerError) as unset:
        bucket.get_bucket_worm()
    assert unset.value.code == "NoSuchWORMConfiguration"
    bucket.put_object("k", b"1")
    worm = bucket.init_bucket_worm(1).worm_id
    told = bucket.get_bucket_worm()
    assert (told.worm_id, told.state, int(told.retention_period_days)) == (worm, "InProgress", 1)
    assert told.creation_date
    for refused in (
        lambda: bucket.delete_object("k"),
        lambda: bucket.put_object("k", b"2"),
        lambda: bucket.batch_delete_objects(["k"]),
        lambda: bucket.copy_object(bucket.bucket_name, "k", "k"),
    ):
        with pytest.raises(oss2.exceptions.ServerError) as immutable:
            refused()
        assert (immutable.value.status, immutable.value.code) == IMMUTABLE
    assert bucket.get_object("k").read() == b"1"
    with pytest.raises(oss2.exceptions.ServerError) as exists:
        bucket.init_bucket_worm(1)
    assert (exists.value.status, exists.value.code) == (409, "WORMConfigurationAlreadyExists")
    # Not locked yet, it can be taken back; then all is as before.
    bucket.abort_bucket_worm()
    bucket.delete_object("k")
    worm = bucket.init_bucket_worm(1).worm_id
    bucket.complete_bucket_worm(worm)
    assert bucket.get_bucket_worm().state == "Locked"
    with pytest.raises(oss2.exceptions.ServerError) as locked:
        bucket.abort_bucket_worm()
    assert (locked.value.status, locked.value.code) == (403, "WORMConfigurationLocked")
    bucket.extend_bucket_worm(worm, 3)
    assert int(bucket.get_bucket_worm().retention_period_days) == 3
    bucket.put_object("new", b"1")
    with pytest.raises(oss2.exceptions.ServerError):
        bucket.delete_object("new")


def test_a_policy_by_v2(client):
    name = new_name("worm")
    client.put_bucket(v2.PutBucketRequest(bucket=name))
    begun = client.initiate_bucket_worm(v2.models.InitiateBucketWormRequest(
        bucket=name, initiate_worm_configuration=v2.models.InitiateWormConfiguration(retention_period_in_days=5)))
    told = client.get_bucket_worm(v2.models.GetBucketWormRequest(bucket=name)).worm_configuration
    assert (told.worm_id, told.state, told.retention_period_in_days) == (begun.worm_id, "InProgress", 5)
    client.complete_bucket_worm(v2.models.CompleteBucketWormRequest(bucket=name, worm_id=begun.worm_id))
    client.extend_bucket_worm(v2.models.ExtendBucketWormRequest(
        bucket=name, worm_id=begun.worm_id,
        extend_worm_configuration=v2.models.ExtendWormConfiguration(retention_period_in_days=6)))
    told = client.get_bucket_worm(v2.models.GetBucketWormRequest(bucket=name)).worm_configuration
    assert (told.state, told.retention_period_in_days) == ("Locked", 6)
    client.put_object(v2.PutObjectRequest(bucket=name, key="k", body=b"1"))
    assert code_of(lambda: client.delete_object(v2.DeleteObjectRequest(bucket=name, key="k"))) == IMMUTABLE
    # Object lock would need versions, which such a bucket does not get.
    versions = v2.PutBucketVersioningRequest(
        bucket=name, versioning_configuration=v2.VersioningConfiguration(status="Enabled"))
    assert code_of(lambda: client.put_bucket_versioning(versions)) == (409, "InvalidBucketState")


def test_locks_of_versions_by_v2(server, client, locking):
    put = client.put_object(v2.PutObjectRequest(
        bucket=locking, key="k", body=b"kept",
        headers={"x-oss-object-worm-mode": "COMPLIANCE", "x-oss-object-worm-retain-until-date": later(2)}))
    version = put.version_id
    told = client.get_object_retention(v2.models.GetObjectRetentionRequest(
        bucket=locking, key="k", version_id=version)).retention
    assert told.mode == "COMPLIANCE"
    remove = v2.DeleteObjectRequest(bucket=locking, key="k", version_id=version)
    assert code_of(lambda: client.delete_object(remove)) == IMMUTABLE
    bypassing = v2.DeleteObjectRequest(
        bucket=locking, key="k", version_id=version, headers={"x-oss-bypass-governance-retention": "true"})
    assert code_of(lambda: client.delete_object(bypassing)) == IMMUTABLE

    def retain(mode, days, version=version, bypass=None):
        client.put_object_retention(v2.models.PutObjectRetentionRequest(
            bucket=locking, key="k", version_id=version, bypass_governance_retention=bypass,
            retention=v2.models.Retention(mode=mode, retain_until_date=later(days))))

    assert code_of(lambda: retain("COMPLIANCE", 1)) == IMMUTABLE
    assert code_of(lambda: retain("GOVERNANCE", 5, bypass=True)) == IMMUTABLE
    retain("COMPLIANCE", 3)
    # Deleting without a version adds a marker, as ever.
    client.delete_object(v2.DeleteObjectRequest(bucket=locking, key="k"))
    read = client.get_object(v2.GetObjectRequest(bucket=locking, key="k", version_id=version))
    assert read.body.content == b"kept"
    assert read.headers["x-oss-object-worm-mode"] == "COMPLIANCE"

    second = client.put_object(v2.PutObjectRequest(bucket=locking, key="k", body=b"2")).version_id
    retain("GOVERNANCE", 2, second)
    assert code_of(lambda: retain("GOVERNANCE", 1, second)) == IMMUTABLE
    retain("GOVERNANCE", 1, second, bypass=True)
    client.delete_object(v2.DeleteObjectRequest(
        bucket=locking, key="k", version_id=second, headers={"x-oss-bypass-governance-retention": "true"}))

    # Locks outlive the server.
    server.stop()
    server.start()
    assert code_of(lambda: client.delete_object(remove)) == IMMUTABLE


def test_legal_holds_by_v2(client, locking):
    version = client.put_object(v2.PutObjectRequest(bucket=locking, key="k", body=b"1")).version_id

    def hold(status):
        client.put_object_legal_hold(v2.models.PutObjectLegalHoldRequest(
            bucket=locking, key="k", version_id=version, legal_hold=v2.models.LegalHold(status=status)))

    ask = v2.models.GetObjectLegalHoldRequest(bucket=locking, key="k", version_id=version)
    assert code_of(lambda: client.get_object_legal_hold(ask))[0] == 404
    hold("ON")
    assert client.get_object_legal_hold(ask).legal_hold.status == "ON"
    remove = v2.DeleteObjectRequest(bucket=locking, key="k", version_id=version)
    assert code_of(lambda: client.delete_object(remove)) == IMMUTABLE
    hold("OFF")
    client.delete_object(remove)


def test_defaults_by_v2(client, locking):
    lock_by_default(client, locking, mode="GOVERNANCE", days=4)
    told = client.get_bucket_object_worm_configuration(
        v2.models.GetBucketObjectWormConfigurationRequest(bucket=locking)).object_worm_configuration
    assert told.object_worm_enabled == "Enabled"
    default = told.rule.default_retention
    assert (default.mode, default.days) == ("GOVERNANCE", 4)
    version = client.put_object(v2.PutObjectRequest(bucket=locking, key="k", body=b"1")).version_id
    retention = client.get_object_retention(v2.models.GetObjectRetentionRequest(
        bucket=locking, key="k", version_id=version)).retention
    assert (retention.mode, retention.retain_until_date[:10]) == ("GOVERNANCE", later(4)[:10])
    suspend = v2.PutBucketVersioningRequest(
        bucket=locking, versioning_configuration=v2.VersioningConfiguration(status="Suspended"))
    assert code_of(lambda: client.put_bucket_versioning(suspend)) == (409, "InvalidBucketState")
    assert code_of(lambda: client.delete_bucket(v2.DeleteBucketRequest(bucket=locking)))[1] == "BucketNotEmpty"


def test_a_bucket_without_object_lock(client):
    name = new_name("lock")
    client.put_bucket(v2.PutBucketRequest(bucket=name))
    assert code_of(lambda: lock_by_default(client, name)) == (409, "InvalidBucketState")
    put = v2.PutObjectRequest(bucket=name, key="k", body=b"1", headers={"x-oss-object-worm-legal-hold": "ON"})
    assert code_of(lambda: client.put_object(put)) == (400, "InvalidRequest")
    ask = v2.models.GetBucketObjectWormConfigurationRequest(bucket=name)
    assert code_of(lambda: client.get_bucket_object_worm_configuration(ask))[0] == 404
