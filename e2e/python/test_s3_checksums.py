"""Checksums of S3 by boto3: sent, verified, kept, told, put together from parts and copied."""

import base64
import hashlib
import zlib

import pytest

from harness import Raw
from s3_clients import client, refusal
from s3_signing import Signer, crc32, path_of

PART = b"0123456789abcdef" * 8192
ALGORITHMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]


@pytest.fixture
def bucket(name):
    return name


@pytest.fixture
def s3(osier):
    return client(osier)


def reflected(polynomial, width, bytes_):
    """A CRC, bit by bit: slow, and easy to believe."""
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (polynomial if byte & 1 else 0)
        table.append(byte)
    mask = (1 << width) - 1
    crc = mask
    for byte in bytes_:
        crc = table[(crc ^ byte) & 255] ^ (crc >> 8)
    return ((crc ^ mask) & mask).to_bytes(width // 8, "big")


def checksum(algorithm, body):
    raw = {
        "CRC32": lambda: zlib.crc32(body).to_bytes(4, "big"),
        "CRC32C": lambda: reflected(0x82F63B78, 32, body),
        "CRC64NVME": lambda: reflected(0x9A6C9329AC4BC9B5, 64, body),
        "SHA1": lambda: hashlib.sha1(body).digest(),
        "SHA256": lambda: hashlib.sha256(body).digest(),
    }[algorithm]()
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_checksum_is_verified_and_told(s3, bucket, algorithm):
    body = b"some bytes" * 1000
    value = checksum(algorithm, body)
    name = f"Checksum{algorithm}"
    put = s3.put_object(Bucket=bucket, Key="k", Body=body, **{name: value})
    assert (put[name], put["ChecksumType"]) == (value, "FULL_OBJECT")
    told = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (told[name], told["ChecksumType"]) == (value, "FULL_OBJECT")
    assert name not in s3.head_object(Bucket=bucket, Key="k")
    attributes = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["Checksum"])
    assert attributes["Checksum"][name] == value
    wrong = {name: checksum(algorithm, b"other")}
    assert refusal(s3.put_object, Bucket=bucket, Key="other", Body=body, **wrong) == (400, "BadDigest")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket, Prefix="other")


def test_what_clients_get_wrong(osier, s3, bucket):
    raw = Raw(osier.port)
    path = path_of(bucket, "k")

    def put(**headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return raw.exchange("PUT", path, Signer().headers("PUT", path, raw.host, headers=named), b"body")

    good = crc32(b"body")
    for headers, code in (
        ({"x_amz_checksum_crc32": "nonsense"}, "InvalidRequest"),
        ({"x_amz_checksum_crc32": good, "x_amz_checksum_sha1": checksum("SHA1", b"body")}, "InvalidRequest"),
        ({"x_amz_sdk_checksum_algorithm": "CRC32"}, "InvalidRequest"),
        ({"x_amz_checksum_crc32": good, "x_amz_sdk_checksum_algorithm": "SHA1"}, "InvalidRequest"),
        ({"Content_MD5": "nonsense"}, "InvalidDigest"),
        ({"Content_MD5": base64.b64encode(hashlib.md5(b"other").digest()).decode()}, "BadDigest"),
    ):
        answer = put(**headers)
        assert (answer.status, answer.code) == (400, code), headers
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    # Who says nothing gets what S3 gives.
    assert put().status == 200
    told = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert told["ChecksumCRC64NVME"] == checksum("CRC64NVME", b"body")


@pytest.mark.parametrize("algorithm, kind", [
    ("CRC32", "COMPOSITE"), ("CRC32", "FULL_OBJECT"), ("CRC32C", "FULL_OBJECT"),
    ("CRC64NVME", "FULL_OBJECT"), ("SHA1", "COMPOSITE"), ("SHA256", "COMPOSITE"),
])
def test_parts_are_put_together(s3, bucket, algorithm, kind):
    bodies = [PART, PART[1:], b"the end"]
    name = f"Checksum{algorithm}"
    made = s3.create_multipart_upload(
        Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm, ChecksumType=kind)
    assert (made["ChecksumAlgorithm"], made["ChecksumType"]) == (algorithm, kind)
    upload, parts = made["UploadId"], []
    for number, body in enumerate(bodies, 1):
        part = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, Body=body,
                              **{name: checksum(algorithm, body)})
        parts.append({"PartNumber": number, "ETag": part["ETag"], name: part[name]})
    listed = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)
    assert (listed["ChecksumAlgorithm"], listed["ChecksumType"]) == (algorithm, kind)
    assert [part[name] for part in listed["Parts"]] == [part[name] for part in parts]
    spoiled = [{**part, name: checksum(algorithm, b"x")} if part["PartNumber"] == 2 else part for part in parts]
    refused = refusal(s3.complete_multipart_upload, Bucket=bucket, Key="k", UploadId=upload,
                      MultipartUpload={"Parts": spoiled})
    assert refused == (400, "InvalidPart")
    done = s3.complete_multipart_upload(
        Bucket=bucket, Key="k", UploadId=upload, ChecksumType=kind, MultipartUpload={"Parts": parts})
    if kind == "COMPOSITE":
        joined = b"".join(base64.b64decode(part[name]) for part in parts)
        expected = f"{checksum(algorithm, joined)}-{len(parts)}"
    else:
        expected = checksum(algorithm, b"".join(bodies))
    assert (done[name], done["ChecksumType"]) == (expected, kind)
    told = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (told[name], told["ChecksumType"]) == (expected, kind)
    attributes = s3.get_object_attributes(
        Bucket=bucket, Key="k", ObjectAttributes=["Checksum", "ObjectParts"])
    assert attributes["ObjectParts"]["TotalPartsCount"] == 3
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["Body"].read()
    assert got == b"".join(bodies)


def test_the_object_is_what_the_client_expects(s3, bucket):
    body = PART + b"end"
    made = s3.create_multipart_upload(
        Bucket=bucket, Key="k", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    upload, parts = made["UploadId"], []
    for number, piece in enumerate((PART, b"end"), 1):
        part = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, Body=piece)
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    complete = dict(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": parts})
    assert refusal(s3.complete_multipart_upload, **complete, ChecksumCRC32=crc32(b"x")) == (400, "BadDigest")
    assert refusal(s3.complete_multipart_upload, **complete, ChecksumType="COMPOSITE") == (400, "InvalidRequest")
    done = s3.complete_multipart_upload(**complete, ChecksumCRC32=crc32(body))
    assert done["ChecksumCRC32"] == crc32(body)


def test_a_part_of_another_kind_is_refused(s3, bucket):
    made = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256")
    wrong = {"ChecksumSHA1": checksum("SHA1", b"x")}
    refused = refusal(s3.upload_part, Bucket=bucket, Key="k", UploadId=made["UploadId"], PartNumber=1,
                      Body=b"x", **wrong)
    assert refused == (400, "InvalidRequest")
    for kind in (dict(ChecksumAlgorithm="CRC64NVME", ChecksumType="COMPOSITE"),
                 dict(ChecksumAlgorithm="SHA1", ChecksumType="FULL_OBJECT")):
        assert refusal(s3.create_multipart_upload, Bucket=bucket, Key="k", **kind) == (400, "InvalidRequest")


def test_parts_of_a_client_that_plans_nothing(s3, bucket):
    """boto3 sends a CRC32 with every part; the object has that of all its bytes."""
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    parts = []
    for number, piece in enumerate((PART, b"end"), 1):
        part = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, Body=piece)
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": parts})
    told = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (told["ChecksumCRC32"], told["ChecksumType"]) == (crc32(PART + b"end"), "FULL_OBJECT")


def test_copies(s3, bucket):
    body = b"copied" * 50_000
    s3.put_object(Bucket=bucket, Key="from", Body=body, ChecksumAlgorithm="SHA1")
    source = {"Bucket": bucket, "Key": "from"}
    s3.copy_object(Bucket=bucket, Key="same", CopySource=source)
    told = s3.head_object(Bucket=bucket, Key="same", ChecksumMode="ENABLED")
    assert told["ChecksumSHA1"] == checksum("SHA1", body)
    copied = s3.copy_object(Bucket=bucket, Key="other", CopySource=source, ChecksumAlgorithm="SHA256")
    assert copied["CopyObjectResult"]["ChecksumSHA256"] == checksum("SHA256", body)
    told = s3.head_object(Bucket=bucket, Key="other", ChecksumMode="ENABLED")
    assert told["ChecksumSHA256"] == checksum("SHA256", body)
    made = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256")
    part = s3.upload_part_copy(Bucket=bucket, Key="k", UploadId=made["UploadId"], PartNumber=1,
                               CopySource=source)["CopyPartResult"]
    assert part["ChecksumSHA256"] == checksum("SHA256", body)


def test_documents_are_checked(osier, s3, bucket):
    """`DeleteObjects` must not delete what a broken document says."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    document = b"<Delete><Object><Key>k</Key></Object></Delete>"
    raw = Raw(osier.port)
    path = path_of(bucket)
    for headers, status in (({"x-amz-checksum-crc32": crc32(b"x")}, 400),
                            ({"x-amz-checksum-crc32": crc32(document)}, 200)):
        signed = Signer().headers("POST", path, raw.host, query=[("delete", "")], headers=headers)
        answer = raw.exchange("POST", path + "?delete", signed, document)
        assert answer.status == status, answer
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
