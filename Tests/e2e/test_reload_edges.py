"""The configuration changes in the middle of a request, and between two requests of one connection."""

import time

import pytest
from fakes.frames import TEXT, Chat, document, stream
from fakes.scripted import NEXT
from raw_client import RawClient, chat, wait_for
from scripted_world import World

GOOD = [document(Chat.whole), NEXT]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("reload-edges"), sites=40, options="event_loops: 1, ")
    yield world
    world.stop()


class Key:
    """A key that the admin API knows and a test may change."""

    count = 0

    def __init__(self, world, models=("*",)):
        Key.count += 1
        self.admin = world.running.admin
        self.name, self.value = f"edge-{Key.count}", f"sk-edge-{Key.count:08}"
        created = self.admin.post("/keys", json={"name": self.name, "key": self.value, "models": list(models)})
        assert created.status_code == 201, created.text
        self.id = created.json()["id"]

    def restrict(self, models):
        answer = self.admin.patch(f"/keys/{self.id}", json={"models": models})
        assert answer.status_code == 200, answer.text

    def revoke(self):
        assert self.admin.delete(f"/keys/{self.id}").status_code in (200, 204)


def change(world):
    """Some change that concerns nobody, and is in force when this returns."""
    name = f"passing-{time.monotonic_ns()}"
    body = {"name": name, "platform": "openai", "base_url": "http://127.0.0.1:9"}
    created = world.running.admin.post("/sites", json=body)
    assert created.status_code == 201, created.text
    world.running.admin.delete(f"/sites/{created.json()['id']}")
    time.sleep(0.3)


def serve(world, *steps):
    name = world.fresh("chat")
    world.upstream.play(name, *(steps or GOOD))
    world.upstream.play("spare", *GOOD)
    return name


@pytest.mark.parametrize("cut", [-1, -20, -60])
def test_a_change_between_head_and_body(world, client, cut):
    request = chat(f"model-{serve(world)}")
    client.send(request[:cut])
    time.sleep(0.1)
    for _ in range(3):
        change(world)
    client.send(request[cut:])
    assert client.answer().json()["choices"][0]["message"]["content"] == TEXT


def test_a_key_that_is_revoked_between_head_and_body(world, client):
    key, name = Key(world), serve(world)
    assert wait_for(lambda: RawClient(world.running.port).send(chat(f"model-{name}", key=key.value)).answer().status == 200)
    request = chat(f"model-{name}", key=key.value)
    client.send(request[:-5])
    time.sleep(0.1)
    key.revoke()
    time.sleep(0.3)
    calls = len(world.upstream.calls(name))
    client.send(request[-5:])
    assert client.answer().status == 401
    assert len(world.upstream.calls(name)) == calls


def test_a_key_that_is_revoked_is_not_remembered_by_its_connection(world, client):
    key, model = Key(world), f"model-{serve(world)}"
    request = chat(model, key=key.value)
    assert wait_for(lambda: client.send(request).answer().status == 200)
    key.revoke()
    time.sleep(0.3)
    calls = len(world.upstream.calls(model.removeprefix("model-")))
    client.send(request)
    assert client.answer().status == 401
    assert len(world.upstream.calls(model.removeprefix("model-"))) == calls


def test_what_a_key_may_use_is_not_remembered_by_its_connection(world, client):
    first, second = f"model-{serve(world)}", f"model-{serve(world)}"
    key = Key(world, [first])
    assert wait_for(lambda: client.send(chat(first, key=key.value)).answer().status == 200)
    assert client.send(chat(second, key=key.value)).answer().status == 403
    key.restrict([second])
    time.sleep(0.3)
    assert client.send(chat(first, key=key.value)).answer().status == 403
    assert client.send(chat(second, key=key.value)).answer().status == 200


def test_a_change_between_two_attempts(world, client):
    """The plan belongs to the old table, the health to the new one."""
    broken = document(Chat.error_document, 500)
    name = serve(world, 1.2, broken, NEXT)
    client.send(chat(f"spared-{name}"))
    world.upstream.call(name)
    change(world)
    assert client.answer().json()["choices"][0]["message"]["content"] == TEXT
    assert world.last_row(f"spared-{name}")["site"] == "spare"


def test_changes_under_a_stream(world, client):
    name = serve(world, stream(Chat.begin + Chat.content[:1], end=b""), 1.5,
                 stream(Chat.content[1:] + Chat.end).partition(b"\r\n\r\n")[2], NEXT)
    client.send(chat(f"model-{name}", stream=True))
    client.until(b"one ")
    change(world)
    client.until(b"[DONE]")
    assert world.last_row(f"model-{name}")["outcome"] == "completed"
