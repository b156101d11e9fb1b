"""Writers of every kind that remember what was acknowledged, and the check of a store against them.

Each key has one owner, so its history is a sequence: the states it was asked to take, when that
was asked, and when it was acknowledged. Whatever happens to the server, the state that is found
must be the last one acknowledged before the blow, or one asked for since.
"""

import base64
import hashlib
import http.client
import os
import pathlib
import random
import sys
import threading
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree
from email.utils import formatdate

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness import KEY_ID, sign_v1  # noqa: E402

PLAIN = "crash-plain"
VERSIONED = "crash-versioned"
PART = 100 * 1024
# Keys of one writer.
KEYS = 60
ABSENT = ("absent",)
# Deleted data is freed while the writers write, so that freeing too much would be noticed.
SETTINGS = """
[engine]
collect_grace_s = 1
collect_interval_s = 1
"""


def content(seed, length):
    """The same bytes for the same seed, different ones for another."""
    block = hashlib.sha512(str(seed).encode()).digest() * 16
    return (block * (length // len(block) + 1))[:length]


def state_of(body):
    return ("object", hashlib.md5(body).hexdigest(), len(body))


class Broken(Exception):
    """The connection ended; whether the request took effect is unknown."""


class Refused(Exception):
    """The server answered, and not with success."""

    def __init__(self, status, body):
        super().__init__(f"{status} {body[:500]!r}")
        self.status = status
        self.body = body


class Connection:
    """One kept-alive connection."""

    def __init__(self, port):
        self.port = port
        self.http = None

    def send(self, method, bucket, key=None, query=(), body=b"", headers=None, good=(200, 204, 206)):
        headers = {"Date": formatdate(usegmt=True), **(headers or {})}
        signature = sign_v1(method, bucket, key, query, headers)
        headers["Authorization"] = f"OSS {KEY_ID}:{signature}"
        target = f"/{bucket}/" + urllib.parse.quote(key or "", safe="/")
        if query:
            target += "?" + "&".join(f"{n}={urllib.parse.quote(v, safe='')}" if v else n for n, v in query)
        try:
            if self.http is None:
                self.http = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            self.http.request(method, target, body=body if method in ("PUT", "POST") else None, headers=headers)
            response = self.http.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            if self.http is not None:
                self.http.close()
            self.http = None
            raise Broken(str(error)) from error
        if response.status not in good:
            raise Refused(response.status, answer)
        return {name.lower(): value for name, value in response.getheaders()}, answer


class Entry:
    """A state a key was asked to take."""

    def __init__(self, state, asked, acknowledged=None):
        self.state = state
        self.asked = asked
        self.acknowledged = acknowledged


class Ledger:
    """What every key was asked to be, by when."""

    def __init__(self):
        self.keys = {}
        self.versions = {}
        self.shared = {}
        self.lock = threading.Lock()
        self.counts = {}
        self.errors = []
        self.checked = set()

    def snapshot(self):
        """The ledger as it is now, while writers go on."""
        still = Ledger()
        with self.lock:
            still.keys = {key: list(entries) for key, entries in self.keys.items()}
            still.versions = dict(self.versions)
            still.shared = {key: dict(states) for key, states in self.shared.items()}
            still.checked = self.checked
        return still

    def ask(self, key, state):
        entry = Entry(state, time.monotonic())
        with self.lock:
            self.keys.setdefault(key, []).append(entry)
        return entry

    def acknowledge(self, entry, what):
        with self.lock:
            entry.acknowledged = time.monotonic()
            self.counts[what] = self.counts.get(what, 0) + 1

    def allowed(self, key, before, after):
        """States this key may have, if the blow fell between these two moments."""
        history = self.keys.get(key, [])
        first = -1
        for place, entry in enumerate(history):
            if entry.acknowledged is not None and entry.acknowledged <= before:
                first = place
        states = [entry.state for entry in history[max(first, 0):] if entry.asked <= after]
        return states if first >= 0 else [ABSENT, *states]


class Writer(threading.Thread):
    """Writes until told to stop, to keys of its own."""

    def __init__(self, number, port, ledger, stop, seed, sizes=None):
        super().__init__(name=f"writer-{number}", daemon=True)
        self.number = number
        self.connection = Connection(port)
        self.ledger = ledger
        self.stopped = stop
        self.random = random.Random(f"{seed}-{number}")
        self.serial = 0
        self.seed = seed
        self.appended = {}
        self.sizes = sizes or [(30, 0, 4096), (20, 4097, 70_000), (6, 70_000, 1_500_000), (1, 9 << 20, 10 << 20)]

    def run(self):
        actions = [
            (14, self.put), (3, self.delete), (3, self.copy), (3, self.append),
            (2, self.multipart), (4, self.put_version), (1, self.put_shared), (1, self.abandon_upload),
        ]
        while not self.stopped.is_set():
            action = self.random.choices([a for _, a in actions], [w for w, _ in actions])[0]
            try:
                action()
            except Broken:
                if self.stopped.wait(0.02):
                    return
            except Refused as error:
                with self.ledger.lock:
                    self.ledger.errors.append(f"{action.__name__}: {error}")
                return

    def body(self):
        self.serial += 1
        _, low, high = self.random.choices(self.sizes, [weight for weight, _, _ in self.sizes])[0]
        return content((self.seed, self.number, self.serial), self.random.randint(low, high))

    def key(self):
        return f"w{self.number}/k{self.random.randint(0, KEYS):03}"

    def settled(self, key):
        """The key's state, if nothing about it is in doubt."""
        history = self.ledger.keys.get(key)
        return history[-1].state if history and history[-1].acknowledged else None

    def put(self):
        key, body = self.key(), self.body()
        what = "put" if self.settled(key) in (None, ABSENT) else "overwrite"
        entry = self.ledger.ask(key, state_of(body))
        self.connection.send("PUT", PLAIN, key, body=body)
        self.ledger.acknowledge(entry, what)

    def delete(self):
        key = self.key()
        entry = self.ledger.ask(key, ABSENT)
        self.connection.send("DELETE", PLAIN, key)
        self.ledger.acknowledge(entry, "delete")

    def copy(self):
        source, target = self.key(), self.key()
        state = self.settled(source)
        if state is None or state == ABSENT or source == target:
            return
        entry = self.ledger.ask(target, state)
        self.connection.send("PUT", PLAIN, target, headers={"x-oss-copy-source": f"/{PLAIN}/{source}"})
        self.ledger.acknowledge(entry, "copy")

    def append(self):
        key = f"w{self.number}/log{self.random.randint(0, 3)}"
        whole = self.appended.get(key, b"")
        if whole is None or len(whole) > 400_000:
            return
        piece = self.body()[:50_000] or b"x"
        self.appended[key] = None
        entry = self.ledger.ask(key, state_of(whole + piece))
        self.connection.send("POST", PLAIN, key, [("append", ""), ("position", str(len(whole)))], piece)
        self.ledger.acknowledge(entry, "append")
        self.appended[key] = whole + piece

    def multipart(self):
        key = self.key()
        pieces = [content((self.seed, self.number, self.serial, n), PART + n) for n in range(self.random.randint(1, 3))]
        _, answer = self.connection.send("POST", PLAIN, key, [("uploads", "")])
        upload = ElementTree.fromstring(answer).findtext("UploadId")
        document = "<CompleteMultipartUpload>"
        for number, piece in enumerate(pieces, 1):
            headers, _ = self.connection.send(
                "PUT", PLAIN, key, [("partNumber", str(number)), ("uploadId", upload)], piece)
            document += f"<Part><PartNumber>{number}</PartNumber><ETag>{headers['etag']}</ETag></Part>"
        entry = self.ledger.ask(key, state_of(b"".join(pieces)))
        self.connection.send(
            "POST", PLAIN, key, [("uploadId", upload)], (document + "</CompleteMultipartUpload>").encode())
        self.ledger.acknowledge(entry, "multipart")

    def abandon_upload(self):
        key = self.key()
        _, answer = self.connection.send("POST", PLAIN, key, [("uploads", "")])
        upload = ElementTree.fromstring(answer).findtext("UploadId")
        self.connection.send("PUT", PLAIN, key, [("partNumber", "1"), ("uploadId", upload)], content(key, 20_000))
        if self.random.random() < 0.8:
            self.connection.send("DELETE", PLAIN, key, [("uploadId", upload)])

    def put_version(self):
        key, body = f"w{self.number}/v{self.random.randint(0, 5)}", self.body()
        asked = time.monotonic()
        headers, _ = self.connection.send("PUT", VERSIONED, key, body=body)
        with self.ledger.lock:
            self.ledger.versions[(key, headers["x-oss-version-id"])] = (state_of(body), asked, time.monotonic())
            self.ledger.counts["version"] = self.ledger.counts.get("version", 0) + 1

    def put_shared(self):
        key, body = f"shared/{self.random.randint(0, 4)}", self.body()
        with self.ledger.lock:
            self.ledger.shared.setdefault(key, {})[state_of(body)] = None
        self.connection.send("PUT", PLAIN, key, body=body)
        with self.ledger.lock:
            self.ledger.shared[key][state_of(body)] = time.monotonic()


def read(connection, bucket, key, query=()):
    """The state a key is found in."""
    try:
        headers, body = connection.send("GET", bucket, key, query)
    except Refused as error:
        if error.status == 404:
            return ABSENT
        raise
    assert int(headers["content-length"]) == len(body)
    if "content-md5" in headers:
        assert base64.b64decode(headers["content-md5"]) == hashlib.md5(body).digest(), key
    return state_of(body)


def listing(connection, bucket):
    """Sizes by key, of everything that is listed."""
    found, marker = {}, ""
    while True:
        _, answer = connection.send(
            "GET", bucket, query=[("encoding-type", "url"), ("marker", marker), ("max-keys", "1000")])
        page = ElementTree.fromstring(answer)
        for entry in page.iter("Contents"):
            found[urllib.parse.unquote(entry.findtext("Key"))] = int(entry.findtext("Size"))
        if page.findtext("IsTruncated") != "true":
            return found
        marker = urllib.parse.unquote(page.findtext("NextMarker"))


def version_listing(connection, bucket):
    found, key_marker, version_marker = {}, "", ""
    while True:
        _, answer = connection.send("GET", bucket, query=[
            ("versions", ""), ("encoding-type", "url"), ("key-marker", key_marker),
            ("version-id-marker", version_marker), ("max-keys", "1000")])
        page = ElementTree.fromstring(answer)
        for entry in page.iter("Version"):
            place = (urllib.parse.unquote(entry.findtext("Key")), entry.findtext("VersionId"))
            found[place] = int(entry.findtext("Size"))
        if page.findtext("IsTruncated") != "true":
            return found
        key_marker = urllib.parse.unquote(page.findtext("NextKeyMarker"))
        version_marker = page.findtext("NextVersionIdMarker")


def count_uploads(connection, bucket):
    count, key_marker, upload_marker = 0, "", ""
    while True:
        _, answer = connection.send("GET", bucket, query=[
            ("uploads", ""), ("encoding-type", "url"), ("key-marker", key_marker),
            ("upload-id-marker", upload_marker), ("max-uploads", "1000")])
        page = ElementTree.fromstring(answer)
        count += len(list(page.iter("Upload")))
        if page.findtext("IsTruncated") != "true":
            return count
        key_marker = urllib.parse.unquote(page.findtext("NextKeyMarker"))
        upload_marker = page.findtext("NextUploadIdMarker")


def check(port, ledger, before, after, settle=False, everything=True):
    """Compares the store with the ledger; answers complaints.

    With `settle` the ledger takes what was found as the acknowledged truth, to go on from there.
    Without `everything`, versions that were read once before are only looked for in the list.
    """
    connection = Connection(port)
    wrong = []
    listed = listing(connection, PLAIN)
    for key in sorted(ledger.keys):
        allowed = ledger.allowed(key, before, after)
        found = read(connection, PLAIN, key)
        if found not in allowed:
            wrong.append(f"{key}: found {found}, allowed {allowed}")
        if (found == ABSENT) == (key in listed) or (key in listed and listed[key] != found[2]):
            wrong.append(f"{key}: found {found} but listed as {listed.get(key)}")
        if settle:
            ledger.keys[key] = [Entry(found, before, before)]
    for key, states in ledger.shared.items():
        found = read(connection, PLAIN, key)
        acknowledged = any(moment is not None and moment <= before for moment in states.values())
        if found not in states and not (found == ABSENT and not acknowledged):
            wrong.append(f"{key}: found {found}, which nobody wrote whole")
    for key in listed:
        if key not in ledger.keys and key not in ledger.shared:
            wrong.append(f"{key}: listed, and nobody asked for it")
    versions = version_listing(connection, VERSIONED)
    for (key, version), (state, _, acknowledged) in sorted(ledger.versions.items()):
        if acknowledged > before:
            continue
        if (key, version) not in versions:
            wrong.append(f"{key} version {version}: acknowledged and not listed")
        if (key, version) in ledger.checked and not everything:
            continue
        found = read(connection, VERSIONED, key, [("versionId", version)])
        if found != state:
            wrong.append(f"{key} version {version}: found {found}, acknowledged {state}")
    for (key, version), size in versions.items():
        if (key, version) in ledger.checked and not everything:
            continue
        ledger.checked.add((key, version))
        found = read(connection, VERSIONED, key, [("versionId", version)])
        if found == ABSENT or found[2] != size:
            wrong.append(f"{key} version {version}: listed with {size} bytes and found {found}")
    for bucket, sizes in [(PLAIN, listed), (VERSIONED, versions)]:
        _, answer = connection.send("GET", bucket, query=[("stat", "")])
        stat = ElementTree.fromstring(answer)
        told = (int(stat.findtext("Storage")), int(stat.findtext("MultipartUploadCount")))
        counted = (sum(sizes.values()), count_uploads(connection, bucket))
        if told != counted:
            wrong.append(f"{bucket}: told {told} bytes and uploads, counted {counted}")
        if bucket == PLAIN and int(stat.findtext("ObjectCount")) != len(sizes):
            wrong.append(f"{bucket}: told {stat.findtext('ObjectCount')} objects, counted {len(sizes)}")
    return wrong


def prepare(port):
    """Makes the two buckets."""
    connection = Connection(port)
    connection.send("PUT", PLAIN)
    connection.send("PUT", VERSIONED)
    connection.send(
        "PUT", VERSIONED, query=[("versioning", "")],
        body=b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")


def learn_logs(writer):
    """Tells a new writer what it may append to: its logs as they are."""
    for turn in range(4):
        key = f"w{writer.number}/log{turn}"
        if key in writer.ledger.keys:
            try:
                _, writer.appended[key] = writer.connection.send("GET", PLAIN, key)
            except Refused:
                writer.appended[key] = b""


def seed():
    """Printed by every run, so that it can be repeated."""
    return os.environ.get("OSIER_SEED") or str(random.SystemRandom().randint(0, 1 << 32))
