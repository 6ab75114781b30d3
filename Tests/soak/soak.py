"""A long run with everything at once: streams, failures, reloads, slow clients and clients that leave.

At the end memory and file descriptors have to be flat, nobody may have waited in vain, no answer may have been taken for
whole that was not, and the ledger has to agree with what the upstreams answered and the clients received.

soak.py [--minutes 10] [--pieces 1] [--clients 24] [--pause 0.15] [--seed N]
"""

import argparse
import asyncio
import os
import random
import re
import shutil
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx
from upstream import Site

sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))

from client import Client  # noqa: E402
from gateway import KEY, Running  # noqa: E402
from ledger import compare  # noqa: E402

SITES = [("one", "chat"), ("two", "chat"), ("three", "messages"), ("four", "messages")]
OPTIONS = "timeouts: { first_byte: 1s, idle: 2s, total: 30s, heartbeat: 500ms, client_write: 10s }, "
#: After so many seconds every pool, table and buffer has found its size.
WARM_UP = 60
#: Descriptors that may remain when the load is over: the database, and connections of the admin API.
LEFT_OPEN = 12


class Soaked(Running):
    def configure(self, text):
        return text.replace("gateway: { listen", f"gateway: {{ {OPTIONS}listen")


def configuration(sites):
    platform = {True: "openai", False: "anthropic"}
    text = "".join(f"""  - name: {site.name}
    platform: {platform[site.is_chat]}
    base_url: http://127.0.0.1:{site.port}
    accounts: [ {{ name: main, credential: {{ kind: api_key, api_key: sk-soak-1 }}, models: [soak-{site.name}] }} ]
    conversion: {{ profile: {{ prefill: true }} }}
""" for site in sites)
    channels = ", ".join(f"{{ site: {site.name}, account: main, model: soak-{site.name} }}" for site in sites)
    going_on = "retry: { continue_cut_streams: true }"
    return text, (f"routes:\n  - {{ model: soak, channels: [ {channels} ] }}\n"
                  f"  - {{ model: going-on, {going_on}, channels: [ {channels} ] }}\n")


class Gauge:
    """Memory in MiB and open descriptors of the gateway, over time."""

    def __init__(self, pid):
        self.pid = pid
        self.samples = []

    def read(self):
        status = Path(f"/proc/{self.pid}/status").read_text()
        memory = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024
        return memory, len(os.listdir(f"/proc/{self.pid}/fd"))

    async def watch(self, until):
        start = time.monotonic()
        while time.monotonic() < until:
            memory, descriptors = self.read()
            self.samples.append((time.monotonic() - start, memory, descriptors))
            await asyncio.sleep(2)

    def medians(self, index):
        """Of the first and of the last third after the warm-up."""
        warm_up = min(WARM_UP, self.samples[-1][0] / 3)
        values = [sample[index] for sample in self.samples if sample[0] >= warm_up]
        third = max(1, len(values) // 3)
        return statistics.median(values[:third]), statistics.median(values[-third:])


def handles_hangup(pid):
    """Whether the gateway catches SIGHUP; if not, it would end."""
    caught = re.search(r"SigCgt:\s+([0-9a-f]+)", Path(f"/proc/{pid}/status").read_text())[1]
    return bool(int(caught, 16) >> (signal.SIGHUP - 1) & 1)


async def reload(running, until, counts):
    """Edits the configuration through the admin API, and the file, which is read again where the gateway knows how."""
    pid = running.gateway.process.pid
    reads_file = handles_hangup(pid)
    text = running.gateway.config.read_text()
    if not reads_file:
        print("reloads: SIGHUP is not handled by this build, so only the admin API changes the configuration")
    while time.monotonic() < until - 5:
        await asyncio.sleep(4)
        name = f"passing-{counts['edits']}"
        body = {"name": name, "platform": "openai", "base_url": "http://127.0.0.1:9"}
        answer = await asyncio.to_thread(running.admin.post, "/sites", json=body)
        assert answer.status_code == 201, answer.text
        answer = await asyncio.to_thread(running.admin.delete, f"/sites/{name}")
        assert answer.status_code in (200, 204), answer.text
        counts["edits"] += 1
        if reads_file:
            passing = f"keys:\n  - {{ name: passing-{counts['hangups']}, key: sk-passing-{counts['hangups']:08} }}\n"
            running.gateway.config.write_text(text.replace("keys:\n", passing, 1))
            os.kill(pid, signal.SIGHUP)
            counts["hangups"] += 1


async def piece(number, running, sites, sent, arguments):
    """One stretch of load; returns the gauge and how often the configuration changed."""
    until = time.monotonic() + arguments.minutes * 60
    gauge, counts = Gauge(running.gateway.process.pid), {"edits": 0, "hangups": 0}
    clients = [Client(running.port, KEY, random.Random(f"{arguments.seed}/{number}/{place}"), sent, ["soak", "going-on"])
               for place in range(arguments.clients)]
    await asyncio.gather(gauge.watch(until), reload(running, until, counts),
                         *(client.run(until, arguments.pause) for client in clients))
    return gauge, counts


async def settle(running, before):
    """Waits until the importer is through and unused upstream connections have been given up."""
    gauge = Gauge(running.gateway.process.pid)
    await asyncio.sleep(3)
    deadline = time.monotonic() + 90
    while gauge.read()[1] > before[1] + LEFT_OPEN and time.monotonic() < deadline:
        await asyncio.sleep(1)
    return gauge.read()


def judge(gauge, before, after, problems):
    first, last = gauge.medians(1)
    # The system gives memory back late; what counts is that it does not grow on.
    if last - first > max(8, first * 0.1):
        problems.append(f"memory grows: {first:.1f} MiB, later {last:.1f} MiB")
    first, last = gauge.medians(2)
    if last - first > 24:
        problems.append(f"descriptors grow: {first:.0f}, later {last:.0f}")
    if after[1] > before[1] + LEFT_OPEN:
        problems.append(f"descriptors stay: {before[1]} before, {after[1]} afterwards")


async def run(arguments):
    sites = [Site(name, kind, arguments.seed + place) for place, (name, kind) in enumerate(SITES)]
    for site in sites:
        await site.start()
    directory = Path(tempfile.mkdtemp(prefix="patchbay-soak-"))
    running = await asyncio.to_thread(Soaked, directory, *configuration(sites))
    problems = []
    try:
        before = Gauge(running.gateway.process.pid).read()
        print(f"seed {arguments.seed}, {arguments.clients} clients, start: {before[0]:.1f} MiB, {before[1]} descriptors")
        for number in range(arguments.pieces):
            sent = []
            for site in sites:
                site.answered.clear()
                site.calls = 0
            try:
                gauge, counts = await piece(number, running, sites, sent, arguments)
            except httpx.HTTPError as error:
                ended = running.gateway.process.poll()
                problems.append(f"the admin API broke off ({error}); the gateway's exit status is {ended}")
                break
            after = await settle(running, before)
            first, last = gauge.medians(1)
            print(f"piece {number + 1}: {len(sent)} requests, {sum(site.calls for site in sites)} upstream calls, "
                  f"{counts['edits'] * 2} changes by API, {counts['hangups']} by signal\n"
                  f"  memory {first:.1f} -> {last:.1f} MiB (idle after: {after[0]:.1f}), "
                  f"descriptors {gauge.medians(2)[0]:.0f} -> {gauge.medians(2)[1]:.0f} (idle after: {after[1]})")
            judge(gauge, before, after, problems)
            problems += compare(directory / "data" / "patchbay.db", sent, sites)
            if running.gateway.process.poll() is not None:
                problems.append(f"the gateway ended with {running.gateway.process.returncode}")
                break
    finally:
        await asyncio.to_thread(running.stop)
    for problem in problems:
        print(f"  PROBLEM: {problem}")
    if problems:
        print(f"  the directory {directory} is kept")
    else:
        shutil.rmtree(directory)
    return 1 if problems else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="length of one piece")
    parser.add_argument("--pieces", type=int, default=1)
    parser.add_argument("--clients", type=int, default=24)
    parser.add_argument("--pause", type=float, default=0.15, help="mean seconds between two requests of a client")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    arguments = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(asyncio.run(run(arguments)))


if __name__ == "__main__":
    main()
