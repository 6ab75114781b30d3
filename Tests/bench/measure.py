"""CPU time and memory of a process tree, and interleaved rounds over several proxies."""

import os
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

from lab import TICKS


@dataclass
class Target:
    """A proxy under measurement: where the load goes and whose CPU time counts."""

    name: str
    process: object
    port: int
    path: str
    options: dict = field(default_factory=dict)

    @property
    def pid(self):
        return self.process.pid if self.process else None


def tree(pid):
    children = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found = [pid]
    for member in found:
        found += children.get(member, [])
    return found


def cpu_seconds(pid):
    """User and system time of the whole tree, in ticks of 10 ms."""
    total = 0
    for member in tree(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def precise_cpu_seconds(pid):
    """The same in nanoseconds, from the scheduler; threads that have ended are missing."""
    total = 0
    for member in tree(pid):
        for path in Path(f"/proc/{member}/task").glob("*/schedstat"):
            total += int(path.read_text().split()[0])
    return total / 1e9


def status_kilobytes(pid, name):
    """VmRSS, VmHWM, ... of the whole tree."""
    total = 0
    for member in tree(pid):
        for line in Path(f"/proc/{member}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                total += int(line.split()[1])
    return total


def private_kilobytes(pid):
    """Memory that is the tree's own, and its share of what others map as well (PSS)."""
    total = 0
    for member in tree(pid):
        for line in Path(f"/proc/{member}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total


def reset_peak(pid):
    for member in tree(pid):
        Path(f"/proc/{member}/clear_refs").write_text("5")


def run(lab, target, body, **options):
    """One round of load on one target. Gives the generator's result and `cpu_us` for each request or frame."""
    moments = []

    def moment():
        moments.append(precise_cpu_seconds(target.pid) if target.pid else 0)

    result = lab.load(target.port, target.path, body, at_begin=moment, at_end=moment, **{**options, **target.options})
    result["failed"] += result["bad"] + result["lost"]
    count = result["frames"] if "frames" in options else result["requests"]
    result["cpu_us"] = (moments[1] - moments[0]) / max(1, count) * 1e6
    if count == 0:
        result["failed"] += 1
    return result


def rounds(lab, count, targets, body, **options):
    """Interleaved rounds; the first warms up and is not given. A round with a failed request is void, and said so.

    The order turns from round to round so that no target always follows the same one.
    """
    results = []
    for number in range(count + 1):
        turned = targets[number % len(targets):] + targets[:number % len(targets)]
        found = {target.name: run(lab, target, body[target.name] if isinstance(body, dict) else body, **options)
                 for target in turned}
        failed = {name: result["failed"] for name, result in found.items() if result["failed"]}
        if failed:
            print(f"  void round: {failed} failed", flush=True)
        elif number:
            results.append(found)
        time.sleep(0.2)
    return results


def median(results, name, key):
    return statistics.median(result[name][key] for result in results) if results else 0


def ratios(results, ours, theirs, key="cpu_us"):
    return [result[ours][key] / max(1e-9, result[theirs][key]) for result in results]


def microseconds(results, *names):
    return " / ".join(f"{median(results, name, 'cpu_us'):.1f}" for name in names) + " us"


assert os.path.exists("/proc/self/schedstat"), "the kernel keeps no scheduler statistics"
