"""Event streams: CPU of a chunk, many at once, memory of idle ones."""

import statistics
import time

import documents
from measure import median, microseconds, private_kilobytes, ratios, rounds, run
from report import Figure

from . import setup

INTERVAL = 20  # milliseconds between the events of a paced stream


def paced(seconds):
    return int(seconds * 1000 / INTERVAL)


def chunks(lab, report, settings):
    streams, length = 500, settings.seconds + 2.5
    upstream = lab.upstream({})
    frames = paced(length)
    prefix = f"/paced-{INTERVAL}-{frames}"
    body = lab.file("stream.json", documents.chat_request(True))
    results = rounds(lab, settings.rounds, setup.pair(lab, upstream, prefix), body, connections=streams, frames=frames, ramp=1000,
                     warm=0.5, seconds=settings.seconds)
    report.add(Figure(f"CPU of a chunk, {streams} streams, one chunk every {INTERVAL} ms", "x nginx",
                      ratios(results, "gateway", "nginx"), 1.4, 1.0, microseconds(results, "gateway", "nginx")))


def concurrent(lab, report, settings):
    for streams, must, reach in ((2000, 50, None), (5000, None, 50)):
        length = settings.seconds + streams / 1000 + 3
        frames = paced(length)
        upstream = lab.upstream({})
        prefix = f"/paced-{INTERVAL}-{frames}"
        body = lab.file("stream.json", documents.chat_request(True))
        targets = [*setup.pair(lab, upstream, prefix, loops=2, name=f"-{streams}"), setup.direct(upstream, prefix)]
        added, others, lost, delays = [], [], [], []
        for _ in range(max(2, settings.rounds // 2)):
            found = {target.name: run(lab, target, body, connections=streams, frames=frames, ramp=streams, warm=1,
                                      seconds=settings.seconds) for target in targets}
            added.append((found["gateway"]["gap_p99"] - found["direct"]["gap_p99"]) / 1000)
            others.append((found["nginx"]["gap_p99"] - found["direct"]["gap_p99"]) / 1000)
            delays.append(found["gateway"]["delay_p99"] / 1000)
            lost.append((found["gateway"]["lost"], found["nginx"]["lost"], found["direct"]["lost"]))
        report.add(Figure(
            f"{streams:,} paced streams on {2} loops: time between events, p99 added", "ms", added, must, reach,
            f"nginx adds {statistics.median(others):.1f} ms; delay of an event p99 {statistics.median(delays):.1f} ms"))
        report.add(Figure(f"{streams:,} paced streams: lost", "streams", [max(one for one, _, _ in lost)],
                          0 if must else None, 0,
                          f"nginx {max(one for _, one, _ in lost)}, without a proxy {max(one for _, _, one in lost)}"))
        for target in targets[:2]:
            lab.end(target.process)


def idle(lab, report, settings):
    streams = 2000
    body = lab.file("stream.json", documents.chat_request(True))
    sizes = {"gateway": [], "nginx": []}
    for _ in range(2):
        upstream = lab.upstream({})
        for target in setup.pair(lab, upstream, "/held-3"):
            run(lab, target, body, connections=50, frames=3, hold=1, warm=0.5)  # code is paged in, pools exist
            time.sleep(0.5)
            before, moments = private_kilobytes(target.pid), []
            lab.load(target.port, target.path, body, connections=streams, frames=3, hold=1, ramp=2000, warm=2,
                     at_end=lambda: moments.append(private_kilobytes(target.pid)))
            sizes[target.name].append((moments[0] - before) / streams)
            lab.end(target.process)
    report.add(Figure(f"memory of an idle stream, both connections ({streams:,} streams)", "KB", sizes["gateway"], 20, 12,
                      f"nginx {statistics.median(sizes['nginx']):.1f} KB"))
