"""Hedging: a second channel beside one that is slow to begin. The first with content wins, and the other is let go."""

import openai
import pytest
from fakes.frames import END, STREAM_HEAD, TEXT, Chat, Messages, chunk, document, stream
from fakes.scripted import HOLD, RESET, Until
from governed_world import Governed
from raw_client import wait_for

USER = [{"role": "user", "content": "hello"}]
GOOD = stream(Chat.begin + Chat.content + Chat.end)
NAMES = [f"site-{number}" for number in range(60)]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Three sites in a row for every route `row-N`; only one request at a time fits into the second one of `crowded`."""
    def channels(names, model="m"):
        return "channels: [ " + ", ".join(
            f"{{ site: {name}, account: main, model: {model}, priority: {place} }}"
            for place, name in enumerate(names)) + " ] }\n"

    routes = "".join(
        f"  - {{ model: row-{number}, retry: {{ hedge: 300ms }}, " + channels(NAMES[number:number + 3])
        for number in range(0, 57, 3))
    routes += "  - { model: plain, " + channels(["site-57", "site-58"])
    routes += "  - { model: single, retry: { hedge: 300ms, max_attempts: 1 }, " + channels(["site-57", "site-58"])
    routes += "  - { model: crowded, retry: { hedge: 300ms }, " + channels(["site-59", "narrow"])
    routes += "  - { model: mixed, retry: { hedge: 300ms }, " + channels(["site-59", "messages"])
    world = Governed(
        tmp_path_factory.mktemp("hedge"),
        {**{name: "" for name in NAMES}, "narrow": "max_concurrency: 1\nqueue: { length: 4, timeout: 5s }", "messages": ""},
        routes=routes, settings="timeouts: { first_byte: 4s, first_event: 2s }\npool: { idle: 0 }\n",
        gateway="event_loops: 1, ")
    world.numbers = iter(range(0, 57, 3))
    yield world
    world.stop()


@pytest.fixture
def row(world):
    number = next(world.numbers)
    names = NAMES[number:number + 3]
    for name in names:
        world.play(name, GOOD)
    return f"row-{number}", names


def read(world, model, **arguments):
    answer = world.openai().chat.completions.create(model=model, messages=USER, stream=True, **arguments)
    return "".join(part.choices[0].delta.content or "" for part in answer if part.choices)


def test_a_quick_channel_is_the_only_one_asked(world, row):
    model, names = row
    assert read(world, model) == TEXT
    assert [world.calls(name) for name in names] == [1, 0, 0]


@pytest.mark.parametrize("silence", [[HOLD], [STREAM_HEAD, HOLD], [STREAM_HEAD + chunk(Chat.begin[0]), HOLD]],
                         ids=["no head", "no event", "no content"])
def test_a_silent_channel_is_joined_by_the_next_which_wins(world, row, silence):
    model, names = row
    world.play(names[0], *silence)
    assert read(world, model) == TEXT
    assert [world.calls(name) for name in names] == [1, 1, 0]
    assert world.upstream.call(names[0]).closed.wait(3), "the slower upstream is cancelled"
    record = world.last_row(model)
    assert (record["site"], record["attempts"], record["outcome"]) == (names[1], 2, "completed")
    assert (record["input_tokens"], record["output_tokens"]) == (7, 3)
    assert world.metric("patchbay_hedged_attempts_total", site=names[1]) == 1
    assert [row["in_flight"] for row in world.explain(model)["candidates"]] == [0, 0, 0]


def test_the_first_channel_may_win_after_all(world, row):
    model, names = row
    gate = Until()
    world.play(names[0], gate, GOOD)
    world.upstream.play_by(names[1], lambda call: (gate.open(), [HOLD])[1])
    assert read(world, model) == TEXT
    assert world.upstream.call(names[1]).closed.wait(3)
    assert world.last_row(model)["site"] == names[0]


@pytest.mark.parametrize("failure", [[RESET], [document(Chat.error_document, 500)], [STREAM_HEAD + chunk(Chat.error) + END]],
                         ids=["reset", "status 500", "error event"])
def test_while_two_are_asked_one_may_fail(world, row, failure):
    model, names = row
    failed = Until()
    world.play(names[0], failed, GOOD)

    def fail(call):
        failed.open()
        return failure

    world.upstream.play_by(names[1], fail)
    assert read(world, model) == TEXT
    assert [world.calls(name) for name in names] == [1, 1, 0]
    assert world.last_row(model)["site"] == names[0]


def test_when_the_first_fails_the_second_goes_on(world, row):
    model, names = row
    second_asked = Until()
    world.play(names[0], second_asked, document(Chat.error_document, 500))
    world.upstream.play_by(names[1], lambda call: (second_asked.open(), [0.3, GOOD])[1])
    assert read(world, model) == TEXT
    assert [world.calls(name) for name in names] == [1, 1, 0]
    assert world.last_row(model)["site"] == names[1]


def test_when_both_fail_the_third_is_asked(world, row):
    model, names = row
    second_asked = Until()
    world.play(names[0], second_asked, 0.1, RESET)
    world.upstream.play_by(names[1], lambda call: (second_asked.open(), [0.3, RESET])[1])
    assert read(world, model) == TEXT
    assert [world.calls(name) for name in names] == [1, 1, 1]
    assert world.last_row(model)["attempts"] == 3


def test_when_all_are_silent_the_client_gets_an_error(world, row):
    model, names = row
    for name in names:
        world.play(name, STREAM_HEAD, HOLD)
    with pytest.raises(openai.APIStatusError) as caught:
        read(world, model)
    assert caught.value.status_code in (502, 504)
    for name in names:
        assert world.upstream.call(name).closed.wait(3)


def test_a_mistake_of_the_client_ends_both(world, row):
    model, names = row
    asked = Until()
    world.play(names[0], asked, HOLD)
    world.upstream.play_by(names[1], lambda call: (asked.open(), [document(
        {"error": {"message": "no such tool", "type": "invalid_request_error", "param": "tools", "code": None}}, 400)])[1])
    with pytest.raises(openai.BadRequestError, match="no such tool"):
        read(world, model)
    assert world.upstream.call(names[0]).closed.wait(3)
    assert world.calls(names[2]) == 0


def test_a_client_that_leaves_ends_both(world, row):
    model, names = row
    asked = Until()
    world.play(names[0], HOLD)
    world.upstream.play_by(names[1], lambda call: (asked.open(), [HOLD])[1])
    client = world.openai().with_options(timeout=1.5)
    with pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(model=model, messages=USER, stream=True)
    for name in names[:2]:
        assert world.upstream.call(name).closed.wait(3)
    wait_for(lambda: world.last_row(model)["outcome"] == "cancelled")


def test_whole_answers_are_not_hedged(world, row):
    model, names = row
    world.play(names[0], 0.9, document(Chat.whole))
    answer = world.openai().chat.completions.create(model=model, messages=USER)
    assert answer.choices[0].message.content == TEXT
    assert world.calls(names[1]) == 0


@pytest.mark.parametrize("model", ["plain", "single"])
def test_without_the_setting_or_another_attempt_nothing_is_hedged(world, model):
    known = world.calls("site-58")
    world.play("site-57", 0.9, GOOD)
    world.play("site-58", GOOD)
    assert read(world, model) == TEXT
    assert world.calls("site-58") == known


def test_a_crowded_channel_is_no_help(world):
    taken, free = Until(), Until()
    world.play("site-59", 0.9, GOOD)
    world.upstream.play_by("narrow", lambda call: (taken.open(), [STREAM_HEAD, *map(chunk, Chat.begin + Chat.content), free,
                                                         *map(chunk, Chat.end), END])[1])
    made = world.admin.post("/routes", json={
        "model": "occupant", "channels": [{"site": "narrow", "account": "main", "model": "m"}]})
    assert made.status_code == 201, made.text
    occupant = world.openai().chat.completions.create(model="occupant", messages=USER, stream=True)
    next(iter(occupant))
    assert read(world, "crowded") == TEXT
    assert world.calls("narrow") == 1
    free.open()
    occupant.close()


def test_the_other_channel_may_speak_another_format(world):
    world.play("site-59", HOLD)
    world.play("messages", stream(Messages.begin + Messages.content + Messages.end))
    assert read(world, "mixed") == TEXT
    with world.anthropic().messages.stream(
            model="mixed", max_tokens=10, messages=[{"role": "user", "content": "hello"}]) as answer:
        assert answer.get_final_text() == TEXT
