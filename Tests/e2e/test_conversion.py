"""What conversions lose: told, logged or refused; tokens that nobody counted; the table of it all."""

import subprocess

import anthropic
import httpx
import openai
import pytest
from fakes.frames import TEXT, Chat, Messages, document, stream
from gateway import BINARY, KEY, ROOT
from scripted_world import World

USER = [{"role": "user", "content": "hello"}]
STRICT_KEY = "sk-strict-1-abcdefgh"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("conversion"), sites=80, keys=(
        f'- {{ name: dev, key: {KEY}, models: ["*"] }}\n'
        f'  - {{ name: careful, key: {STRICT_KEY}, models: ["*"], strict_conversion: true }}'))
    yield world
    world.stop()


def post(world, path, body, key=KEY, **headers):
    return httpx.post(f"{world.running.url}{path}", json=body, headers={"authorization": f"Bearer {key}", **headers})


def chat(model, **members):
    return {"model": model, "messages": USER, **members}


def messages(model, **members):
    return {"model": model, "messages": USER, "max_tokens": 50, **members}


class TestLosses:
    def test_the_answer_and_the_ledger_name_what_was_lost(self, world):
        name = world.fresh("messages")
        world.upstream.play(name, document(Messages.whole))
        answer = post(world, "/v1/chat/completions", chat(f"model-{name}", seed=7, presence_penalty=0.5))
        assert answer.status_code == 200
        warnings = answer.headers["x-patchbay-warnings"].split(",")
        assert {warning.strip() for warning in warnings} >= {"sampling.seed;degrade", "sampling.presence_penalty;degrade"}
        assert set(world.last_row(f"model-{name}")["warnings"]) >= {"sampling.seed;degrade"}

    def test_streams_name_it_too(self, world):
        name = world.fresh("messages")
        world.upstream.play(name, stream(Messages.begin + Messages.content + Messages.end))
        answer = post(world, "/v1/chat/completions", chat(f"model-{name}", seed=7, stream=True))
        assert "sampling.seed;degrade" in answer.headers["x-patchbay-warnings"]

    def test_nothing_lost_is_nothing_said(self, world):
        name = world.fresh("chat")
        world.upstream.play(name, document(Chat.whole))
        answer = post(world, "/v1/chat/completions", chat(f"model-{name}", seed=7))
        assert answer.status_code == 200 and "x-patchbay-warnings" not in answer.headers
        assert world.last_row(f"model-{name}")["warnings"] == []

    def test_what_another_channel_lost_is_not_told(self, world):
        """The first channel converts and fails; the second speaks the client's format."""
        name = world.fresh("messages")
        world.upstream.play(name, document(Messages.error_document, 500))
        world.upstream.play("spare", document(Chat.whole))
        answer = post(world, "/v1/chat/completions", chat(f"spared-{name}", seed=7))
        assert answer.status_code == 200 and "x-patchbay-warnings" not in answer.headers


SERVER_TOOL = {"type": "web_search_20250305", "name": "web_search"}


class TestStrictConversion:
    @pytest.mark.parametrize("how", ["header", "key"])
    def test_a_loss_that_changes_the_meaning_is_refused(self, world, how):
        name = world.fresh("chat")
        world.upstream.play(name, document(Chat.whole))
        headers = {"x-patchbay-strict": "true"} if how == "header" else {}
        key = KEY if how == "header" else STRICT_KEY
        answer = post(world, "/v1/messages", messages(f"model-{name}", tools=[SERVER_TOOL]), key=key, **headers)
        assert answer.status_code == 400
        error = answer.json()
        assert error["type"] == "error" and error["error"]["type"] == "invalid_request_error"
        assert "tools" in error["error"]["message"] and "openai.chat" in error["error"]["message"]
        assert world.upstream.calls(name) == []
        row = world.last_row(f"model-{name}")
        assert (row["status"], row["error_code"]) == (400, "unsupported_conversion")

    def test_without_strictness_it_is_a_warning(self, world):
        name = world.fresh("chat")
        world.upstream.play(name, document(Chat.whole))
        answer = post(world, "/v1/messages", messages(f"model-{name}", tools=[SERVER_TOOL]))
        assert answer.status_code == 200 and ";semantic" in answer.headers["x-patchbay-warnings"]

    def test_a_request_may_be_stricter_for_itself(self, world):
        name = world.fresh("messages")
        world.upstream.play(name, document(Messages.whole))
        body = chat(f"model-{name}", seed=7)
        assert post(world, "/v1/chat/completions", body, key=STRICT_KEY).status_code == 200
        refused = post(world, "/v1/chat/completions", body, **{"x-patchbay-strict": "degrade"})
        assert refused.status_code == 400
        error = refused.json()["error"]
        assert error["code"] == "unsupported_conversion" and error["param"] == "sampling.seed"

    def test_the_clients_own_format_loses_nothing(self, world):
        name = world.fresh("messages")
        world.upstream.play(name, document(Messages.whole))
        answer = post(world, "/v1/messages", messages(f"model-{name}", tools=[SERVER_TOOL]), key=STRICT_KEY)
        assert answer.status_code == 200

    def test_another_channel_may_carry_it(self, world):
        name = world.fresh("messages")
        world.upstream.play(name, document(Messages.whole))
        world.upstream.play("spare", document(Chat.whole))
        answer = post(world, "/v1/chat/completions", chat(f"spared-{name}", seed=7), **{"x-patchbay-strict": "degrade"})
        assert answer.status_code == 200 and world.upstream.calls(name) == []

    def test_the_header_stays_here(self, world):
        name = world.fresh("chat")
        world.upstream.play(name, document(Chat.whole))
        post(world, "/v1/chat/completions", chat(f"model-{name}"), **{"x-patchbay-strict": "true"})
        assert b"x-patchbay-strict" not in world.upstream.call(name).head.lower()


def without_usage(frames):
    return [frame for frame in frames if b'"usage"' not in frame or b"message_" in frame]


LONG = "The quick brown fox jumps over the lazy dog. " * 20


class TestEstimates:
    """About 200 tokens of English each way."""

    user = [{"role": "user", "content": LONG}]

    def check(self, row, low=120, high=320):
        assert row["estimated"] is True
        assert low <= row["input_tokens"] <= high and low <= row["output_tokens"] <= high, row

    @pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
    @pytest.mark.parametrize("streamed", [False, True], ids=["document", "stream"])
    def test_an_answer_without_usage_is_estimated(self, world, path, streamed):
        name = world.fresh("chat")
        if streamed:
            words = [Chat.frame({"content": word + " "}) for word in LONG.split()]
            world.upstream.play(name, stream([*Chat.begin, *words, Chat.end[0], Chat.end[2]]))
        else:
            whole = {**Chat.whole, "choices": [{**Chat.whole["choices"][0], "message": {
                "role": "assistant", "content": LONG}}]}
            del whole["usage"]
            world.upstream.play(name, document(whole))
        body = messages(f"model-{name}", stream=streamed) if "messages" in path else chat(f"model-{name}", stream=streamed)
        assert post(world, path, {**body, "messages": self.user}).status_code == 200
        self.check(world.last_row(f"model-{name}"))

    def test_what_is_reported_is_not_estimated(self, world):
        name = world.fresh("chat")
        world.upstream.play(name, document(Chat.whole))
        post(world, "/v1/chat/completions", chat(f"model-{name}"))
        row = world.last_row(f"model-{name}")
        assert (row["estimated"], row["input_tokens"], row["output_tokens"]) == (False, 7, 3)

    def test_a_stream_that_breaks_is_estimated(self, world):
        name = world.fresh("chat")
        words = [Chat.frame({"content": word + " "}) for word in LONG.split()]
        world.upstream.play(name, stream([*Chat.begin, *words], end=b""))
        with pytest.raises(openai.APIError):
            for _ in world.running.openai().chat.completions.create(
                    model=f"model-{name}", messages=self.user, stream=True):
                pass
        row = world.last_row(f"model-{name}")
        assert row["outcome"] == "truncated"
        self.check(row)


class TestCountTokens:
    def test_an_upstream_that_counts_is_asked(self, world):
        name = world.fresh("messages")
        world.upstream.play(name, document({"input_tokens": 4321}))
        count = world.running.anthropic().messages.count_tokens(model=f"model-{name}", messages=USER)
        assert count.input_tokens == 4321
        assert b"POST /%s/v1/messages/count_tokens" % name.encode() in world.upstream.call(name).head

    @pytest.mark.parametrize("status", [404, 405, 500, 429, 401])
    def test_an_upstream_that_cannot_count_leads_to_an_estimate(self, world, status):
        name = world.fresh("messages")
        world.upstream.play(name, document(Messages.error_document, status))
        answer = post(world, "/v1/messages/count_tokens", {
            "model": f"model-{name}", "messages": [{"role": "user", "content": LONG}]})
        assert answer.status_code == 200 and answer.headers["x-patchbay-warnings"] == "usage.estimated;info"
        assert set(answer.json()) == {"input_tokens"} and 120 <= answer.json()["input_tokens"] <= 320
        # Nobody rests for it.
        world.upstream.play(name, document(Messages.whole))
        assert post(world, "/v1/messages", messages(f"model-{name}")).status_code == 200

    def test_a_count_is_no_stream_whatever_the_body_says(self, world):
        name = world.fresh("messages")
        world.upstream.play(name, document({"input_tokens": 12}))
        answer = post(world, "/v1/messages/count_tokens", {"model": f"model-{name}", "messages": USER, "stream": True})
        assert answer.json() == {"input_tokens": 12}

    def test_a_channel_of_another_format_is_not_asked(self, world):
        name = world.fresh("chat")
        world.upstream.play(name, document(Chat.whole))
        answer = post(world, "/v1/messages/count_tokens", {
            "model": f"model-{name}", "messages": USER, "system": "Be brief.", "tools": [
                {"name": "weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}]})
        assert answer.headers["x-patchbay-warnings"] == "usage.estimated;info" and 15 <= answer.json()["input_tokens"] <= 80
        assert world.upstream.calls(name) == []

    def test_mistakes_are_the_clients(self, world):
        name = world.fresh("messages")
        world.upstream.play(name, document({"type": "error", "error": {
            "type": "invalid_request_error", "message": "messages: at least one message is required"}}, 400))
        with pytest.raises(anthropic.BadRequestError, match="at least one"):
            world.running.anthropic().messages.count_tokens(model=f"model-{name}", messages=[])
        unknown = post(world, "/v1/messages/count_tokens", {"model": "nothing", "messages": USER})
        assert unknown.status_code == 404 and unknown.json()["error"]["type"] == "not_found_error"
        assert post(world, "/v1/messages/count_tokens", {"model": "nothing"}, key="sk-wrong-key").status_code == 401


class TestTheMatrix:
    @pytest.fixture(scope="class")
    def tables(self):
        done = subprocess.run([str(BINARY), "plugin", "conversions"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def test_the_document_shows_what_the_codecs_do(self, tables):
        """`patchbay plugin conversions` makes the tables of docs/wire-formats.md anew."""
        text = (ROOT / "docs/wire-formats.md").read_text()
        begin, end = "<!-- made by: patchbay plugin conversions -->\n", "<!-- end -->"
        assert begin in text and end in text
        shown = text.split(begin)[1].split(end)[0].strip()
        assert shown == tables, "run: make wire-formats"

    def test_every_pair_is_there(self, tables):
        formats = tables.split("\n")[2].replace("|", " ").split()
        pairs = tables.split("### Pairs")[1]
        for client in formats:
            for upstream in formats:
                assert client == upstream or f"| {client} | {upstream} |" in pairs
