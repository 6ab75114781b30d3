"""Large bodies, and what stays resident."""

import statistics
import time

import documents
from measure import median, microseconds, ratios, reset_peak, rounds, run, status_kilobytes
from report import Figure

from . import setup


def large(lab, report, settings):
    upstream = lab.upstream(setup.answers())
    targets = setup.pair(lab, upstream, "/plain")
    cases = [("300 KB of text", documents.chat_request(size=300_000), 8, 1.5, 1.1),
             ("300 KB with an image", documents.image_request(300_000), 8, None, None),
             ("3 MB with an image", documents.image_request(3_000_000), 4, None, None),
             ("20 MB with an image", documents.image_request(20_000_000), 2, None, None)]
    for name, body, connections, must, reach in cases:
        path = lab.file("large.json", body)
        for target in targets:
            reset_peak(target.pid)
        before = {target.name: status_kilobytes(target.pid, "VmRSS") for target in targets}
        results = rounds(lab, settings.rounds, targets, path, connections=connections, seconds=settings.seconds, warm=0.3)
        peaks = " / ".join(f"+{(status_kilobytes(target.pid, 'VmHWM') - before[target.name]) / 1024:.0f}" for target in targets)
        report.add(Figure(f"CPU of a request, {name}, {connections} connections", "x nginx", ratios(results, "gateway", "nginx"),
                          must, reach, f"{microseconds(results, 'gateway', 'nginx')}; peak memory {peaks} MB"))


def memory(lab, report, settings):
    """A gateway with every plugin loaded: after the start, and 60 s after a burst of 120 KB bodies."""
    idle, after, peaks = [], [], []
    body = lab.file("burst.json", documents.chat_request(size=120_000))
    for _ in range(1 if settings.is_quick else 2):
        upstream = lab.upstream(setup.answers())
        gateway, nginx = setup.pair(lab, upstream, "/plain")
        time.sleep(3)
        idle.append(status_kilobytes(gateway.pid, "VmRSS") / 1024)
        for target in (gateway, nginx):
            run(lab, target, body, connections=64, seconds=10)
        peaks.append(status_kilobytes(gateway.pid, "VmHWM") / 1024)
        time.sleep(60)
        after.append(status_kilobytes(gateway.pid, "VmRSS") / 1024)
        other = status_kilobytes(nginx.pid, "VmRSS") / 1024
        for target in (gateway, nginx):
            lab.end(target.process)
    report.add(Figure("resident memory, idle, every plugin loaded", "MB", idle, 40, 20))
    report.add(Figure("resident memory 60 s after a burst of 120 KB bodies at 64 connections", "MB", after, 60, 30,
                      f"at its highest {statistics.median(peaks):.0f} MB; nginx {other:.0f} MB after it"))
