"""Limits of keys and groups: requests, tokens and concurrency, told to clients in their own dialect."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import anthropic
import openai
import pytest
from fakes.frames import TEXT, Chat, Messages, document, stream
from fakes.scripted import HOLD, NEXT, RESET, Until
from gateway import KEY
from governed_world import Governed, key, secret
from raw_client import RawClient, chat, post, wait_for

USER = [{"role": "user", "content": "hello"}]
GOOD = [document(Chat.whole), NEXT]
LIMITED = ["three", "three-ant", "many", "tokens", "pair", "leaver", "failer", "cutter", "staller", "refused", "tight",
           "document", "stream", "ant-stream", "early", "expl", "drain"]
KEYS = "\n  ".join([
    f"- {{ name: dev, key: {KEY} }}",
    key("three", rpm=3), key("three-ant", rpm=3), key("many", rpm=40), key("tokens", tpm=100), key("greedy", tpm=1000), key("pair", concurrency=2),
    *(key(name, concurrency=1) for name in ("leaver", "failer", "cutter", "staller", "drain")),
    key("refused", rpm=2), key("tight", rpm=100, group="team"), key("loose", rpm=100, group="team"),
    *(key(name, rpm=600, tpm=60000, concurrency=5) for name in ("document", "stream", "ant-stream")),
    key("early", rpm=1), key("expl", rpm=1, tpm=1000),
])


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = Governed(
        tmp_path_factory.mktemp("limits"), {"chat": "", "messages": "", "broken": "", "slow": ""}, keys=KEYS,
        settings="groups: [ { name: team, limits: { rpm: 3 } } ]\ntimeouts: { first_byte: 300ms }\n"
                 "retry: { max_attempts: 1 }\n",
        gateway="event_loops: 4, ")
    world.play("chat", *GOOD)
    world.play("messages", document(Messages.whole), NEXT)
    yield world
    world.stop()


def ask(world, name, model="chat", **arguments):
    return world.openai(secret(name)).chat.completions.create(model=model, messages=USER, **arguments)


def test_requests_per_minute(world):
    before = world.calls("chat")
    for _ in range(3):
        assert ask(world, "three").choices[0].message.content == TEXT
    with pytest.raises(openai.RateLimitError) as caught:
        ask(world, "three")
    assert world.calls("chat") == before + 3
    error = caught.value
    assert error.code == "rate_limit_exceeded" and error.type == "rate_limit_error"
    assert '"three"' in error.message and "3 requests per minute" in error.message
    headers = error.response.headers
    assert 1 <= int(headers["retry-after"]) <= 20
    assert headers["x-ratelimit-limit-requests"] == headers["anthropic-ratelimit-requests-limit"] == "3"
    assert headers["x-ratelimit-remaining-requests"] == headers["anthropic-ratelimit-requests-remaining"] == "0"
    assert headers["x-ratelimit-reset-requests"].endswith("s")
    reset = datetime.fromisoformat(headers["anthropic-ratelimit-requests-reset"])
    assert 0 < (reset - datetime.now(timezone.utc)).total_seconds() < 65


def test_requests_per_minute_in_the_other_dialect(world):
    client = world.anthropic(secret("three-ant"))
    for _ in range(3):
        client.messages.create(model="messages", messages=USER, max_tokens=9)
    with pytest.raises(anthropic.RateLimitError) as caught:
        client.messages.create(model="messages", messages=USER, max_tokens=9)
    assert caught.value.body["error"]["type"] == "rate_limit_error"
    assert 1 <= int(caught.value.response.headers["retry-after"]) <= 20


def test_all_loops_share_one_limit(world):
    def one(_):
        try:
            return ask(world, "many").choices[0].message.content == TEXT
        except openai.RateLimitError:
            return False
    with ThreadPoolExecutor(16) as pool:
        served = sum(pool.map(one, range(120)))
    # A bucket of 40 refills with less than one a second.
    assert 40 <= served <= 55


def test_tokens_are_those_that_were_used(world):
    # An answer uses 10 tokens, the estimate of the small body is more; what was not used is given back.
    answers = [world.openai(secret("tokens")).chat.completions.with_raw_response.create(model="chat", messages=USER)
               for _ in range(3)]
    left = [int(answer.headers["x-ratelimit-remaining-tokens"]) for answer in answers]
    assert left[0] > left[1] > left[2] and left[0] - left[2] < 25
    big = {**Chat.whole, "usage": {"prompt_tokens": 500, "completion_tokens": 500, "total_tokens": 1000}}
    world.play("chat", document(big), NEXT)
    try:
        ask(world, "tokens")
        with pytest.raises(openai.RateLimitError) as caught:
            ask(world, "tokens")
    finally:
        world.play("chat", *GOOD)
    assert "100 tokens per minute" in caught.value.message
    assert caught.value.response.headers["x-ratelimit-remaining-tokens"] == "0"
    assert int(caught.value.response.headers["retry-after"]) > 60


def test_the_longest_answer_is_reserved_until_it_is_there(world):
    go = Until()
    world.play("slow", stream(Chat.begin + Chat.content[:1], end=b""), go,
               stream(Chat.content[1:] + Chat.end).split(b"\r\n\r\n", 1)[1])
    body = {"model": "slow", "messages": USER, "stream": True, "max_tokens": 900}
    with RawClient(world.port).send(post("/v1/chat/completions", body, key=secret("greedy"))) as client:
        client.until(b"one ")
        for wish in ({"max_tokens": 900}, {"max_completion_tokens": 900}):
            with pytest.raises(openai.RateLimitError) as caught:
                ask(world, "greedy", **wish)
            assert "1000 tokens per minute" in caught.value.message
        assert ask(world, "greedy").choices[0].message.content == TEXT
        go.open()
        client.until(b"[DONE]")
    assert wait_for(lambda: may_have(world, "greedy", 900))


def may_have(world, name, tokens):
    try:
        return ask(world, name, max_tokens=tokens).choices[0].message.content == TEXT
    except openai.RateLimitError:
        return False


def test_requests_under_way(world):
    go = Until()
    world.play("slow", stream(Chat.begin + Chat.content[:1], end=b""), go,
               stream(Chat.content[1:] + Chat.end).split(b"\r\n\r\n", 1)[1])
    clients = [RawClient(world.port).send(chat("slow", stream=True, key=secret("pair"))) for _ in range(2)]
    for client in clients:
        client.until(b"one ")
    with pytest.raises(openai.RateLimitError) as caught:
        ask(world, "pair")
    assert "2 requests at a time" in caught.value.message and caught.value.response.headers["retry-after"] == "1"
    go.open()
    for client in clients:
        client.until(b"[DONE]")
        client.socket.close()
    assert wait_for(lambda: is_free(world, "pair"))


def is_free(world, name):
    """Whether the key may have another request under way, without having one of its own for longer than needed."""
    try:
        return ask(world, name).choices[0].message.content == TEXT
    except openai.RateLimitError:
        return False


def test_a_client_that_leaves_frees_its_place(world):
    for script in ([HOLD], [stream(Chat.begin + Chat.content[:1], end=b""), HOLD]):
        world.play("slow", *script)
        calls = world.calls("slow")
        with RawClient(world.port) as client:
            client.send(chat("slow", stream=True, key=secret("leaver")))
            world.upstream.call("slow", calls)
            assert not is_free(world, "leaver")
        assert wait_for(lambda: is_free(world, "leaver"))


ENDINGS = {
    "failer": [document({"error": {"message": "no"}}, 500)],
    "cutter": [stream(Chat.begin + Chat.content[:1], end=b""), 0.05, RESET],
    "staller": [HOLD],
}


@pytest.mark.parametrize("name", ENDINGS)
def test_every_end_frees_the_place(world, name):
    for is_stream in (False, True):
        world.play("broken", *ENDINGS[name])
        with pytest.raises(openai.APIError):
            list(ask(world, name, "broken", stream=True)) if is_stream else ask(world, name, "broken")
        assert wait_for(lambda: is_free(world, name))


def test_what_is_refused_otherwise_costs_nothing(world):
    for _ in range(5):
        with pytest.raises(openai.NotFoundError):
            ask(world, "refused", "no-such-model")
    for _ in range(2):
        ask(world, "refused")
    with pytest.raises(openai.RateLimitError):
        ask(world, "refused")


def test_keys_of_a_group_share_its_limit(world):
    ask(world, "tight")
    ask(world, "loose")
    ask(world, "tight")
    with pytest.raises(openai.RateLimitError) as caught:
        ask(world, "loose")
    assert '"team"' in caught.value.message
    assert caught.value.response.headers["x-ratelimit-limit-requests"] == "3"


def test_good_answers_tell_what_is_left(world):
    upstream = [("x-ratelimit-remaining-requests", "77777"), ("x-ratelimit-limit-images", "5")]
    world.play("chat", document(Chat.whole, headers=upstream), NEXT)
    try:
        answer = world.openai(secret("document")).chat.completions.with_raw_response.create(model="chat", messages=USER)
        free = world.openai().chat.completions.with_raw_response.create(model="chat", messages=USER)
    finally:
        world.play("chat", *GOOD)
    assert answer.headers["x-ratelimit-limit-requests"] == "600"
    assert answer.headers["x-ratelimit-remaining-requests"] == "599"
    assert answer.headers["x-ratelimit-limit-tokens"] == "60000"
    assert int(answer.headers["x-ratelimit-remaining-tokens"]) > 59_000
    assert "x-ratelimit-limit-images" not in answer.headers
    # A key without limits is told those of the upstream.
    assert free.headers["x-ratelimit-remaining-requests"] == "77777"


def test_good_streams_tell_what_is_left(world):
    world.play("slow", stream(Chat.begin + Chat.content + Chat.end))
    answer = world.openai(secret("stream")).chat.completions.with_raw_response.create(
        model="slow", messages=USER, stream=True)
    assert answer.headers["x-ratelimit-remaining-requests"] == "599"
    answer = world.anthropic(secret("ant-stream")).messages.with_raw_response.create(
        model="slow", messages=USER, max_tokens=5, stream=True)
    assert answer.headers["anthropic-ratelimit-requests-remaining"] == "599"
    assert "x-ratelimit-limit-requests" not in answer.headers


def test_what_will_be_refused_is_refused_before_its_body(world):
    ask(world, "early")
    head = chat("chat", key=secret("early"), headers=["expect: 100-continue"]).partition(b"\r\n\r\n")[0]
    with RawClient(world.port) as client:
        client.send(head + b"\r\n\r\n")
        assert client.answer().status == 429


def test_limits_are_counted_and_explained(world):
    ask(world, "expl")
    with pytest.raises(openai.RateLimitError):
        ask(world, "expl")
    assert world.metric("patchbay_limit_hits_total", scope="key", limit="requests") >= 1
    explanation = world.explain("chat", "expl")
    assert explanation["outcome"] == "limited" and 0 < explanation["retry_after_ms"] <= 60_000
    assert "1 requests per minute" in explanation["summary"]
    states = {state["limit"]: state for state in explanation["limits"]}
    assert states["requests"]["remaining"] == 0 and states["requests"]["wait_ms"] > 0
    assert states["tokens"]["value"] == 1000 and states["tokens"]["wait_ms"] == 0


def test_a_changed_limit_holds_at_once_and_forgets_nothing(world):
    made = world.admin.post("/keys", json={"name": "fresh", "key": secret("fresh"), "limits": {"rpm": 2}})
    assert made.status_code == 201 and made.json()["limits"] == {"rpm": 2}
    ask(world, "fresh"), ask(world, "fresh")
    with pytest.raises(openai.RateLimitError):
        ask(world, "fresh")
    world.admin.patch("/keys/fresh", json={"limits": {"rpm": 200}})
    ask(world, "fresh")
    assert world.admin.patch("/keys/fresh", json={"limits": None}).json()["limits"] == {}
    for _ in range(5):
        ask(world, "fresh")


def test_groups_are_resources(world):
    made = world.admin.post("/groups", json={"name": "crew", "limits": {"rpm": 1}})
    assert made.status_code == 201, made.text
    world.admin.post("/keys", json={"name": "sailor", "key": secret("sailor"), "group": "crew"})
    ask(world, "sailor")
    with pytest.raises(openai.RateLimitError):
        ask(world, "sailor")
    assert world.admin.patch("/groups/team", json={"limits": {"rpm": 9}}).status_code == 409
    assert world.admin.delete("/groups/crew").status_code == 204
    ask(world, "sailor")


def test_places_are_free_when_many_clients_come_and_go_at_once(world):
    world.play("slow", stream(Chat.begin + Chat.content[:1], end=b""), HOLD)
    stop = threading.Event()

    def come_and_go():
        while not stop.is_set():
            with RawClient(world.port) as client:
                client.send(chat("slow", stream=True, key=secret("drain")))
                client.more()
    threads = [threading.Thread(target=come_and_go) for _ in range(6)]
    for thread in threads:
        thread.start()
    stop.wait(2)
    stop.set()
    for thread in threads:
        thread.join()
    assert wait_for(lambda: is_free(world, "drain"))
