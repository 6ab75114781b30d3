"""The store does not work: requests are served, the ledger grows on disk, and nothing is lost or counted twice."""

import os
import subprocess
import sys

import httpx
import pytest
from fakes.frames import Chat, document
from fakes.scripted import NEXT
from raw_client import RawClient, chat, wait_for
from scripted_world import World

HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


class Lock:
    """Another process that holds the database."""

    def __init__(self, path):
        self.process = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "held\n"

    def release(self):
        self.process.stdin.close()
        self.process.wait(10)


class Failing:
    def __init__(self, directory):
        self.world = World(directory, sites=4)
        self.running = self.world.running
        self.database = directory / "data" / "patchbay.db"
        self.world.upstream.play("chat-0", document(Chat.whole), NEXT)

    def serve(self, count):
        with RawClient(self.running.port) as client:
            for _ in range(count):
                assert client.send(chat("model-chat-0")).answer().status == 200

    def readiness(self):
        answer = httpx.get(f"http://127.0.0.1:{self.running.admin_port}/readyz", timeout=10)
        return answer.status_code, answer.json()

    def is_degraded(self):
        return self.readiness()[1]["status"] == "degraded"

    def metric(self, name):
        text = httpx.get(f"http://127.0.0.1:{self.running.admin_port}/metrics", timeout=10).text
        return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name + " "))

    def rows(self):
        return self.running.request_rows(limit=500)

    def stop(self):
        self.world.stop()


@pytest.fixture
def failing(tmp_path):
    failing = Failing(tmp_path)
    yield failing
    failing.stop()


def test_a_database_that_another_process_holds(failing):
    failing.serve(20)
    assert wait_for(lambda: len(failing.rows()) == 20)
    lock = Lock(failing.database)
    try:
        failing.serve(300)
        assert wait_for(failing.is_degraded, 10)
        status, health = failing.readiness()
        assert status == 200 and "locked" in health["reasons"][0]
        assert httpx.get(f"{failing.running.url}/readyz").json() == {"status": "degraded"}
        assert failing.metric("patchbay_store_up") == 0
        assert failing.metric("patchbay_ledger_import_failures_total") > 0
        # What has to be written is refused, what is known is told.
        assert failing.running.admin.get("/sites").status_code == 200
        site = {"name": "late", "platform": "openai", "base_url": "http://127.0.0.1:9"}
        answer = failing.running.admin.post("/sites", json=site, timeout=20)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
        failing.serve(30)
        assert len(failing.rows()) == 20
    finally:
        lock.release()
    assert wait_for(lambda: len(failing.rows()) == 350, 10)
    assert len({row["id"] for row in failing.rows()}) == 350
    assert wait_for(lambda: not failing.is_degraded(), 5)
    assert failing.metric("patchbay_store_up") == 1
    assert failing.metric("patchbay_ledger_lost_total") == 0


def test_the_file_is_read_again_while_the_database_is_held(failing):
    lock = Lock(failing.database)
    try:
        config = failing.running.gateway.config
        config.write_text(config.read_text().replace("models: [spare]", "models: [spare, fresh]"))
        headers = {"authorization": "Bearer sk-client-1-abcdefgh"}
        assert wait_for(
            lambda: '"fresh"' in httpx.get(f"{failing.running.url}/v1/models", headers=headers).text, 2)
    finally:
        lock.release()


def test_a_start_and_an_end_while_the_database_is_held(failing):
    failing.serve(10)
    assert wait_for(lambda: len(failing.rows()) == 10)
    lock = Lock(failing.database)
    try:
        failing.serve(10)
        failing.running.gateway.stop()
        assert failing.running.gateway.process.returncode == 0
        failing.running.gateway.start().wait_ready(failing.running.port).wait_ready(failing.running.admin_port)
        failing.serve(10)
    finally:
        lock.release()
    assert wait_for(lambda: len(failing.rows()) == 30, 10)


def test_a_database_that_is_removed_and_put_back(failing):
    failing.serve(10)
    assert wait_for(lambda: len(failing.rows()) == 10)
    names = [name for suffix in ("", "-wal", "-shm") if (name := f"{failing.database}{suffix}") and os.path.exists(name)]
    for name in names:
        os.rename(name, f"{name}.away")
    failing.serve(25)
    assert wait_for(failing.is_degraded, 10)
    assert "is gone" in failing.readiness()[1]["reasons"][0]
    assert not failing.database.exists()
    for name in names:
        os.rename(f"{name}.away", name)
    assert wait_for(lambda: len(failing.rows()) == 35, 10)
    assert wait_for(lambda: not failing.is_degraded(), 5)


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(folder)], capture_output=True)
    if done.returncode:
        pytest.skip("file systems cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(file):
    try:
        return file.write(b"x" * 4096)
    except OSError:
        return 0


def test_a_disk_that_is_full(small_disk):
    failing = Failing(small_disk)
    try:
        failing.serve(10)
        assert wait_for(lambda: len(failing.rows()) == 10)
        ballast = small_disk / "ballast"
        with open(ballast, "wb", buffering=0) as file:
            while fill(file):
                pass
        failing.serve(4000)
        assert wait_for(failing.is_degraded, 10), failing.readiness()
        assert failing.readiness()[0] == 200
        failing.serve(100)
        ballast.unlink()
        assert wait_for(lambda: not failing.is_degraded(), 15)
        assert wait_for(lambda: failing.metric("patchbay_ledger_imported_total") == 4110, 15)
        assert failing.metric("patchbay_ledger_lost_total") == 0
    finally:
        failing.stop()
