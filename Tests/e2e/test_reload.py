"""The configuration changes while the gateway serves: by file, by signal, through links, and never by a broken file."""

import os
import signal
import threading
import time

import httpx
import pytest
from fakes.frames import STREAM_HEAD, Chat, chunk, document, stream
from fakes.scripted import NEXT, ScriptedUpstream
from gateway import ADMIN_TOKEN, KEY, Gateway, free_port
from raw_client import RawClient, chat, post, wait_for

OTHER_KEY = "sk-client-2-abcdefgh"


class Reloading:
    """A gateway whose file a test rewrites. The site `name` is reached under the path /name of the scripted upstream."""

    def __init__(self, directory):
        self.directory = directory
        self.upstream = ScriptedUpstream()
        self.port, self.admin_port = free_port(), free_port()
        self.gateway = Gateway(directory, self.text())
        self.file = self.gateway.config
        self.admin = httpx.Client(base_url=f"http://127.0.0.1:{self.admin_port}", timeout=10,
                                  headers={"authorization": f"Bearer {ADMIN_TOKEN}"})

    def start(self):
        self.gateway.start().wait_ready(self.port).wait_ready(self.admin_port)
        return self

    def stop(self):
        self.admin.close()
        self.gateway.stop()
        self.upstream.stop()

    def text(self, models=("first",), gateway="", port=None, keys=(KEY,), site="alpha", extra="", admin=""):
        names = ", ".join(models)
        lines = "\n".join(f"  - {{ name: key-{number}, key: {key} }}" for number, key in enumerate(keys))
        return f"""
gateway: {{ listen: "127.0.0.1:{port or self.port}"{gateway} }}
admin: {{ listen: "127.0.0.1:{self.admin_port}", token: {ADMIN_TOKEN}{admin} }}
egress: {{ allow: ["127.0.0.0/8"] }}
sites:
  - name: {site}
    platform: openai
    base_url: {self.upstream.url(site)}
    accounts: [ {{ name: main, credential: {{ kind: api_key, api_key: sk-up-1 }}, models: [{names}] }} ]
keys:
{lines}
{extra}
"""

    def replace(self, text):
        """As editors and deployment tools do it: another file takes the name."""
        new = self.directory / "patchbay.yaml.new"
        new.write_text(text)
        os.replace(new, self.file)
        return time.monotonic()

    def models(self, port=None, key=KEY):
        answer = httpx.get(f"http://127.0.0.1:{port or self.port}/v1/models", headers={"authorization": f"Bearer {key}"})
        return [model["id"] for model in answer.json().get("data", [])]

    def shows(self, models, seconds=1.0):
        return wait_for(lambda: self.models() == list(models), seconds)

    def log(self):
        return self.gateway.log.read_text()

    def metric(self, name):
        text = httpx.get(f"http://127.0.0.1:{self.admin_port}/metrics").text
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
                for line in text.splitlines() if line.startswith(name)}

    def readiness(self):
        answer = httpx.get(f"http://127.0.0.1:{self.admin_port}/readyz")
        return answer.status_code, answer.json()


@pytest.fixture
def world(tmp_path):
    world = Reloading(tmp_path).start()
    yield world
    world.stop()


def test_a_file_written_in_place(world):
    world.file.write_text(world.text(models=["first", "second"]))
    assert world.shows(["first", "second"])


def test_a_file_replaced_by_a_rename(world):
    for number in range(3):
        names = [f"model-{number}"]
        world.replace(world.text(models=names))
        assert world.shows(names)


def test_a_file_moved_away_and_written_anew(world):
    os.replace(world.file, world.directory / "patchbay.yaml~")
    world.file.write_text(world.text(models=["anew"]))
    assert world.shows(["anew"])
    assert "does not exist" not in world.log()


def test_a_config_map_whose_data_link_is_swapped(tmp_path):
    world = Reloading(tmp_path)
    mount = tmp_path / "mount"

    def publish(version, text):
        folder = mount / f"..{version}"
        folder.mkdir(parents=True)
        (folder / "patchbay.yaml").write_text(text)
        link = mount / "..data_tmp"
        link.symlink_to(folder.name)
        os.replace(link, mount / "..data")

    publish("2026_01", world.text(models=["old"]))
    (mount / "patchbay.yaml").symlink_to("..data/patchbay.yaml")
    world.gateway.config = mount / "patchbay.yaml"
    world.start()
    try:
        for version in ("2026_02", "2026_03"):
            publish(version, world.text(models=[f"new-{version}"]))
            assert world.shows([f"new-{version}"])
    finally:
        world.stop()


def test_a_file_that_the_configuration_reads_a_secret_from(world):
    secret = world.directory / "client.key"
    secret.write_text(KEY)
    world.replace(world.text(keys=["${file:client.key}"], models=["fresh"]).replace(
        "key: ${file", 'key: "${file').replace("key} }", 'key}" }'))
    assert world.shows(["fresh"])
    secret.write_text(OTHER_KEY)
    assert wait_for(lambda: world.models(key=OTHER_KEY) == ["fresh"], 1)
    assert world.models(key=KEY) == []


def test_a_signal_reads_the_file_again(world):
    before = sum(world.metric("patchbay_config_reloads_total").values())
    world.gateway.process.send_signal(signal.SIGHUP)
    assert wait_for(lambda: sum(world.metric("patchbay_config_reloads_total").values()) == before + 1)
    assert "cause=signal" in world.log()


BROKEN = {
    "not YAML": ("sites: [", ":2:1: This is not valid YAML"),
    "a slip": ("gatway: {}", ":1:1: There is no key"),
    "nothing": ("", "The file is empty."),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_reported_and_changes_nothing(world, name):
    text, complaint = BROKEN[name]
    world.replace(text)
    assert wait_for(lambda: world.readiness()[1]["status"] == "degraded", 2)
    status, document = world.readiness()
    assert status == 200 and complaint in document["reasons"][0]
    assert httpx.get(f"http://127.0.0.1:{world.port}/readyz").json() == {"status": "degraded"}
    assert complaint in world.log() and str(world.file) in world.log()
    assert world.metric("patchbay_config_last_reload_successful") == {"patchbay_config_last_reload_successful": 0}
    assert world.metric("patchbay_config_reloads_total")['patchbay_config_reloads_total{result="refused"}'] == 1
    assert world.models() == ["first"]
    world.replace(world.text(models=["mended"]))
    assert world.shows(["mended"])
    assert world.readiness() == (200, {"status": "ok", "reasons": []})
    assert world.metric("patchbay_config_last_reload_successful") == {"patchbay_config_last_reload_successful": 1}


def test_requests_in_progress_keep_their_configuration(world):
    world.upstream.play("alpha", STREAM_HEAD + chunk(Chat.begin[0] + Chat.content[0]), 0.7,
                        stream(Chat.content[1:] + Chat.end)[len(STREAM_HEAD):], NEXT)
    with RawClient(world.port) as client:
        client.send(chat("first", stream=True))
        client.until(b"one ")
        world.replace(world.text(site="beta", models=["other"], keys=[OTHER_KEY]))
        assert wait_for(lambda: world.models(key=OTHER_KEY) == ["other"], 1)
        assert b"three" in client.until(b"[DONE]")
        client.buffer = b""
    with RawClient(world.port) as client:
        assert client.send(chat("first")).answer().status == 401


def test_an_idle_connection_gets_the_new_configuration(world):
    world.upstream.play("alpha", document(Chat.whole), NEXT)
    with RawClient(world.port) as client:
        assert client.send(chat("first")).answer().status == 200
        world.replace(world.text(models=["second"]))
        assert world.shows(["second"])
        assert client.send(chat("second")).answer().status == 200
        assert client.send(chat("first")).answer().status == 404


def test_the_listener_moves_and_open_connections_stay(world):
    world.upstream.play("alpha", document(Chat.whole), NEXT)
    other = free_port()
    with RawClient(world.port) as client:
        assert client.send(chat("first")).answer().status == 200
        world.replace(world.text(port=other))
        assert wait_for(lambda: can_connect(other), 1)
        assert wait_for(lambda: not can_connect(world.port), 1)
        assert client.send(chat("first")).answer().status == 200
    assert world.models(port=other) == ["first"]


def test_the_listener_takes_in_every_address(world):
    world.replace(world.text().replace(f'"127.0.0.1:{world.port}"', f'"0.0.0.0:{world.port}"', 1))
    assert wait_for(lambda: f"to=0.0.0.0:{world.port}" in world.log(), 1)
    assert world.models() == ["first"]


def test_an_address_that_is_taken_leaves_the_listener_where_it_is(world):
    world.replace(world.text(port=world.upstream.port, models=["moved"]))
    assert world.shows(["moved"])
    assert "stays at its address" in world.log()


def test_limits_and_admin_token_change_at_once(world):
    world.replace(world.text(models=["tight"], gateway=", limits: { body: 2KiB }").replace(
        f"token: {ADMIN_TOKEN}", "token: another-admin-token-1"))
    assert world.shows(["tight"])
    with RawClient(world.port) as client:
        assert client.send(post("/v1/chat/completions", b" " * 4096)).answer().status == 413
    assert world.admin.get("/api/v1/sites").status_code == 401
    answer = world.admin.get("/api/v1/sites", headers={"authorization": "Bearer another-admin-token-1"})
    assert answer.status_code == 200


def test_settings_that_need_a_restart_are_named(world):
    world.replace(world.text(models=["named"], gateway=", event_loops: 7").replace(
        f"127.0.0.1:{world.admin_port}", f"127.0.0.1:{free_port()}"))
    assert world.shows(["named"])
    assert wait_for(lambda: 'settings="gateway.event_loops, admin.listen"' in world.log(), 1), world.log()[-600:]


def test_cooling_down_survives_a_reload(world):
    world.upstream.play("alpha", document(Chat.error_document, status=429, headers=[("retry-after", "60")]), NEXT)
    with RawClient(world.port) as client:
        assert client.send(chat("first")).answer().status == 429
        world.replace(world.text(models=["first", "more"]))
        assert world.shows(["first", "more"])
        calls = len(world.upstream.calls("alpha"))
        assert client.send(chat("first")).answer().status in (429, 503)
        assert len(world.upstream.calls("alpha")) == calls


def test_no_request_is_dropped_while_the_file_changes_under_load(world):
    """Every answer of many clients through a row of reloads is counted; there are no others than good ones."""
    world.upstream.play("alpha", 0.002, document(Chat.whole), NEXT)
    answers, problems, stop = [], [], threading.Event()

    def work():
        try:
            with RawClient(world.port) as client:
                while not stop.is_set():
                    client.send(chat("first"))
                    answers.append(client.answer().status)
        except (OSError, AssertionError) as error:
            problems.append(repr(error))

    def reconnect():
        while not stop.is_set():
            try:
                with RawClient(world.port) as client:
                    answers.append(client.send(chat("first")).answer().status)
            except (OSError, AssertionError) as error:
                problems.append(repr(error))

    workers = [threading.Thread(target=work) for _ in range(16)] + [threading.Thread(target=reconnect) for _ in range(4)]
    for worker in workers:
        worker.start()
    delays = []
    for number in range(12):
        names = ["first", f"round-{number}"]
        changed = world.replace(world.text(models=names)) if number % 3 else rewrite(world, names)
        assert world.shows(names, 3)
        delays.append(time.monotonic() - changed)
        if number % 4 == 0:
            world.gateway.process.send_signal(signal.SIGHUP)
        if number % 5 == 0:
            world.replace("sites: [")
            time.sleep(0.1)
        time.sleep(0.1)
    stop.set()
    for worker in workers:
        worker.join(10)
    print(f"\n{len(answers)} answers through {len(delays)} changes, visible after "
          f"{1000 * sorted(delays)[len(delays) // 2]:.0f} ms (median), {1000 * max(delays):.0f} ms (longest)")
    assert problems == [] and set(answers) == {200} and len(answers) > 500
    assert sorted(delays)[len(delays) // 2] < 1
    assert wait_for(lambda: len(world_rows(world)) == len(answers), 20)


def rewrite(world, names):
    world.file.write_text(world.text(models=names))
    return time.monotonic()


def world_rows(world):
    rows, cursor = [], None
    while True:
        page = world.admin.get("/api/v1/requests", params={"limit": 500, **({"cursor": cursor} if cursor else {})}).json()
        rows += page["data"]
        cursor = page["next"]
        if not cursor:
            return rows


def can_connect(port):
    try:
        with RawClient(port) as client:
            return client.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").answer().status == 200
    except (OSError, AssertionError):
        return False
