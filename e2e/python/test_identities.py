"""A server whose accounts come from one file: who may do what through the store's SDKs, the
audit log, keys by the command line, proxies, and secrets that are nowhere to be found."""

import datetime
import json
import pathlib
import re
import signal
import time

import alibabacloud_oss_v2 as v2
import oss2
import pytest
import requests

from control import document, forbidden, ram, statement, sts, trust
from harness import REGION, Osier, Raw

ACCOUNT, OTHER = "1234567890123456", "2039173858490001"
BUCKET, THEIRS = "myapp-prod-media", "partner-media"
ROOT = ("media-root", "canary-media-root-secret")
PARTNER = ("partner-root", "canary-partner-root-secret")
APP = ("app-oss-user", "canary-app-secret-1")
FORGETFUL = ("forgetful", "canary-forgetful-secret")
UPLOADER = ("uploader", "canary-uploader-secret")
LOCAL = ("local-only", "canary-local-secret")

OBJECTS = ["oss:PutObject", "oss:GetObject", "oss:DeleteObject", "oss:ListObjects"]
WHOLE = [f"acs:oss:*:*:{BUCKET}", f"acs:oss:*:*:{BUCKET}/*"]
FROM_OFFICE = {"IpAddress": {"acs:SourceIp": ["203.0.113.0/24"]}, "Bool": {"acs:SecureTransport": "true"}}


def user(key, policy, groups="[]"):
    return f"""
[[account.policy]]
name = "{key[0]}-policy"
document = '''{policy}'''
[[account.user]]
name = "{key[0]}"
groups = {groups}
policies = ["{key[0]}-policy"]
[[account.user.key]]
id = "{key[0]}"
secret = "{key[1]}"
"""


SEED = f"""
[[account]]
id = "{ACCOUNT}"
display_name = "media"
email = "media@example.com"
[[account.key]]
id = "{ROOT[0]}"
secret = "{ROOT[1]}"
[[account.bucket]]
name = "{BUCKET}"
[[account.role]]
name = "oss-upload-role"
trust = '{trust(f"acs:ram::{ACCOUNT}:root")}'
policies = ["AliyunOSSFullAccess"]
{user(APP, document(statement("Allow", OBJECTS, WHOLE)))}
{user(FORGETFUL, document(statement("Allow", OBJECTS, WHOLE[1:])))}
{user(UPLOADER, document(statement("Allow", ["sts:AssumeRole"], ["acs:ram:*:*:role/oss-upload-role"])))}
{user(LOCAL, document(statement("Allow", ["oss:GetObject"], ["*"], Condition=FROM_OFFICE)))}

[[account]]
id = "{OTHER}"
display_name = "partner"
[[account.key]]
id = "{PARTNER[0]}"
secret = "{PARTNER[1]}"
[[account.bucket]]
name = "{THEIRS}"
acl = "public-read"
"""


@pytest.fixture(scope="module")
def audit_log(tmp_path_factory):
    return tmp_path_factory.mktemp("audit") / "audit.log"


@pytest.fixture(scope="module")
def company(audit_log):
    settings = f"""
[http]
trusted_proxies = ["127.0.0.1"]
[log]
filter = "trace"
[audit]
file = "{audit_log}"
"""
    server = Osier(settings=settings, seed=SEED)
    with server:
        yield server
    assert server.process.returncode == 0, server.log()


def bucket_of(server, key, name=BUCKET, signature="v1", token=None):
    if token:
        auth = oss2.StsAuth(*key, token, auth_version=signature)
    else:
        auth = {"v1": oss2.Auth, "v2": oss2.AuthV2, "v4": oss2.AuthV4}[signature](*key)
    return oss2.Bucket(auth, server.endpoint, name, region=REGION)


def v2_client(server, key, token=None, signature="v4"):
    config = v2.config.load_default()
    config.credentials_provider = v2.credentials.StaticCredentialsProvider(*key, token)
    config.region = REGION
    config.endpoint = server.endpoint
    config.signature_version = signature
    config.retry_max_attempts = 1
    return v2.Client(config)


def assumed(server, policy=None, seconds=900):
    taken = sts(server, UPLOADER).AssumeRole(
        role_arn=f"acs:ram::{ACCOUNT}:role/oss-upload-role", role_session_name="user-12345-upload",
        duration_seconds=seconds, policy=policy).credentials
    return (taken.access_key_id, taken.access_key_secret), taken.security_token


ONE_PREFIX = document(statement("Allow", ["oss:PutObject"], [f"acs:oss:*:*:{BUCKET}/uploads/user-12345/*"]))


def v2_refused(call):
    with pytest.raises(v2.exceptions.OperationError) as caught:
        call()
    error = caught.value.unwrap()
    assert (error.status_code, error.code) == (403, "AccessDenied"), error
    return error


# --- users --------------------------------------------------------------------------------


@pytest.mark.parametrize("signature", ["v1", "v2", "v4"])
def test_an_application_has_its_bucket_and_nothing_else(company, signature):
    mine = bucket_of(company, APP, signature=signature)
    mine.put_object("a.txt", b"hello")
    assert mine.get_object("a.txt").read() == b"hello"
    assert "a.txt" in [it.key for it in oss2.ObjectIterator(mine)]
    mine.delete_object("a.txt")
    forbidden(mine.get_bucket_acl)
    forbidden(mine.delete_bucket)
    forbidden(mine.get_object_acl, "a.txt")
    forbidden(bucket_of(company, APP, "some-new-bucket", signature).create_bucket)
    forbidden(bucket_of(company, APP, THEIRS, signature).put_object, "a", b"")
    url = mine.sign_url("PUT", "signed.txt", 60, slash_safe=True)
    assert requests.put(url, data=b"by url", timeout=30).status_code == 200
    assert requests.get(mine.sign_url("GET", "signed.txt", 60, slash_safe=True), timeout=30).content == b"by url"
    url = bucket_of(company, FORGETFUL, THEIRS, signature).sign_url("DELETE", "x", 60, slash_safe=True)
    assert requests.delete(url, timeout=30).status_code == 403


@pytest.mark.parametrize("signature", ["v1", "v4"])
def test_an_application_by_the_second_sdk(company, signature):
    client = v2_client(company, APP, signature=signature)
    client.put_object(v2.PutObjectRequest(bucket=BUCKET, key="v2.txt", body=b"hello"))
    assert client.get_object(v2.GetObjectRequest(bucket=BUCKET, key="v2.txt")).body.read() == b"hello"
    client.list_objects_v2(v2.ListObjectsV2Request(bucket=BUCKET))
    v2_refused(lambda: client.put_bucket_acl(v2.PutBucketAclRequest(bucket=BUCKET, acl="public-read")))
    v2_refused(lambda: client.put_object(v2.PutObjectRequest(bucket=THEIRS, key="a", body=b"")))
    signed = client.presign(v2.GetObjectRequest(bucket=BUCKET, key="v2.txt"))
    assert requests.get(signed.url, timeout=30).content == b"hello"


def test_the_forgotten_bucket_resource_is_named(company):
    """The tutorial's classic mistake: only `bucket/*`, so that listing is denied."""
    mine = bucket_of(company, FORGETFUL)
    mine.put_object("b.txt", b"hello")
    error = forbidden(mine.list_objects)
    detail = error.details["AccessDeniedDetail"] if "AccessDeniedDetail" in error.details else error.body
    assert f"acs:oss:*:*:{BUCKET}" in str(detail) and "oss:ListObjects" in str(detail)


def test_accounts_own_their_buckets(company):
    ours, theirs = (oss2.Service(oss2.Auth(*key), company.endpoint) for key in (ROOT, PARTNER))
    assert [it.name for it in ours.list_buckets().buckets] == [BUCKET]
    assert [it.name for it in theirs.list_buckets().buckets] == [THEIRS]
    assert ours.list_buckets().owner.id == ACCOUNT
    forbidden(bucket_of(company, PARTNER).list_objects)
    bucket_of(company, PARTNER, THEIRS).put_object("shared.txt", b"hello")
    assert bucket_of(company, ROOT, THEIRS).get_object("shared.txt").read() == b"hello"
    forbidden(bucket_of(company, ROOT, THEIRS).delete_object, "shared.txt")


# --- sessions -----------------------------------------------------------------------------


@pytest.mark.parametrize("signature", ["v1", "v2", "v4"])
def test_a_session_by_oss2(company, signature):
    key, token = assumed(company, ONE_PREFIX)
    mine = bucket_of(company, key, signature=signature, token=token)
    mine.put_object("uploads/user-12345/a.txt", b"hello")
    for other in ("uploads/user-1/a.txt", "a.txt"):
        forbidden(mine.put_object, other, b"")
    forbidden(mine.get_object, "uploads/user-12345/a.txt")
    url = mine.sign_url("PUT", "uploads/user-12345/b.txt", 60, slash_safe=True)
    assert requests.put(url, data=b"by url", timeout=30).status_code == 200
    without = re.sub(r"([?&])(x-oss-)?security-token=[^&]*", r"\1x=y", url)
    assert without != url and requests.put(without, data=b"", timeout=30).status_code == 403
    upload = oss2.resumable_upload
    assert upload is not None


@pytest.mark.parametrize("signature", ["v1", "v4"])
def test_a_session_by_the_second_sdk(company, signature):
    key, token = assumed(company, ONE_PREFIX)
    client = v2_client(company, key, token, signature)
    client.put_object(v2.PutObjectRequest(bucket=BUCKET, key="uploads/user-12345/v2.txt", body=b"hello"))
    v2_refused(lambda: client.put_object(v2.PutObjectRequest(bucket=BUCKET, key="v2.txt", body=b"")))
    v2_refused(lambda: client.get_object(v2.GetObjectRequest(bucket=BUCKET, key="uploads/user-12345/v2.txt")))
    signed = client.presign(v2.PutObjectRequest(bucket=BUCKET, key="uploads/user-12345/v2-url.txt"))
    assert requests.put(signed.url, data=b"by url", headers=signed.signed_headers, timeout=30).status_code == 200


def test_a_session_in_a_form(company):
    import base64
    import hashlib
    import hmac
    key, token = assumed(company, ONE_PREFIX)
    end = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    policy = base64.b64encode(json.dumps({"expiration": end, "conditions": [{"bucket": BUCKET}]}).encode()).decode()
    signature = base64.b64encode(hmac.new(key[1].encode(), policy.encode(), hashlib.sha1).digest()).decode()

    def post(name, **changed):
        fields = {"key": name, "policy": policy, "OSSAccessKeyId": key[0], "Signature": signature,
                  "x-oss-security-token": token, **changed}
        fields = {field: value for field, value in fields.items() if value is not None}
        return requests.post(f"{company.endpoint}/{BUCKET}", data=fields, files={"file": b"hello"}, timeout=30)

    assert post("uploads/user-12345/form.txt").status_code == 204
    assert post("form.txt").status_code == 403
    for wrong in (None, "", token[:-8], assumed(company)[1]):
        answer = post("uploads/user-12345/form.txt", **{"x-oss-security-token": wrong})
        assert answer.status_code == 403, wrong


def test_s45_tokens_that_are_wrong(company):
    key, token = assumed(company)
    bucket_of(company, key, token=token).list_objects()
    for wrong, code in [(token[:-4] + "AAAA", "InvalidSecurityToken"), ("nonsense", "InvalidSecurityToken")]:
        with pytest.raises(oss2.exceptions.ServerError) as caught:
            bucket_of(company, key, token=wrong).list_objects()
        assert (caught.value.status, caught.value.code) == (403, code)
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        bucket_of(company, key).list_objects()
    assert (caught.value.status, caught.value.code) == (403, "InvalidAccessKeyId")


# --- where requests come from -------------------------------------------------------------


def test_s13_only_listed_proxies_say_where_a_request_comes_from(company):
    raw = Raw(company.port)
    bucket_of(company, ROOT).put_object("office.txt", b"hello")

    def get(**headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return raw.send("GET", BUCKET, "office.txt", headers=headers, key_id=LOCAL[0], secret=LOCAL[1]).status

    assert get() == 403
    assert get(x_forwarded_for="203.0.113.9", x_forwarded_proto="https") == 200
    assert get(x_forwarded_for="203.0.113.9", x_forwarded_proto="http") == 403
    # What stands further left was written by the client.
    assert get(x_forwarded_for="203.0.113.9, 198.51.100.1", x_forwarded_proto="https") == 403
    assert get(x_real_ip="203.0.113.9", x_forwarded_proto="https") == 403


def test_s13_a_stranger_can_not_say_where_it_comes_from(tmp_path):
    with Osier(seed=SEED) as server:
        bucket_of(server, ROOT).put_object("office.txt", b"hello")
        answer = Raw(server.port).send(
            "GET", BUCKET, "office.txt", key_id=LOCAL[0], secret=LOCAL[1],
            headers={"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"})
        assert answer.status == 403


# --- the file, the command line -----------------------------------------------------------


def test_a_second_start_changes_nothing(tmp_path):
    with Osier(seed=SEED) as server:
        mine = bucket_of(server, APP)
        mine.put_object("kept.txt", b"hello")
        made = ram(server, ROOT).CreateAccessKey(user_name=APP[0]).access_key
        before = server.command("key", "list").stdout
        server.stop()
        server.start()
        assert server.command("key", "list").stdout == before
        again = bucket_of(server, (made.access_key_id, made.access_key_secret))
        assert again.get_object("kept.txt").read() == b"hello"


def test_a_wrong_file_is_told_with_its_place(tmp_path):
    server = Osier(seed=SEED.replace("oss:DeleteObject", "oss DeleteObject"))
    with pytest.raises(RuntimeError) as caught:
        server.start()
    text = str(caught.value)
    assert re.search(r"accounts\.toml`, line \d+, column \d+: ", text) and "canary" not in text


def test_keys_by_the_command_line(tmp_path):
    with Osier(seed=SEED) as server:
        made = server.command("key", "create", "--account", ACCOUNT, "--user", APP[0])
        assert made.returncode == 0, made.stderr
        key = re.fullmatch(r"AccessKeyId: (\S+)\nAccessKeySecret: (\S+)\n", made.stdout).groups()
        mine = bucket_of(server, key)
        mine.put_object("a", b"")
        assert key[0] in server.command("key", "list").stdout and key[1] not in server.command("key", "list").stdout
        for command, works in [("disable", False), ("enable", True), ("delete", False)]:
            assert server.command("key", command, key[0]).returncode == 0
            if works:
                mine.put_object("a", b"")
                continue
            with pytest.raises(oss2.exceptions.ServerError) as caught:
                mine.put_object("a", b"")
            assert caught.value.code == "InvalidAccessKeyId"
        unknown = server.command("key", "disable", key[0])
        assert unknown.returncode == 1 and "there is no key" in unknown.stderr
        rotate = server.command("key", "rotate")
        assert rotate.returncode == 1 and "environment" in rotate.stderr
        # Without a server, too.
        server.stop()
        assert server.command("key", "disable", APP[0]).returncode == 0
        server.start()
        assert re.search(rf"{APP[0]}\t.*\tActive", server.command("key", "list").stdout), "the file says active"


def test_the_vault_key_must_be_there(tmp_path):
    vault = tmp_path / "vault-key"
    settings = f'[identity]\nvault_key = "{vault}"\n'
    server = Osier(settings=settings, seed=SEED)
    with server:
        assert vault.stat().st_mode & 0o777 == 0o600
        assert not (server.data / "vault-key").exists()
    kept = vault.read_text()
    vault.unlink()
    with pytest.raises(RuntimeError) as caught:
        server.start()
    assert "vault-key` with their key is missing" in str(caught.value)
    vault.write_text("A" * 43 + "=\n")
    with pytest.raises(RuntimeError) as caught:
        server.start()
    assert "sealed with another key" in str(caught.value)
    vault.write_text(kept)
    with server:
        bucket_of(server, APP).list_objects()


# --- the audit log ------------------------------------------------------------------------


def entries(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def entry_of(path, request_id, seconds=10):
    """The line of a request; it is written by another thread."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = [entry for entry in entries(path) if entry["request_id"] == request_id]
        if found:
            return found[0]
    raise AssertionError(f"{request_id} is not in the audit log")


def test_every_request_leaves_a_line(company, audit_log):
    put = bucket_of(company, APP).put_object("audited.txt", b"hello")
    line = entry_of(audit_log, put.request_id)
    assert line["identity"] == f"acs:ram::{ACCOUNT}:user/{APP[0]}" and line["access_key_id"] == APP[0]
    assert line["accesses"] == [{
        "action": "oss:PutObject", "resource": f"acs:oss:*:*:{BUCKET}/audited.txt", "version": None, "refused": False}]
    assert (line["decision"], line["status"], line["source"], line["code"]) == ("granted", 200, "127.0.0.1", None)
    error = forbidden(bucket_of(company, FORGETFUL).list_objects)
    line = entry_of(audit_log, error.request_id)
    assert (line["decision"], line["status"], line["code"]) == ("refused", 403, "AccessDenied")
    assert line["accesses"][0]["refused"] and line["accesses"][0]["action"] == "oss:ListObjects"
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        bucket_of(company, (APP[0], "wrong-secret")).list_objects()
    line = entry_of(audit_log, caught.value.request_id)
    assert (line["decision"], line["identity"], line["code"]) == ("refused", None, "SignatureDoesNotMatch")
    key, token = assumed(company)
    done = bucket_of(company, key, token=token).list_objects()
    line = entry_of(audit_log, done.request_id)
    assert line["identity"] == f"acs:ram::{ACCOUNT}:assumed-role/oss-upload-role/user-12345-upload"
    told = ram(company, ROOT).GetUser(user_name=APP[0])
    line = entry_of(audit_log, told.request_id)
    assert line["accesses"][0]["action"] == "ram:GetUser" and line["decision"] == "granted"
    datetime.datetime.fromisoformat(line["time"])


def test_rotated_by_moving_and_a_signal(tmp_path):
    log = tmp_path / "audit.log"
    with Osier(settings=f'[audit]\nfile = "{log}"\n', seed=SEED) as server:
        mine = bucket_of(server, APP)
        before = mine.put_object("a", b"").request_id
        entry_of(log, before)
        log.rename(tmp_path / "audit.log.1")
        server.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 10
        while not log.exists():
            assert time.monotonic() < end
        after = [mine.put_object("a", b"").request_id for _ in range(20)]
    assert [entry["request_id"] for entry in entries(log)] == after
    assert [entry["request_id"] for entry in entries(tmp_path / "audit.log.1")] == [before]


# --- secrets ------------------------------------------------------------------------------


def test_s19_no_secret_is_anywhere(company, audit_log):
    """Runs last: after all that happened here, no secret is in any output or file."""
    made = ram(company, ROOT).CreateAccessKey(user_name=APP[0]).access_key
    bucket_of(company, (made.access_key_id, made.access_key_secret)).list_objects()
    key, token = assumed(company)
    bucket_of(company, key, token=token).list_objects()
    listed = company.command("key", "list")
    assert listed.returncode == 0
    vault = (company.data / "vault-key").read_text().strip()
    secrets = ["canary-", made.access_key_secret, key[1], token, vault]
    texts = {"audit log": audit_log.read_bytes(), "log": company.log_path.read_bytes(),
             "list": (listed.stdout + listed.stderr).encode(),
             "arguments": pathlib.Path(f"/proc/{company.process.pid}/cmdline").read_bytes()}
    for path in company.data.rglob("*"):
        if path.is_file() and path.name not in ("root-key.toml", "vault-key"):
            texts[str(path)] = path.read_bytes()
    for name, text in texts.items():
        for secret in secrets:
            assert secret.encode() not in text, f"a secret is in {name}"
