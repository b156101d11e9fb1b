"""Pictures over HTTP through the whole program, beside sharp behind node's HTTP server.

Run by `cargo xtask bench image` after the cases of `run.py`. Processor time is that of the server,
all its threads; rounds of both servers alternate and the best of each counts.
"""

import http.client
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

here = Path(__file__).parent
sys.path.insert(0, str(here.parent.parent / "e2e"))

from harness import Osier, Raw  # noqa: E402

work = Path(sys.argv[1])
photo = work / "photos" / "photo3072.jpg"
progressive = work / "photos" / "photo12mp-progressive.jpg"
rounds = int(os.environ.get("ROUNDS", "3"))
MEGABYTE = 1 << 20
CLIENTS = 64
# What 64 clients get; the memory of pictures is the default.
SETTINGS = "[image]\nvariants_max = 0\ncache_bytes = {cache}\n"
BUDGET = (512 + 128) * MEGABYTE


def processor_s(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def read(job):
    """Asks for every path on one connection; answers the seconds that each took, and its status."""
    port, paths = job
    connection = http.client.HTTPConnection("127.0.0.1", port)
    took = []
    for path in paths:
        start = time.perf_counter()
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        took.append((time.perf_counter() - start, answer.status))
    connection.close()
    return took


def spread(pool, port, paths, connections):
    start = time.perf_counter()
    parts = pool.map(read, [(port, paths[number::connections]) for number in range(connections)], chunksize=1)
    return time.perf_counter() - start, [one for part in parts for one in part]


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def upload(server):
    raw = Raw(server.port)
    assert raw.send("PUT", "photos", headers={"x-oss-acl": "public-read"}).status == 200
    for key, path in (("photo.jpg", photo), ("large.jpg", progressive)):
        assert raw.send("PUT", "photos", key, body=path.read_bytes()).status == 200
    return raw


def rendered(pool):
    """C1 end to end: another width for each request, so that nothing is answered from a cache."""
    best = {}
    with Osier(settings=SETTINGS.format(cache=0)) as server:
        upload(server)
        yardstick = subprocess.Popen(["node", str(here / "sharp-http.mjs"), str(photo)], cwd=work,
                                     stdout=subprocess.PIPE, text=True)
        try:
            port = int(yardstick.stdout.readline())
            wide = list(range(780, 820))
            asked = {
                "osier": (server.process.pid, server.port, [
                    f"/photos/photo.jpg?x-oss-process=image/resize,w_{width}/format,webp/quality,Q_80" for width in wide]),
                "sharp": (yardstick.pid, port, [f"/?w={width}" for width in wide]),
            }
            for _ in range(rounds + 1):
                for name, (pid, port, paths) in asked.items():
                    before = processor_s(pid)
                    wall, took = spread(pool, port, paths, 2)
                    assert {status for _, status in took} == {200}
                    found = ((processor_s(pid) - before) / len(paths), len(paths) / wall)
                    best[name] = min(best.get(name, found), found)
        finally:
            yardstick.kill()
            yardstick.wait()
    for name, (cost, rate) in best.items():
        ratio = "" if name == "osier" else f"{best['osier'][0] / cost:.2f}"
        print(f"{'C1 over HTTP, 2 connections':44} {name:14} {cost * 1000:9.1f} ms {ratio:>6} {rate:9.1f} /s")


def kept(pool):
    """A result that is kept beside a plain object of the same bytes."""
    process = "image/resize,w_800/format,webp/quality,Q_80"
    result = f"/photos/photo.jpg?x-oss-process={process}"
    best = {}
    with Osier(settings=SETTINGS.format(cache=64 * MEGABYTE)) as server:
        raw = upload(server)
        body = raw.exchange("GET", result, {}).body
        assert raw.send("PUT", "photos", "plain.webp", body=body).status == 200
        for _ in range(rounds + 1):
            for name, path in (("result", result), ("plain object", "/photos/plain.webp")):
                before = processor_s(server.process.pid)
                wall, took = spread(pool, server.port, [path] * 4000, 2)
                assert {status for _, status in took} == {200}
                found = ((processor_s(server.process.pid) - before) / len(took), len(took) / wall)
                best[name] = min(best.get(name, found), found)
    for name, (cost, rate) in best.items():
        ratio = "" if name == "result" else f"{best['result'][0] / cost:.2f}"
        print(f"{'a kept result of %d KB' % (len(body) // 1024):44} {name:14} {cost * 1e6:9.1f} us {ratio:>6} {rate:9.1f} /s")


def overloaded(pool):
    """64 clients want pictures of a progressive photograph of 12 megapixels."""
    path = "/photos/photo.jpg?x-oss-process=image/resize,w_800"
    with Osier(settings=SETTINGS.format(cache=16 * MEGABYTE)) as server:
        upload(server)
        read((server.port, [path] * 50))
        idle = [took for took, _ in read((server.port, [path] * 2000))]
        before = server.rss_bytes()
        over = threading.Event()
        busy = []

        def load(client):
            number = 0
            while not over.is_set():
                number += 1
                width = 1000 + client * 50 + number % 50
                busy.extend(read((server.port, [
                    f"/photos/large.jpg?x-oss-process=image/bright,{number % 99 + 1}/resize,w_{width}/format,jpg"])))

        clients = [threading.Thread(target=load, args=(client,)) for client in range(CLIENTS)]
        for client in clients:
            client.start()
        # In a process of its own, so that Python's threads don't wait for one another.
        hits = pool.apply(read, ((server.port, [path] * 2000),))
        over.set()
        for client in clients:
            client.join()
        peak = next(int(line.split()[1]) * 1024 for line in
                    Path(f"/proc/{server.process.pid}/status").read_text().splitlines() if line.startswith("VmHWM:"))
    assert {status for _, status in hits} == {200}
    statuses = [status for _, status in busy]
    loaded = [took for took, _ in hits]
    print(f"64 clients, 12 MP progressive: {statuses.count(200)} made, {statuses.count(503)} refused with 503, "
          f"{len(statuses) - statuses.count(200) - statuses.count(503)} others; "
          f"{(peak - before) / MEGABYTE:.0f} MB more, of {BUDGET // MEGABYTE}")
    print(f"kept results meanwhile: p50 {percentile(loaded, .5) * 1000:.2f} ms, p99 {percentile(loaded, .99) * 1000:.2f} ms; "
          f"before: p50 {percentile(idle, .5) * 1000:.2f} ms, p99 {percentile(idle, .99) * 1000:.2f} ms")


def main():
    with multiprocessing.Pool(2) as pool:
        rendered(pool)
        kept(pool)
        overloaded(pool)


if __name__ == "__main__":
    main()
