"""Start and memory: from the start of the process to readiness with a large configuration, and what is resident.

Usage: footprint.py [--rounds 11] [--quick]. With the right to do so the gateway runs at a real-time priority while its
start is timed, because other programs on the machine are not its concern.
"""

import argparse
import json
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import fleet
from fakes.frames import Chat, document
from fakes.scripted import NEXT, ScriptedUpstream

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("PATCHBAY_BINARY", ROOT / ".build/release/patchbay"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A gateway; times itself from its start to the first 200 of /readyz."""

    def __init__(self, config, data, port, preexec=None):
        self.port = port
        self.log = open(Path(data).parent / "gateway.log", "ab")
        began = time.perf_counter()
        self.process = subprocess.Popen([str(BINARY), "serve", "--config", str(config), "--data", str(data)],
                                        stdout=self.log, stderr=self.log, preexec_fn=preexec)
        while not self.is_ready():
            if self.process.poll() is not None or time.perf_counter() - began > 60:
                raise SystemExit("the gateway does not start; see " + self.log.name)
            time.sleep(0.0005)
        self.seconds = time.perf_counter() - began
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        self.cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def is_ready(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as client:
                client.sendall(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                return b" 200 " in client.recv(64)
        except OSError:
            return False

    def memory(self):
        """MiB: all that is resident, private and anonymous, of files."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return {name: int(re.search(name + r":\s+(\d+)", text)[1]) / 1024 for name in ("VmRSS", "RssAnon", "RssFile")}

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        self.log.close()


def real_time():
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    except (PermissionError, OSError):
        pass


def show(name, value):
    print(f"{name:<58} {value}", flush=True)


def time_starts(name, config, data, port, rounds):
    runs = []
    for _ in range(rounds + 1):
        process = Process(config, data, port, preexec=real_time)
        runs.append((1000 * process.seconds, 1000 * process.cpu))
        process.stop()
    walls, cpus = zip(*runs[1:])
    show(f"start to ready, {name}", f"{statistics.median(walls):.0f} ms ({min(walls):.0f}-{max(walls):.0f}), "
         f"CPU {statistics.median(cpus):.0f} ms")


def declare(admin, arguments):
    """The same definitions through the admin API."""
    def post(kind, body):
        request = urllib.request.Request(f"{admin}/api/v1/{kind}", json.dumps(body).encode(), {
            "authorization": "Bearer fleet-admin-token", "content-type": "application/json"})
        urllib.request.urlopen(request, timeout=60).read()

    for site in range(arguments.sites):
        name = f"site-{site:02d}"
        post("sites", {"name": name, "platform": "openai", "base_url": f"http://127.0.0.1:9/{name}"})
        models = [{"upstream": fleet.model_name(number), "as": fleet.model_name(number)}
                  for number in fleet.site_models(site, arguments.sites, arguments.models)]
        post("accounts", {"site": name, "name": "main", "models": models,
                          "credential": {"kind": "api_key", "api_key": "sk-upstream-abcdefgh"}})


def insert_keys(database, count):
    """Ten thousand keys one by one through the API would take an hour of everybody's time: each is a new snapshot."""
    import hashlib
    import sqlite3
    connection = sqlite3.connect(database, timeout=30)
    with connection:
        connection.executemany(
            "INSERT INTO keys (name, digest, display_prefix, models, key_group, enabled) VALUES (?, ?, ?, ?, ?, 1)",
            ((f"team-{number:05d}", hashlib.sha256(fleet.key_text(number).encode()).digest(), "sk-fleet-", '["*"]',
              f"group-{number % 20}") for number in range(count)))
    connection.close()


def burst(port, connections, requests, size):
    body = json.dumps({"model": "burst", "messages": [{"role": "user", "content": "x" * size}]}).encode()
    request = (b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer " + fleet.key_text(1).encode()
               + b"\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    good = []

    def work():
        with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
            for _ in range(requests):
                client.sendall(request)
                answer = b""
                while b"\r\n\r\n" not in answer or not answer.rstrip().endswith(b"}"):
                    part = client.recv(65536)
                    if not part:
                        return
                    answer += part
                good.append(answer.startswith(b"HTTP/1.1 200"))

    workers = [threading.Thread(target=work) for _ in range(connections)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(good)


def report(name, memory):
    show(name, f"VmRSS {memory['VmRSS']:.1f} MB (anonymous {memory['RssAnon']:.1f}, of files {memory['RssFile']:.1f})")


def measure_memory(name, text, folder, port, arguments):
    config = folder / "memory.yaml"
    config.write_text(text)
    process = Process(config, folder / "memory-data", port)
    report(f"resident at readiness, {name}", process.memory())
    time.sleep(15)
    report(f"resident idle after 15 s, {name}", process.memory())
    good = burst(port, 64, arguments.burst, 120_000)
    report(f"right after {good} requests of 120 KB on 64 connections", process.memory())
    time.sleep(10 if arguments.quick else 60)
    report("60 s later" if not arguments.quick else "10 s later", process.memory())
    process.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--sites", type=int, default=40)
    parser.add_argument("--models", type=int, default=2000)
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--burst", type=int, default=50, help="requests on each of 64 connections")
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    folder = Path(tempfile.mkdtemp(prefix="patchbay-footprint-"))
    port, admin = free_port(), free_port()
    addresses = {"listen": f"127.0.0.1:{port}", "admin": f"127.0.0.1:{admin}"}
    upstream = ScriptedUpstream()
    upstream.play("burst", document(Chat.whole), NEXT)
    site = (f"sites: [ {{ name: burst, platform: openai, base_url: {upstream.url('burst')}, accounts: [ {{ name: main, "
            "credential: { kind: api_key, api_key: sk-up }, models: [burst] } ] } ]\nkeys:\n")
    small = fleet.configuration(definitions=False, **addresses) + site + next(fleet.keys(2)).replace(
        fleet.key_text(0), fleet.key_text(1)).replace('["gpt-5*", "claude-*"]', '["*"]') + "\n"
    sizes = (arguments.sites, arguments.models, arguments.keys)
    try:
        for name, text in (("one site", small), ("%d sites, %d models, %d keys in the file" % sizes,
                                                 fleet.configuration(*sizes, **addresses))):
            (folder / "start.yaml").write_text(text)
            time_starts(name, folder / "start.yaml", folder / "data", port, arguments.rounds)
        (folder / "store.yaml").write_text(fleet.configuration(definitions=False, **addresses))
        process = Process(folder / "store.yaml", folder / "store-data", port)
        declare(f"http://127.0.0.1:{admin}", arguments)
        process.stop()
        insert_keys(folder / "store-data" / "patchbay.db", arguments.keys)
        time_starts("the same in the store", folder / "store.yaml", folder / "store-data", port, arguments.rounds)
        measure_memory("one site", small, folder, port, arguments)
        big = fleet.configuration(*sizes, **addresses)
        big = big.replace("sites:\n", "sites:\n  - " + site[len("sites: [ "):-len(" ]\nkeys:\n")] + "\n", 1)
        measure_memory("all of it", big, folder, port, arguments)
    finally:
        upstream.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
