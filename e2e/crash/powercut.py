"""Simulated power cuts: what had been acknowledged must be on the device.

The data directory is an ext4 on a loop device whose file lies on an XFS with reflinks. Copying that
file by reflink while the server writes takes, in one step, what the device has been given: dirty
pages of the page cache are lost, as in a power cut. A server on the copy must have everything that
was acknowledged before. A positive control, files written without fsync, must lose some, or the
method proves nothing.

OSIER_POWER_CUTS (4) is how many. It needs root and loop mounts, and says so where they don't work.
The last line is the result.
"""

import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time

from workload import SETTINGS, Ledger, Writer, check, prepare, seed

from harness import Osier

WRITERS = 8


class NotHere(Exception):
    """Loop mounts do not work on this machine."""


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotHere(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout.strip()


def sparse(path, mib):
    with open(path, "wb") as file:
        file.truncate(mib << 20)


class Devices:
    """An ext4 in a file on an XFS in a file."""

    def __init__(self, folder):
        self.folder = folder
        self.undo = []

    def mount(self, image, name):
        device = run("losetup", "--find", "--show", str(image))
        self.undo.append(("losetup", "--detach", device))
        place = self.folder / name
        place.mkdir()
        run("mount", device, str(place))
        self.undo.append(("umount", str(place)))
        return place

    def build(self):
        outer = self.folder / "outer.img"
        sparse(outer, 8192)
        run("mkfs.xfs", "-q", "-m", "reflink=1", str(outer))
        self.outer = self.mount(outer, "outer")
        self.inner_image = self.outer / "inner.img"
        sparse(self.inner_image, 3072)
        run("mkfs.ext4", "-q", "-F", str(self.inner_image))
        self.inner = self.mount(self.inner_image, "inner")

    def cut(self, number):
        """A copy of the device as it is at this moment, mounted."""
        image = self.outer / f"cut-{number}.img"
        run("cp", "--reflink=always", str(self.inner_image), str(image))
        return image

    def release(self, until=0):
        while len(self.undo) > until:
            command = self.undo.pop()
            for _ in range(20):
                if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                    break
                time.sleep(0.1)


def control(devices):
    """Files written without fsync just before a cut; answers how many were lost."""
    folder = devices.inner / "control"
    folder.mkdir()
    for number in range(200):
        (folder / str(number)).write_bytes(b"x" * 5000)
    image = devices.cut("control")
    mark = len(devices.undo)
    place = devices.mount(image, "control")
    found = sum(
        1 for number in range(200)
        if (place / "control" / str(number)).exists()
        and (place / "control" / str(number)).read_bytes() == b"x" * 5000)
    devices.release(mark)
    image.unlink()
    return 200 - found


def main():
    cuts = int(os.environ.get("OSIER_POWER_CUTS", "4"))
    chosen = seed()
    print(f"seed {chosen}", flush=True)
    dice = random.Random(chosen)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="osier-cut-", dir=os.environ.get("OSIER_CUT_DIR")))
    devices = Devices(folder)
    server, stop, wrong, lost = None, threading.Event(), [], 0
    ledger = Ledger()
    try:
        if os.geteuid() != 0:
            raise NotHere("this is not root")
        devices.build()
        lost = control(devices)
        if lost == 0:
            raise NotHere("the positive control lost nothing: a cut here proves nothing")
        print(f"positive control: {lost} of 200 unsynced files lost", flush=True)
        server = Osier(data=devices.inner / "data", settings=SETTINGS).start()
        prepare(server.port)
        writers = [Writer(number, server.port, ledger, stop, chosen) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        for number in range(1, cuts + 1):
            time.sleep(dice.uniform(1.0, 3.0))
            before = time.monotonic()
            image = devices.cut(number)
            after = time.monotonic()
            still = ledger.snapshot()
            mark = len(devices.undo)
            place = devices.mount(image, f"cut-{number}")
            survivor = Osier(data=place / "data", settings=SETTINGS).start()
            complaints = check(survivor.port, still, before, after)
            if survivor.stop() != 0:
                complaints.append("the server on the copy did not end well")
            done = survivor.command("fsck")
            if done.returncode:
                complaints.append(f"osier fsck: exit {done.returncode}\n{done.stdout}{done.stderr}")
            devices.release(mark)
            image.unlink()
            print(f"cut {number}: {sum(ledger.counts.values())} acknowledged, {len(complaints)} wrong", flush=True)
            wrong += [f"cut {number}: {line}" for line in complaints]
        stop.set()
        for writer in writers:
            writer.join()
        wrong += ledger.errors
        server.stop()
    except NotHere as error:
        print(error)
        print("powercut: NOT RUN, power cuts can't be simulated here")
        return 0
    finally:
        stop.set()
        if server and server.process.poll() is None:
            server.kill()
        devices.release()
        (folder / "outer.img").unlink(missing_ok=True)
    for line in wrong[:50]:
        print(line)
    if wrong:
        print(f"powercut: {len(wrong)} complaints, seed {chosen}")
        return 1
    print(f"powercut: {cuts} cuts, {sum(ledger.counts.values())} acknowledged, nothing lost")
    return 0


if __name__ == "__main__":
    sys.exit(main())
