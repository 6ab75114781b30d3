"""Continuation of streams that break off after text was delivered: another attempt goes on where the first one ended."""

import itertools
import json

import httpx
import pytest
from dialects import CLIENTS
from fakes.frames import END, STREAM_HEAD, Chat, Messages, Responses, chunk, document
from fakes.scripted import HOLD, NEXT, RESET
from governed_world import Governed
from raw_client import RawClient, chat

FORMATS = {"chat": Chat, "messages": Messages}
CHAT_END = [Chat.frame({}, "stop"), Chat.frame(None, usage={
    **Chat.usage, "prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0}}),
    b"data: [DONE]\n\n"]
ENDS = {"chat": CHAT_END, "messages": Messages.end}
BEGINS = {"chat": Chat.begin, "messages": [Messages.frame("message_start", message={
    "id": "msg_1", "type": "message", "role": "assistant", "model": "upstream-name", "content": [], "stop_reason": None,
    "stop_sequence": None, "usage": {"input_tokens": 7, "cache_read_input_tokens": 0, "output_tokens": 1}}), Messages.begin[1]]}
STORY = ("The keeper climbed the stairs at dusk, trimmed the wick, and lit the lamp.\n\n"
         "Far out — beyond the reef — a ship was waiting for exactly this light. ✦ It turned, and came home.")
CHARACTERS = 57
PLACES = 110


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """`on-F-N` asks `F-N-first`, `F-N-second` and `F-N-third` and continues; `off-F-N` does not; `cross-F-N` goes on in
    the other format."""
    sites, routes = {}, ""
    places = list(itertools.product(FORMATS, range(PLACES)))
    for kind, number in places:
        for role in ("first", "second", "third"):
            sites[f"{kind}-{number}-{role}"] = "conversion: { profile: { prefill: true } }" if kind == "chat" else ""
        other = "messages" if kind == "chat" else "chat"
        sites[f"{other}-{number}-for-{kind}"] = "conversion: { profile: { prefill: true } }"
        chain = [f"{kind}-{number}-{role}" for role in ("first", "second", "third")]
        rows = {"on": chain, "off": chain, "cross": [chain[0], f"{other}-{number}-for-{kind}"], "alone": chain[:1]}
        for word, names in rows.items():
            channels = ", ".join(f"{{ site: {name}, account: main, model: {name}, priority: {priority} }}"
                                 for priority, name in enumerate(names))
            setting = "" if word == "off" else "retry: { continue_cut_streams: true, backoff: { max: 5s } }, "
            routes += f"  - {{ model: {word}-{kind}-{number}, {setting}channels: [ {channels} ] }}\n"
    world = Governed(
        tmp_path_factory.mktemp("continuation"), sites, routes=routes, gateway="event_loops: 1, ",
        settings="timeouts: { idle: 1s }\nretry: { backoff: { base: 1ms, max: 20ms } }\n")
    world.numbers = {kind: iter(range(PLACES)) for kind in FORMATS}
    yield world
    world.stop()


class Place:
    """The sites of one test."""

    def __init__(self, world, kind):
        self.world, self.kind, self.frames = world, kind, FORMATS[kind]
        self.number = next(world.numbers[kind])
        self.name = f"{kind}-{self.number}"

    def model(self, word="on"):
        return f"{word}-{self.name}"

    def break_off(self, role, *ending, at=CHARACTERS):
        self.world.play(f"{self.name}-{role}", opening(self.kind, STORY[:at]), *ending)

    def go_on(self, role, **options):
        self.world.upstream.play_by(f"{self.name}-{role}", model(self.kind, **options))

    def calls(self, role):
        return self.world.calls(f"{self.name}-{role}")

    def body(self, role):
        return json.loads(self.world.upstream.call(f"{self.name}-{role}").body)

    def record(self, word="on"):
        row = self.world.last_row(self.model(word))
        return self.world.admin.get(f"/requests/{row['id']}").json()


@pytest.fixture(params=FORMATS)
def place(request, world):
    return Place(world, request.param)


@pytest.fixture(params=CLIENTS)
def client(request, world):
    return CLIENTS[request.param](world)


def text_frame(kind, text):
    if kind == "chat":
        return Chat.frame({"content": text})
    return Messages.frame("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


def words(text):
    """Pieces as models make them: white space stands at the beginning of a word."""
    pieces, start = [], 0
    for place in range(1, len(text)):
        if text[place].isspace() and not text[place - 1].isspace():
            pieces.append(text[start:place])
            start = place
    return [piece for piece in [*pieces, text[start:]] if piece]


def opening(kind, text):
    frames = BEGINS[kind] + [text_frame(kind, piece) for piece in words(text)]
    return STREAM_HEAD + b"".join(map(chunk, frames))


def model(kind, cut=None, ending=(RESET,), repeats=0):
    """An upstream that goes on with the story from the beginning that it is given, up to character `cut` of it."""
    frames = FORMATS[kind]

    def answer(call):
        body = json.loads(call.body)
        last = body["messages"][-1]
        if last["role"] != "assistant":
            return [opening(kind, STORY), *map(chunk, ENDS[kind]), END, NEXT]
        given = last["content"]
        if given != given.rstrip() or not STORY.startswith(given):
            return [document(frames.error_document, 400), NEXT]
        rest = STORY[len(given) - repeats:cut]
        opened = STREAM_HEAD + b"".join(map(chunk, BEGINS[kind] + [text_frame(kind, piece) for piece in words(rest)]))
        if cut:
            return [opened, *ending]
        return [opened, *map(chunk, ENDS[kind]), END, NEXT]

    return answer


BREAKS = {
    "at a boundary": [RESET],
    "closed": [],
    "without its last event": [END, NEXT],
    "in a frame": [chunk(b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"del')],
    "in a frame, in peace": [chunk(b'data: {"choices":[{"index":0,"delta":{"content":"lig'), END, NEXT],
    "by silence": [HOLD],
    "by bytes that are no frames": [b"zz\r\n"],
}


@pytest.mark.parametrize("ending", BREAKS.values(), ids=BREAKS)
def test_another_channel_goes_on_where_the_stream_broke_off(place, client, ending):
    place.break_off("first", *ending)
    place.go_on("second")
    answer = client.ask(True, place.model(), client.user("a story"))
    assert (answer.text, answer.finish, len(answer.models)) == (STORY, "stop", 1)
    assert (place.calls("first"), place.calls("second"), place.calls("third")) == (1, 1, 0)
    record = place.record()
    assert (record["outcome"], record["site"], record["status"]) == ("completed", f"{place.name}-second", 200)
    assert "stream.continued;info" in record["warnings"]
    assert record["attempts"] == 2
    broken, last = record["attempt_list"]
    assert (broken["site"], last["site"]) == (f"{place.name}-first", f"{place.name}-second")
    assert f"continued at character {CHARACTERS} by {place.name}-second/main" in broken["reason"]


def test_an_error_event_in_the_middle_is_a_break(place, client):
    place.break_off("first", chunk(place.frames.error), END)
    place.go_on("second")
    assert client.ask(True, place.model(), client.user("a story")).text == STORY


@pytest.mark.parametrize("cut", range(1, len(STORY), 7))
def test_the_text_is_the_same_wherever_it_broke_off(world, cut):
    place = Place(world, list(FORMATS)[cut % 2])
    place.break_off("first", RESET, at=cut)
    place.go_on("second")
    client = CLIENTS["openai.chat" if cut % 3 else "anthropic.messages"](world)
    assert client.ask(True, place.model(), client.user("a story")).text == STORY


def test_a_stream_that_breaks_twice_goes_on_twice(place, client):
    place.break_off("first", RESET)
    place.go_on("second", cut=CHARACTERS + 40)
    place.go_on("third")
    answer = client.ask(True, place.model(), client.user("a story"))
    assert answer.text == STORY
    record = place.record()
    assert [attempt["site"][-6:] for attempt in record["attempt_list"]] == ["-first", "second", "-third"]
    assert f"continued at character {CHARACTERS + 40}" in record["attempt_list"][1]["reason"]


def test_the_same_channel_goes_on_when_nobody_else_is_left(place, client):
    going_on = model(place.kind)
    scripts = iter([lambda call: [opening(place.kind, STORY[:CHARACTERS]), RESET], going_on])
    place.world.upstream.play_by(f"{place.name}-first", lambda call: next(scripts)(call))
    assert client.ask(True, place.model("alone"), client.user("a story")).text == STORY
    assert place.calls("first") == 2


def test_a_channel_of_the_other_format_goes_on(place, client):
    other = "messages" if place.kind == "chat" else "chat"
    place.break_off("first", RESET)
    place.world.upstream.play_by(f"{other}-{place.number}-for-{place.kind}", model(other))
    answer = client.ask(True, place.model("cross"), client.user("a story"))
    assert (answer.text, len(answer.models)) == (STORY, 1)
    assert place.world.calls(f"{other}-{place.number}-for-{place.kind}") == 1


def test_words_that_are_said_again_are_dropped(place, client):
    place.break_off("first", RESET)
    place.go_on("second", repeats=24)
    assert client.ask(True, place.model(), client.user("a story")).text == STORY


def test_usage_is_that_of_both_attempts(place):
    place.break_off("first", RESET)
    place.go_on("second")
    client = CLIENTS["openai.chat" if place.kind == "chat" else "anthropic.messages"](place.world)
    answer = client.ask(True, place.model(), client.user("a story"))
    record = place.record()
    assert answer.usage["input"] == record["input_tokens"] > 7
    assert answer.usage["output"] == record["output_tokens"] > 3
    assert record["estimated"] is True


def test_the_limit_of_the_answer_is_reduced_by_what_was_delivered(place):
    place.break_off("first", RESET)
    place.go_on("second")
    client = CLIENTS["anthropic.messages"](place.world)
    client.ask(True, place.model(), client.user("a story"))
    name = "max_tokens" if place.kind == "messages" else "max_completion_tokens"
    first, second = place.body("first"), place.body("second")
    limits = [body.get(name) or body["max_tokens"] for body in (first, second)]
    assert limits[0] == 3000 and 2950 < limits[1] < 3000
    assert second["messages"][:-1] == first["messages"]
    assert second["messages"][-1] == {"role": "assistant", "content": STORY[:CHARACTERS].rstrip()}


def test_a_client_that_leaves_while_another_is_asked_ends_that(place):
    place.break_off("first", RESET)
    place.world.play(f"{place.name}-second", HOLD)
    with RawClient(place.world.port) as client:
        client.send(chat(place.model(), stream=True))
        client.until(b"keeper")
        second = place.world.upstream.call(f"{place.name}-second")
    assert second.closed.wait(5)
    record = place.record()
    assert (record["outcome"], record["status"], record["attempts"]) == ("cancelled", 200, 2)
    assert record["output_tokens"] > 3
    assert [row["in_flight"] for row in place.world.explain(place.model())["candidates"]] == [0, 0, 0]


# Where nobody can go on, the client is told, as without the setting.


def assert_told(place, client, word="on", **options):
    with pytest.raises(client.failures):
        client.ask(True, place.model(word), client.user("a story"), **options)
    record = place.record(word)
    assert (record["outcome"], record["error_code"]) == ("truncated", "stream_truncated")
    return record


def test_without_the_setting_the_client_is_told(place, client):
    place.break_off("first", RESET)
    place.go_on("second")
    assert_told(place, client, "off")
    assert place.calls("second") == 0


def test_a_tool_call_is_not_continued(place, client):
    call = [Chat.frame({"tool_calls": [{"index": 0, "id": "call_1", "type": "function",
                                        "function": {"name": "look", "arguments": "{\"ci"}}]})] if place.kind == "chat" else [
        Messages.frame("content_block_stop", index=0),
        Messages.frame("content_block_start", index=1, content_block={
            "type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}),
        Messages.frame("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": "{\"ci"})]
    place.break_off("first", *map(chunk, call), RESET)
    place.go_on("second")
    assert_told(place, client, tools=["look"])
    assert place.calls("second") == 0


def test_a_forced_tool_or_a_schema_is_not_continued(place):
    client = CLIENTS["openai.chat" if place.kind == "chat" else "anthropic.messages"](place.world)
    place.break_off("first", RESET)
    place.go_on("second")
    record = assert_told(place, client, tools=["look"], forced="look")
    assert place.calls("second") == 0
    assert "forces a tool" in record["attempt_list"][1]["reason"]


def test_an_upstream_that_refuses_the_beginning_is_passed_over(place, client):
    place.break_off("first", RESET)
    place.world.play(f"{place.name}-second", document(place.frames.error_document, 400), NEXT)
    place.go_on("third")
    assert client.ask(True, place.model(), client.user("a story")).text == STORY
    assert (place.calls("second"), place.calls("third")) == (1, 1)


def test_when_nobody_can_go_on_the_client_is_told_why_it_broke(place, client):
    place.break_off("first", RESET)
    for role in ("second", "third"):
        place.world.play(f"{place.name}-{role}", document(place.frames.error_document, 400), NEXT)
    record = assert_told(place, client)
    # The first one is asked once more, because a broken stream passes.
    assert record["attempts"] == 4
    assert place.calls("first") == 2


def test_an_answer_that_is_no_stream_is_not_joined(place, client):
    place.break_off("first", RESET)
    place.world.play(f"{place.name}-second", document(place.frames.whole), NEXT)
    place.go_on("third")
    assert client.ask(True, place.model(), client.user("a story")).text == STORY


def test_what_the_client_is_at_fault_for_is_not_routed_around(place, client):
    refusal = (b'data: {"error":{"message":"flagged","type":"invalid_request_error","code":"content_policy_violation"}}\n\n'
               if place.kind == "chat" else
               b'event: error\ndata: {"type":"error","error":{"type":"invalid_request_error","message":"flagged"}}\n\n')
    place.break_off("first", chunk(refusal), END)
    place.go_on("second")
    assert_told(place, client)
    assert place.calls("second") == 0


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
def test_an_error_that_ends_the_stream_is_the_same_as_without_the_setting(place, path):
    call = Chat.frame({"tool_calls": [{"index": 0, "id": "call_1", "type": "function",
                                       "function": {"name": "look", "arguments": ""}}]}) if place.kind == "chat" else (
        Messages.frame("content_block_start", index=1, content_block={
            "type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}))
    error = place.frames.error.replace(b"server_error", b"overloaded_error").replace(b"api_error", b"overloaded_error")
    ends = []
    for word in ("on", "off"):
        place.break_off("first", chunk(call), chunk(error), END)
        turn = {"role": "user", "content": "a story"}
        body = {"model": place.model(word), "stream": True, "tools": []}
        body |= {"input": [turn]} if path == "/v1/responses" else {"messages": [turn], "max_tokens": 100}
        with httpx.stream("POST", f"http://127.0.0.1:{place.world.port}{path}", json=body, timeout=10,
                          headers={"authorization": "Bearer sk-client-1-abcdefgh"}) as answer:
            ends.append(json.loads(answer.read().decode().rpartition("data: ")[2]))
        place = Place(place.world, place.kind)
    errors = [end.get("error") or end["response"]["error"] for end in ends]
    assert errors[0] == errors[1]
    assert "boom" in errors[0]["message"]


def test_the_setting_can_be_made_through_the_admin_api(place, client):
    name = f"made-{place.name}-{client.name}"
    made = place.world.admin.post("/routes", json={
        "model": name, "retry": {"continue_cut_streams": True}, "limits": {"minimum_rate": 0}, "channels": [
            {"site": f"{place.name}-{role}", "account": "main", "model": "m", "priority": priority}
            for priority, role in enumerate(("first", "second"))]})
    assert made.status_code == 201, made.text
    assert made.json()["retry"] == {"continue_cut_streams": True}
    place.break_off("first", RESET)
    place.go_on("second")
    assert client.ask(True, name, client.user("a story")).text == STORY
    taken = place.world.admin.patch(f"/routes/{name}", json={"retry": {"continue_cut_streams": None}})
    assert taken.status_code == 200 and taken.json()["retry"] == {}


def test_a_chat_server_that_is_not_known_to_take_a_beginning_is_not_asked(tmp_path):
    routes = ("  - { model: m, retry: { continue_cut_streams: true }, channels: [ { site: chat-a, account: main, model: m }, "
              "{ site: chat-b, account: main, model: m, priority: 1 } ] }\n")
    world = Governed(tmp_path, {"chat-a": "", "chat-b": ""}, routes=routes)
    try:
        world.play("chat-a", opening("chat", STORY[:CHARACTERS]), RESET)
        world.upstream.play_by("chat-b", model("chat"))
        client = CLIENTS["openai.chat"](world)
        with pytest.raises(client.failures):
            client.ask(True, "m", client.user("a story"))
        assert world.calls("chat-b") == 0
    finally:
        world.stop()


def test_responses_that_pass_through_are_not_continued(tmp_path):
    routes = ("  - { model: m, retry: { continue_cut_streams: true }, channels: [ { site: responses, account: main, model: m }, "
              "{ site: messages-a, account: main, model: m, priority: 1 } ] }\n")
    world = Governed(tmp_path, {"responses": "formats: [openai.responses]", "messages-a": ""}, routes=routes)
    try:
        world.play("responses", STREAM_HEAD + b"".join(map(chunk, Responses.begin + Responses.content)), RESET)
        world.upstream.play_by("messages-a", model("messages"))
        client = CLIENTS["openai.responses"](world)
        with pytest.raises(client.failures):
            client.ask(True, "m", client.user("a story"))
        assert world.calls("messages-a") == 0
    finally:
        world.stop()
