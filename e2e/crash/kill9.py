"""kill -9 under load, again and again; then every acknowledged object must be there and right.

OSIER_KILL9_SECONDS (30) is how long writers run in all. The last line is the result.
"""

import os
import random
import shutil
import sys
import threading
import time

from workload import SETTINGS, Ledger, Writer, check, learn_logs, prepare, seed

from harness import Osier

WRITERS = 8


def main():
    seconds = float(os.environ.get("OSIER_KILL9_SECONDS", "30"))
    chosen = seed()
    print(f"seed {chosen}", flush=True)
    dice = random.Random(chosen)
    ledger = Ledger()
    server = Osier(settings=SETTINGS).start()
    prepare(server.port)
    wrong, kills, spent = [], 0, 0.0
    while spent < seconds and not wrong:
        stop = threading.Event()
        writers = [
            Writer(number, server.port, ledger, stop, f"{chosen}-{kills}") for number in range(WRITERS)]
        for writer in writers:
            learn_logs(writer)
        for writer in writers:
            writer.start()
        turn = dice.uniform(0.3, 3.0)
        time.sleep(turn)
        spent += turn
        before = time.monotonic()
        server.kill()
        stop.set()
        for writer in writers:
            writer.join()
        after = time.monotonic()
        kills += 1
        started = time.monotonic()
        server.start()
        opened = time.monotonic() - started
        wrong = list(ledger.errors) + check(
            server.port, ledger, before, after, settle=True, everything=spent >= seconds)
        print(f"kill {kills}: open in {opened:.2f} s, {len(ledger.keys)} keys, "
              f"{len(ledger.versions)} versions, {len(wrong)} wrong", flush=True)
    if "panicked" in server.log():
        wrong.append("the server panicked")
    code = server.stop()
    if code != 0:
        wrong.append(f"the server ended with {code}")
    wrong += offline(server)
    for line in wrong[:50]:
        print(line)
    if wrong:
        print(f"the data directory is kept: {server.data}")
        print(f"kill9: {len(wrong)} complaints after {kills} kills, seed {chosen}")
        print(server.log()[-5000:], file=sys.stderr)
        return 1
    shutil.rmtree(server.scratch)
    done = ", ".join(f"{count} {what}" for what, count in sorted(ledger.counts.items()))
    print(f"kill9: {kills} kills, nothing lost; acknowledged: {done}")
    return 0


def offline(server):
    """A clean check, two collections, and no orphan left."""
    wrong = []
    for arguments in [("fsck",), ("gc",), ("gc",), ("fsck",)]:
        done = server.command(*arguments)
        print(f"osier {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}", flush=True)
        if done.returncode != 0:
            wrong.append(f"osier {' '.join(arguments)} ended with {done.returncode}")
    if "0 blobs wait to be freed, 0 orphans of 0 bytes" not in done.stderr:
        wrong.append("two collections leave something behind")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
