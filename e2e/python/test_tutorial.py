"""The tutorial's data-plane programs, word for word but for endpoint, keys and bucket."""

import subprocess

import oss2
import pytest
import requests

from harness import KEY_ID, SECRET


@pytest.fixture
def bucket(osier, name):
    auth = oss2.Auth(KEY_ID, SECRET)
    return oss2.Bucket(auth, osier.endpoint, name)


def test_uploading(bucket, tmp_path):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"\xff\xd8 not quite a photo")

    # Upload from a local file
    bucket.put_object_from_file('images/photo.jpg', str(photo))

    # Upload from memory (bytes or string)
    bucket.put_object('config/settings.json', '{"debug": false, "version": 3}')

    # Upload with metadata
    headers = {
        'Content-Type': 'image/jpeg',
        'x-oss-meta-uploaded-by': 'user-12345',
        'x-oss-meta-original-filename': 'vacation.jpg'
    }
    bucket.put_object_from_file('images/photo.jpg', str(photo), headers=headers)

    assert bucket.get_object('config/settings.json').read() == b'{"debug": false, "version": 3}'
    head = bucket.head_object('images/photo.jpg')
    assert head.headers['x-oss-meta-original-filename'] == 'vacation.jpg'


def test_signed_urls(bucket):
    bucket.put_object('reports/q1-2026.pdf', b'%PDF')

    # Generate a signed URL for download, valid for 1 hour
    url = bucket.sign_url('GET', 'reports/q1-2026.pdf', 3600)
    assert requests.get(url, timeout=30).content == b'%PDF'

    # Generate a signed URL for upload
    upload_url = bucket.sign_url('PUT', 'uploads/new-file.pdf', 600,
                                  headers={'Content-Type': 'application/pdf'})
    answer = requests.put(upload_url, data=b'%PDF new', headers={'Content-Type': 'application/pdf'}, timeout=30)
    assert answer.status_code == 200
    assert bucket.get_object('uploads/new-file.pdf').read() == b'%PDF new'


def test_large_files(bucket, tmp_path):
    source, target = tmp_path / "presentation.mp4", tmp_path / "downloaded-presentation.mp4"
    source.write_bytes(bytes(range(256)) * 4 * 1024 * 45)
    oss2.resumable_upload(
        bucket,
        'videos/presentation.mp4',
        str(source),
        part_size=10 * 1024 * 1024,    # 10 MB per part
        num_threads=4,                 # Upload 4 parts in parallel
        store=oss2.ResumableStore(root=str(tmp_path)),
    )
    oss2.resumable_download(
        bucket,
        'videos/presentation.mp4',
        str(target),
        part_size=10 * 1024 * 1024,
        num_threads=4,
        store=oss2.ResumableDownloadStore(root=str(tmp_path)),
    )
    assert target.read_bytes() == source.read_bytes()
    assert bucket.head_object('videos/presentation.mp4').object_type == 'Multipart'


def curl(*arguments, data=None):
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--max-time", "30", *arguments], input=data, capture_output=True,
        check=True)
    return done.stdout


def test_curl_with_a_presigned_url(bucket, tmp_path):
    body = bytes(range(256)) * 8192
    source = tmp_path / "photo.jpg"
    source.write_bytes(body)
    url = bucket.sign_url(
        'PUT',
        'uploads/user/photo.jpg',
        600,  # 10 minutes
        headers={'Content-Type': 'image/jpeg', 'x-oss-forbid-overwrite': 'true'})
    # Over 1 MB curl asks with `Expect: 100-continue` first.
    shown = curl("-X", "PUT", url, "-H", "Content-Type: image/jpeg", "-H", "x-oss-forbid-overwrite: true",
                 "--data-binary", f"@{source}", "--write-out", "%{http_code}")
    assert shown == b"200"
    assert curl(bucket.sign_url('GET', 'uploads/user/photo.jpg', 60)) == body
    again = curl("-X", "PUT", url, "-H", "Content-Type: image/jpeg", "-H", "x-oss-forbid-overwrite: true",
                 "--data-binary", f"@{source}", "--write-out", "%{http_code}")
    assert again.endswith(b"409") and b"FileAlreadyExists" in again


def test_curl_of_a_public_object(osier, name, bucket):
    bucket.put_object("hello.txt", b"hello", headers={"x-oss-object-acl": "public-read"})
    assert curl(f"{osier.endpoint}/{name}/hello.txt") == b"hello"
    assert curl("-r", "1-2", f"{osier.endpoint}/{name}/hello.txt") == b"el"
    head = curl("-I", f"{osier.endpoint}/{name}/hello.txt")
    assert b"HTTP/1.1 200" in head and b"Content-Length: 5" in head.replace(b"content-length", b"Content-Length")
