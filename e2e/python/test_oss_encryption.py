"""Encryption at rest by the OSS SDKs: AES256, KMS and the bucket's default, and what lies on the disk."""

import hashlib
import io

import alibabacloud_oss_v2 as v2
import oss2
import pytest
from oss2.models import PartInfo, ServerSideEncryptionRule

from conftest import Osier, new_name, oss2_bucket, v2_client

MANAGED = {"x-oss-server-side-encryption": "AES256"}
KMS = {"x-oss-server-side-encryption": "KMS"}
WORD = b"a canary that nobody may find; "


def canary(length):
    return (WORD * (length // len(WORD) + 1))[:length]


def is_on_disk(server, needle):
    """Whether any file of the data directory, the database's logs included, has these bytes."""
    return any(needle in path.read_bytes() for path in server.data.rglob("*") if path.is_file())


@pytest.fixture
def server():
    with Osier() as running:
        yield running


@pytest.fixture
def plain(server):
    bucket = oss2_bucket(server, new_name())
    bucket.create_bucket()
    return bucket


def test_the_search_finds_what_is_in_the_clear(server, plain):
    plain.put_object("small", canary(100))
    assert is_on_disk(server, WORD)


@pytest.mark.parametrize("headers", [MANAGED, KMS], ids=["AES256", "KMS"])
def test_s40_no_way_of_writing_leaves_plaintext(server, plain, headers):
    whole = {}
    for length in (0, 40, 5000, 65520, 300_000):
        key = f"put-{length}"
        whole[key] = canary(length)
        put = plain.put_object(key, whole[key], headers=headers)
        assert put.headers["x-oss-server-side-encryption"] == headers["x-oss-server-side-encryption"]
    position = 0
    for length in (30, 4000, 200_000, 5):
        position = plain.append_object("appended", position, canary(length), headers=headers).next_position
    whole["appended"] = b"".join(canary(length) for length in (30, 4000, 200_000, 5))
    upload = plain.init_multipart_upload("parts", headers=headers).upload_id
    parts = []
    for number in (1, 2):
        sent = plain.upload_part("parts", upload, number, canary(150_000 + number))
        parts.append(PartInfo(number, sent.etag))
    copied = plain.upload_part_copy(plain.bucket_name, "put-300000", (1000, 250_000), "parts", upload, 3)
    parts.append(PartInfo(3, copied.etag))
    plain.complete_multipart_upload("parts", upload, parts)
    whole["parts"] = canary(150_001) + canary(150_002) + canary(300_000)[1000:250_001]
    plain.copy_object(plain.bucket_name, "parts", "copy", headers=headers)
    whole["copy"] = whole["parts"]
    form = {"key": "posted", **headers}
    posted = post(server, plain.bucket_name, form, canary(700))
    assert posted.status == 204, posted
    whole["posted"] = canary(700)
    assert not is_on_disk(server, WORD)
    for key, body in whole.items():
        # oss2 compares the CRC-64 of what it read with the header: that of the plaintext.
        assert plain.get_object(key).read() == body
        told = plain.head_object(key)
        assert told.headers["x-oss-server-side-encryption"] == headers["x-oss-server-side-encryption"]
        if len(body) > 1000:
            assert plain.get_object(key, byte_range=(900, 1100)).read() == body[900:1101]
    server.stop()
    assert not is_on_disk(server, WORD)
    server.start()
    assert plain.get_object("parts").read() == whole["parts"]
    assert server.command("fsck").returncode == 0


def post(server, bucket, fields, body):
    """A browser's form, signed V1."""
    import base64
    import hmac
    import json

    from conftest import KEY_ID, SECRET, Raw
    policy = base64.b64encode(json.dumps({
        "expiration": "2999-01-01T00:00:00.000Z", "conditions": [{"bucket": bucket}]}).encode()).decode()
    signature = base64.b64encode(hmac.new(SECRET.encode(), policy.encode(), hashlib.sha1).digest()).decode()
    fields = {**fields, "OSSAccessKeyId": KEY_ID, "policy": policy, "Signature": signature}
    mark = "a-boundary"
    text = b"".join(
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items())
    text += f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'.encode()
    text += body + f"\r\n--{mark}--\r\n".encode()
    return Raw(server.port).send(
        "POST", bucket, headers={"Content-Type": f"multipart/form-data; boundary={mark}"}, body=text, sign=False)


def test_the_default_of_the_bucket_by_oss2(server, plain):
    with pytest.raises(oss2.exceptions.NoSuchServerSideEncryptionRule):
        plain.get_bucket_encryption()
    plain.put_object("before", b"1")
    rule = ServerSideEncryptionRule("AES256")
    plain.put_bucket_encryption(rule)
    assert plain.get_bucket_encryption().sse_algorithm == "AES256"
    body = canary(200)
    put = plain.put_object("k", body)
    assert put.headers["x-oss-server-side-encryption"] == "AES256"
    assert put.etag == hashlib.md5(body).hexdigest().upper()
    assert "x-oss-server-side-encryption" not in plain.head_object("before").headers
    # Encrypted from now on, also what is copied.
    plain.copy_object(plain.bucket_name, "before", "before-copy")
    assert plain.head_object("before-copy").headers["x-oss-server-side-encryption"] == "AES256"
    plain.put_bucket_encryption(ServerSideEncryptionRule("KMS"))
    told = plain.get_bucket_encryption()
    assert (told.sse_algorithm, told.kms_master_keyid or None) == ("KMS", None)
    put = plain.put_object("k", body)
    assert put.headers["x-oss-server-side-encryption"] == "KMS"
    assert put.headers["x-oss-server-side-encryption-key-id"] == "default"
    assert plain.get_bucket_info().bucket_encryption_rule.sse_algorithm == "KMS"
    plain.delete_bucket_encryption()
    assert "x-oss-server-side-encryption" not in plain.put_object("k", body).headers
    assert plain.get_object("k").read() == body


def test_refusals_by_oss2(server, plain):
    for headers, code in [
        ({"x-oss-server-side-encryption": "SM4"}, "InvalidEncryptionAlgorithmError"),
        ({"x-oss-server-side-encryption": "aes256"}, "InvalidEncryptionAlgorithmError"),
        ({**KMS, "x-oss-server-side-data-encryption": "SM4"}, "InvalidEncryptionAlgorithmError"),
        ({**MANAGED, "x-oss-server-side-encryption-key-id": "default"}, "InvalidEncryptionRequest"),
        ({"x-oss-server-side-encryption-key-id": "default"}, "InvalidEncryptionRequest"),
        ({**KMS, "x-oss-server-side-encryption-key-id": "nobody-s"}, "InvalidEncryptionRequest"),
        ({"x-oss-server-side-encryption-customer-key": "AAAA"}, "NotImplemented"),
    ]:
        with pytest.raises(oss2.exceptions.ServerError) as refused:
            plain.put_object("k", b"1", headers=headers)
        assert (refused.value.status, refused.value.code) == (400, code), headers
    assert not plain.object_exists("k")


def test_by_v2(server):
    client = v2_client(server)
    bucket = new_name()
    client.put_bucket(v2.PutBucketRequest(bucket=bucket))
    put = client.put_object(v2.PutObjectRequest(
        bucket=bucket, key="k", body=canary(100_000), server_side_encryption="KMS"))
    assert put.status_code == 200
    head = client.head_object(v2.HeadObjectRequest(bucket=bucket, key="k"))
    assert (head.server_side_encryption, head.server_side_encryption_key_id) == ("KMS", "default")
    assert client.get_object(v2.GetObjectRequest(bucket=bucket, key="k")).body.content == canary(100_000)
    client.put_bucket_encryption(v2.PutBucketEncryptionRequest(
        bucket=bucket,
        server_side_encryption_rule=v2.ServerSideEncryptionRule(
            apply_server_side_encryption_by_default=v2.ApplyServerSideEncryptionByDefault(sse_algorithm="AES256"))))
    rule = client.get_bucket_encryption(v2.GetBucketEncryptionRequest(bucket=bucket)).server_side_encryption_rule
    assert rule.apply_server_side_encryption_by_default.sse_algorithm == "AES256"
    uploader = client.uploader(part_size=200 * 1024, parallel_num=2)
    body = canary(1_000_000)
    uploader.upload_from(v2.PutObjectRequest(bucket=bucket, key="large"), io.BytesIO(body))
    head = client.head_object(v2.HeadObjectRequest(bucket=bucket, key="large"))
    assert (head.object_type, head.server_side_encryption) == ("Multipart", "AES256")
    assert client.get_object(v2.GetObjectRequest(bucket=bucket, key="large")).body.content == body
    assert not is_on_disk(server, WORD)
    client.delete_bucket_encryption(v2.DeleteBucketEncryptionRequest(bucket=bucket))


def test_master_keys_lie_apart_and_must_come_back(server, plain):
    keys = server.data.with_name(server.data.name + ".keys")
    assert keys.stat().st_mode & 0o777 == 0o600
    plain.put_object("k", canary(100), headers=MANAGED)
    server.stop()
    kept = keys.read_bytes()
    keys.unlink()
    assert "the master keys of this store are not at" in refused_start(server)
    keys.write_bytes(flipped(kept))
    assert "is not the key that was used before" in refused_start(server)
    keys.write_bytes(kept)
    server.start()
    assert plain.get_object("k").read() == canary(100)
    server.stop()
    added = server.command("master-key", "add", "team")
    assert added.returncode == 0, added.stderr
    assert server.command("master-key", "rotate", "managed").returncode == 0
    listed = server.command("master-key").stdout
    assert listed.splitlines() == ["default 1", "managed 2", "team 1"]
    server.start()
    assert plain.get_object("k").read() == canary(100)
    put = plain.put_object("t", b"1", headers={**KMS, "x-oss-server-side-encryption-key-id": "team"})
    assert put.headers["x-oss-server-side-encryption-key-id"] == "team"


def refused_start(server):
    """What a server says that does not start."""
    ended = server.command(
        "serve", "--listen", f"127.0.0.1:{server.port}", "--console-listen", f"127.0.0.1:{server.console_port}")
    assert ended.returncode == 1, ended
    return ended.stderr


def flipped(keys):
    """The same file with one other digit in the key `managed`."""
    lines = keys.splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if line.startswith(b"managed 1 "))
    digit = lines[at][10:11]
    lines[at] = b"managed 1 " + (b"1" if digit == b"0" else b"0") + lines[at][11:]
    return b"".join(lines)
