"""A full disk: writes fail cleanly, reads and deletes go on, and writes come back.

The data directory is a tmpfs of 64 MiB, for which this must be root. The last line is the result.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

from workload import Connection, Refused, content, read, state_of

from harness import Osier

MIB = 64
BUCKET = "full-disk"


def mount(folder):
    """Whether a small tmpfs could be mounted there."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={MIB}m,mode=700", "tmpfs", str(folder)]
    if os.geteuid() != 0:
        command = ["sudo", "-n", *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr.strip())
    return done.returncode == 0


def unmount(folder):
    command = ["umount", str(folder)]
    subprocess.run(command if os.geteuid() == 0 else ["sudo", "-n", *command], check=False)


def fill(connection, kept, stem, length):
    """Writes objects until one is refused; answers that refusal."""
    for number in range(1_000_000):
        key = f"{stem}/{number:06}"
        body = content(key, length)
        try:
            connection.send("PUT", BUCKET, key, body=body)
        except Refused as error:
            assert read(connection, BUCKET, key) == ("absent",), f"{key} was refused and is there"
            return error
        kept[key] = state_of(body)
    raise AssertionError("the disk never fills")


def scenario(server):
    connection = Connection(server.port)
    connection.send("PUT", BUCKET)
    kept = {}
    for stem, length in [("large", 3 << 20), ("middle", 100_000), ("small", 5_000), ("tiny", 1_000)]:
        error = fill(connection, kept, stem, length)
        print(f"{len(kept)} objects, then {length} bytes are refused: {error.status} {error.body[:200]!r}", flush=True)
        assert error.status in (400, 403, 500, 503, 507), error
        assert b"<Code>" in error.body and b"<EC>" in error.body, error
    for key, state in kept.items():
        assert read(connection, BUCKET, key) == state, key
    server.stop()
    server.start()
    connection = Connection(server.port)
    for key, state in kept.items():
        assert read(connection, BUCKET, key) == state, f"{key}, after a restart on the full disk"
    for key in [key for number, key in enumerate(kept) if number % 2 == 0]:
        connection.send("DELETE", BUCKET, key)
        assert read(connection, BUCKET, key) == ("absent",)
        del kept[key]
    deadline = time.monotonic() + 60
    for number in range(10):
        key, body = f"again/{number}", content(number, 500_000)
        while True:
            try:
                connection.send("PUT", BUCKET, key, body=body)
                break
            except Refused:
                assert time.monotonic() < deadline, "writes never come back after deletes"
                time.sleep(0.1)
        kept[key] = state_of(body)
    for key, state in kept.items():
        assert read(connection, BUCKET, key) == state, key
    assert "panicked" not in server.log()
    return len(kept)


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="osier-full-"))
    if not mount(folder):
        print("enospc: NOT RUN, a tmpfs can't be mounted here")
        return 0
    server = Osier(data=folder / "data")
    try:
        server.start()
        count = scenario(server)
        assert server.stop() == 0
        done = server.command("fsck")
        print(f"osier fsck: exit {done.returncode}\n{done.stdout}{done.stderr}")
        assert done.returncode == 0
    except BaseException:
        print(server.log()[-6000:], file=sys.stderr)
        raise
    finally:
        if server.process and server.process.poll() is None:
            server.kill()
        unmount(folder)
        folder.rmdir()
    print(f"enospc: writes failed cleanly and came back, {count} objects right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
