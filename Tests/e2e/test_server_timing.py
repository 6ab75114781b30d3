"""The header `server-timing`, for keys that ask for it: where the time of a request went."""

import re

import httpx
import pytest
from fakes.frames import Chat, document, stream
from fakes.scripted import NEXT
from governed_world import Governed

KEY = "sk-timing-0123456789"
STAGES = ["receive", "wait", "failed", "upstream", "answer", "gateway", "total"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = Governed(
        tmp_path_factory.mktemp("timing"), {"quick": "", "slow": "", "failing": "", "streaming": ""},
        keys="- { name: dev, key: sk-client-0123456789 }\n"
        f"  - {{ name: timing, key: {KEY}, server_timing: true }}")
    yield world
    world.stop()


def ask(world, model, key=KEY, **members):
    return httpx.post(
        f"{world.url}/v1/chat/completions", headers={"authorization": f"Bearer {key}"},
        json={"model": model, "messages": [{"role": "user", "content": "hello"}], **members})


def timing(answer):
    found = re.findall(r"(\w+);dur=(\d+\.\d{3})(?:, |$)", answer.headers["server-timing"])
    assert [name for name, _ in found] == STAGES
    return {name: float(text) for name, text in found}


def test_a_key_that_does_not_ask_gets_none(world):
    world.play("quick", document(Chat.whole, headers=[("server-timing", "secret;dur=1")]), NEXT)
    assert "server-timing" not in ask(world, "quick", "sk-client-0123456789").headers


def test_the_stages_add_up_to_the_total(world):
    world.play("quick", document(Chat.whole, headers=[("server-timing", "secret;dur=1")]), NEXT)
    times = timing(ask(world, "quick"))
    assert sum(times[stage] for stage in STAGES[:-1]) == pytest.approx(times["total"], abs=0.05)
    assert times["wait"] == times["failed"] == 0 and times["gateway"] > 0


def test_the_upstreams_time_is_the_upstreams(world):
    head, body = document(Chat.whole).split(b"\r\n\r\n", 1)
    world.play("slow", 0.2, head + b"\r\n\r\n", 0.3, body, NEXT)
    times = timing(ask(world, "slow"))
    assert 200 <= times["upstream"] < 1000 and 300 <= times["answer"] < 1000 and times["gateway"] < 200


def test_a_stream_tells_of_the_time_to_its_first_content(world):
    frames = stream(Chat.begin + Chat.content + Chat.end)
    world.play("streaming", frames[:80], 0.2, frames[80:])
    answer = ask(world, "streaming", stream=True)
    assert answer.status_code == 200 and timing(answer)["total"] >= 200


def test_failed_attempts_and_waits_are_told_apart(world):
    world.play_each("failing", [0.2, document(Chat.error_document, 500), NEXT], [document(Chat.whole), NEXT])
    times = timing(ask(world, "failing"))
    assert 200 <= times["failed"] < 1000 and 90 <= times["wait"] < 1000
