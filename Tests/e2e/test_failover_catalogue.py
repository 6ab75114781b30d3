"""The sixteen faults of upstreams, each seen by real clients of both dialects in front of upstreams of both formats.

For every fault: the caller gets the whole answer from somewhere else, or a clear error; never a part of an answer that
looks whole, never nothing at all. The ledger says who really answered, and the upstream is not asked more than need be.
"""

import time

import anthropic
import openai
import pytest
from failover_world import CALLERS, FORMATS, FailoverWorld, Place
from fakes.errors import PREFILL
from fakes.frames import END, STREAM_HEAD, TEXT, chunk, document, stream
from fakes.scripted import HOLD, NEXT, RESET

COMBINATIONS = [(client, upstream) for client in CALLERS for upstream in FORMATS]
STATUS_ERRORS = (openai.APIStatusError, anthropic.APIStatusError)
API_ERRORS = (openai.APIError, anthropic.APIError)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = FailoverWorld(tmp_path_factory.mktemp("failover"))
    yield world
    world.stop()


@pytest.fixture(params=COMBINATIONS, ids=["-to-".join(pair) for pair in COMBINATIONS])
def combination(request):
    return request.param


@pytest.fixture(params=["stream", "whole"])
def place(request, world, combination):
    """Sites of the test's own, for a streamed and for a whole answer."""
    return Place(world, *combination, request.param)


@pytest.fixture
def streaming(world, combination):
    """For faults that only a stream can have."""
    return Place(world, *combination, "stream")


def assert_rescued(place, chain="two", by="fallback"):
    """The caller has the whole answer, and the books say who gave it and that somebody failed before."""
    answer = place.ask(chain)
    assert answer.text == TEXT
    row = place.row(chain)
    assert (row["outcome"], row["site"]) == ("completed", f"{place.name}-{by}")
    assert row["attempts"] == 2
    return answer


def assert_error_of_status(place, chain, *statuses):
    with pytest.raises(STATUS_ERRORS) as caught:
        place.ask(chain)
    assert caught.value.status_code in statuses
    assert place.row(chain)["outcome"] == "failed"
    return caught.value


def assert_told_when_to_come_back(place, chain, longest):
    with pytest.raises(STATUS_ERRORS) as caught:
        place.ask(chain)
    assert caught.value.status_code in (429, 503, 529)
    assert 1 <= retry_after(caught.value) <= longest


def retry_after(error):
    return int(error.response.headers["retry-after"])


# F1, F2: rate limits.

def test_f01_429_with_retry_after(place):
    place.play("primary", *place.refusal(429, place.errors.rate, [("retry-after", "30")]))
    assert_rescued(place)
    assert place.ask("two").text == TEXT
    assert place.calls() == 1, "who asks for 30 seconds of peace gets them"
    assert_told_when_to_come_back(place, "one", 30)


def test_f02_429_without_retry_after(place):
    place.play("primary", *place.refusal(429, place.errors.rate))
    assert_rescued(place)
    for _ in range(4):
        assert place.ask("two").text == TEXT
    assert place.calls() <= 2, "no hammering"
    assert_told_when_to_come_back(place, "one", 60)


# F3, F4: breakdowns.

def test_f03_500_once(place):
    place.world.upstream.play_in_turn(
        f"{place.name}-primary", place.refusal(500, place.errors.server), place.good())
    assert place.ask("two").text == TEXT
    row = place.row("two")
    assert (row["outcome"], row["attempts"]) == ("completed", 2)
    assert place.calls() + place.calls("fallback") == 2


def test_f04_503_for_good(place):
    place.play("primary", *place.refusal(503, place.errors.overloaded))
    assert_rescued(place)
    for _ in range(4):
        assert place.ask("two").text == TEXT
    assert place.calls() <= 2


def test_f04_503_everywhere_is_503_with_a_hint_when_to_come_back(place):
    for role in ("primary", "fallback", "last"):
        place.play(role, *place.refusal(503, place.errors.overloaded))
    error = assert_error_of_status(place, "three", 529 if place.caller.dialect == "anthropic" else 503)
    assert retry_after(error) >= 1
    assert place.calls() + place.calls("fallback") + place.calls("last") <= 4


# F5, F6: nothing comes back.

def test_f05_reset_before_the_head(place):
    place.play("primary", RESET)
    assert_rescued(place)


def test_f06_no_response(place):
    place.play("primary", HOLD)
    started = time.monotonic()
    assert_rescued(place)
    assert time.monotonic() - started < 6
    assert place.calls() == 1, "who is silent is not asked again"


def test_f06_no_response_from_anybody_is_a_timeout(place):
    place.play("primary", HOLD)
    if place.is_stream:
        # The head is out with the first heartbeat, so the error comes as an event.
        with pytest.raises(API_ERRORS, match="in time"):
            place.ask("one")
        assert (place.row("one")["outcome"], place.row("one")["status"]) == ("failed", 504)
    else:
        assert_error_of_status(place, "one", 504)


# F7: a slow first token.

def test_f07_slow_first_token(streaming):
    """The client hears from the gateway in the meantime and then gets the whole answer."""
    place = streaming
    place.play("primary", STREAM_HEAD, 0.8, place.opening(place.kind.begin)[len(STREAM_HEAD):], 0.8,
               place.rest(place.kind.content + place.kind.end), NEXT)
    assert place.ask("two").text == TEXT
    row = place.row("two")
    assert (row["outcome"], row["attempts"], row["site"]) == ("completed", 1, f"{place.name}-primary")
    assert row["first_token_ms"] >= 1000


def test_f07_no_first_token_is_tried_elsewhere_after_heartbeats(streaming):
    """Heartbeats are no part of an answer: another channel may still give it."""
    place = streaming
    place.play("primary", STREAM_HEAD, HOLD)
    assert_rescued(place)


def test_f07_no_first_token_from_anybody_raises(streaming):
    place = streaming
    place.play("primary", STREAM_HEAD, HOLD)
    with pytest.raises(API_ERRORS):
        place.ask("one")
    assert place.row("one")["outcome"] == "failed"


# F8 to F11: streams that break.

CUTS = {
    "at a frame boundary": lambda kind: [],
    "at a frame boundary, in peace": lambda kind: [END],
    "in a frame": lambda kind: [chunk(kind.content[1][:-20])],
    "in a frame, in peace": lambda kind: [chunk(kind.content[1][:-20]), END],
    "by a reset": lambda kind: [0.05, RESET],
}


def assert_broken(place, chain="two"):
    """The caller is told, has seen only what came before the break, and the books call it truncated."""
    with pytest.raises(API_ERRORS):
        place.ask(chain)
    assert place.seen == ["one "]
    row = place.row(chain)
    assert (row["outcome"], row["attempts"], row["site"]) == ("truncated", 1, f"{place.name}-primary")


@pytest.mark.parametrize("cut", CUTS)
def test_f08_stream_cut(streaming, cut):
    place = streaming
    place.play("primary", place.opening(place.kind.begin + place.kind.content[:1]), 0.02, *CUTS[cut](place.kind))
    assert_broken(place)


@pytest.mark.parametrize("cut", CUTS)
def test_f08_stream_cut_before_content_is_tried_elsewhere(streaming, cut):
    place = streaming
    place.play("primary", place.opening(place.kind.begin), 0.02, *CUTS[cut](place.kind))
    assert_rescued(place)


def test_f08_document_cut(world, combination):
    place = Place(world, *combination, "whole")
    place.play("primary", document(place.kind.whole)[:-30])
    assert_rescued(place)


def test_f09_stall(streaming):
    place = streaming
    place.play("primary", place.opening(place.kind.begin + place.kind.content[:1]), HOLD)
    started = time.monotonic()
    assert_broken(place)
    assert time.monotonic() - started < 5
    assert place.world.upstream.call(f"{place.name}-primary").closed.wait(2)


def test_f09_stall_that_ends_in_time(streaming):
    place = streaming
    place.play("primary", place.opening(place.kind.begin + place.kind.content[:1]), 0.8,
               place.rest(place.kind.content[1:] + place.kind.end), NEXT)
    assert place.ask("two").text == TEXT
    assert place.row("two")["outcome"] == "completed"


def test_f10_malformed_chunk(streaming):
    place = streaming
    broken = place.kind.content[1].replace(b'"two "', b'"two ')
    place.play("primary", stream(place.kind.begin + place.kind.content[:1] + [broken] + place.kind.content[2:]
                                 + place.kind.end))
    assert_broken(place)
    place.play("primary", *place.good())
    assert place.ask("three").text == TEXT


def test_f10_malformed_first_chunk_is_tried_elsewhere(streaming):
    place = streaming
    place.play("primary", stream([place.kind.begin[0].replace(b'{', b'{{', 1)] + place.kind.content + place.kind.end))
    assert_rescued(place)


def test_f11_no_terminal_event(streaming):
    """The reason to stop has been given and the transport ended in peace: the answer is whole, and at once."""
    place = streaming
    place.play("primary", stream(place.kind.begin + place.kind.content + place.kind.end[:-1]), NEXT)
    started = time.monotonic()
    answer = place.ask("two")
    assert (answer.text, answer.finish) == (TEXT, "stop" if place.caller.dialect == "openai" else "end_turn")
    assert answer.tokens == (7, 3)
    assert time.monotonic() - started < 2
    assert place.row("two")["outcome"] == "completed"


def test_f11_neither_terminal_event_nor_reason_is_a_cut(streaming):
    place = streaming
    place.play("primary", stream(place.kind.begin + place.kind.content[:1]), NEXT)
    assert_broken(place)


# F12, F13: the request is at fault.

def test_f12_context_length(place):
    place.play("primary", *place.refusal(400, place.errors.context))
    error = assert_error_of_status(place, "two", 400)
    assert (place.calls(), place.calls("fallback")) == (1, 0)
    if place.caller.dialect == "openai":
        if place.format_name == "chat":
            assert error.code == "context_length_exceeded"
        assert "maximum context length is 8192" in str(error)
    else:
        assert "prompt is too long: 9000 tokens > 8192 maximum" in str(error)
    assert place.row("two")["site"] == f"{place.name}-primary"
    place.play("primary", *place.good())
    assert place.ask("one").text == TEXT, "a client's mistake makes nobody rest"


def test_f13_content_filter(place):
    place.play("primary", *place.refusal(400, place.errors.policy))
    error = assert_error_of_status(place, "two", 400)
    said = "safety system" if place.format_name == "chat" else "content filtering policy"
    assert said in str(error)
    assert (place.calls(), place.calls("fallback")) == (1, 0), "a refusal is not routed around"
    place.play("primary", *place.good())
    assert place.ask("one").text == TEXT


def test_f13_content_filter_in_the_answer(place):
    """The filter ends an answer that has begun: the caller learns why, and nobody else is asked."""
    if place.is_stream:
        words = {"chat": (b'"stop"', b'"content_filter"'), "messages": (b'"end_turn"', b'"refusal"')}[place.format_name]
        place.play("primary", stream(place.kind.begin + place.kind.content[:1]
                                     + [frame.replace(*words) for frame in place.kind.end]), NEXT)
    else:
        place.play("primary", document(filtered(place)), NEXT)
    answer = place.ask("two")
    assert answer.finish in ("content_filter", "refusal") or answer.refused
    assert (place.calls(), place.calls("fallback")) == (1, 0)


def filtered(place):
    """A whole answer that a filter has ended."""
    if place.format_name == "messages":
        return {**place.kind.whole, "stop_reason": "refusal"}
    return {**place.kind.whole, "choices": [{**place.kind.whole["choices"][0], "finish_reason": "content_filter"}]}


def test_f13_content_filter_as_an_error_of_the_stream(streaming):
    place = streaming
    error = place.errors.policy
    frame = b"event: error\n" if place.format_name == "messages" else b""
    place.play("primary", stream([*place.kind.begin[:1], frame + b"data: " + document(error).split(b"\r\n\r\n")[1] + b"\n\n"]))
    assert_error_of_status(place, "two", 400)
    assert (place.calls(), place.calls("fallback")) == (1, 0)


# F14: a fallback that does not take the shape of the request.

CONVERSATION = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "one "}]


def test_f14_fallback_rejects_prefill_and_the_next_takes_it(place):
    place.play("primary", *place.refusal(503, place.errors.overloaded))
    place.play("fallback", *place.refusal(400, place.errors.prefill))
    assert place.ask("three", CONVERSATION).text == TEXT
    row = place.row("three")
    assert (row["outcome"], row["attempts"], row["site"]) == ("completed", 3, f"{place.name}-last")


def test_f14_fallback_rejects_prefill_and_hides_nothing(place):
    """What the caller is told is why the preferred channel failed, which a later try may cure."""
    place.play("primary", *place.refusal(503, place.errors.overloaded))
    place.play("fallback", *place.refusal(400, place.errors.prefill))
    with pytest.raises(STATUS_ERRORS) as caught:
        place.ask("two", CONVERSATION)
    assert caught.value.status_code in (503, 529)
    assert PREFILL not in str(caught.value)


def test_f14_fallback_that_finds_a_mistake_of_the_client_says_so(place):
    place.play("primary", *place.refusal(503, place.errors.overloaded))
    place.play("fallback", *place.refusal(400, place.errors.invalid))
    assert "temperature" in str(assert_error_of_status(place, "three", 400))
    assert place.calls("last") == 0


# F15: flapping.

def test_f15_flapping(place):
    """Down, up, down, up: every caller is served, the broken times cost few calls, the good times are used."""
    served_by_primary = 0
    for _ in range(2):
        place.play("primary", *place.refusal(503, place.errors.overloaded))
        before = place.calls()
        for _ in range(6):
            assert place.ask("two").text == TEXT
        assert place.calls() - before <= 2
        place.play("primary", *place.good())
        deadline = time.monotonic() + 8
        while time.monotonic() < deadline:
            before = place.calls()
            assert place.ask("two").text == TEXT
            if place.calls() > before:
                served_by_primary += 1
                break
            time.sleep(0.1)
    assert served_by_primary == 2


# F16: accounting.

def test_f16_accounting_after_failover(place):
    """Usage, cost and names are those of the one who answered; who failed has a row of the attempt and no tokens."""
    place.play("primary", *place.refusal(503, place.errors.overloaded))
    answer = assert_rescued(place)
    assert answer.tokens == (7, 3)
    row = place.row("two")
    assert (row["input_tokens"], row["output_tokens"]) == (7, 3)
    assert row["upstream_model"] == f"{place.name}-fallback-model"
    assert row["upstream_format"] == ("openai.chat" if place.format_name == "chat" else "anthropic.messages")
    assert row["stream"] == place.is_stream
    detail = place.world.running.row(row["id"])
    assert detail["attempts"] == 2


def test_f16_accounting_after_failover_to_the_other_format(place):
    place.play("primary", *place.refusal(503, place.errors.overloaded))
    other = "messages" if place.format_name == "chat" else "chat"
    place.world.upstream.play(place.cross_name, *place.good(FORMATS[other]))
    answer = place.ask("cross")
    assert (answer.text, answer.tokens) == (TEXT, (7, 3))
    row = place.row("cross")
    assert (row["site"], row["upstream_model"]) == (place.cross_name, f"{place.cross_name}-model")
    assert row["upstream_format"] == ("openai.chat" if other == "chat" else "anthropic.messages")


# Afterwards.

def test_the_gateway_is_alive_after_all_this(place):
    assert place.ask("one").text == TEXT
