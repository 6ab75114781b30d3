"""The endpoints beside the conversations, with the official SDK against strict upstreams."""

import hashlib
import io
import itertools
import os
import re

import httpx
import httpx2
import openai
import pytest
from fakes.anthropic_api import AnthropicUpstream
from fakes.openai_api import OpenAIUpstream
from fakes.task_api import PNG, SOUND, TaskUpstream
from gateway import KEY, Running

MODELS = ["text-embedding-3-small", "gpt-3.5-turbo-instruct", "omni-moderation-latest", "rerank-v3.5", "gpt-image-1",
          "dall-e-2", "gpt-4o-mini-tts", "whisper-1", "gpt-4o-transcribe"]


ODD = 60


def sites(steady, failing, chat, messages):
    """The model `x` is served by `steady`; `spared-x` is tried at `failing` first; `named-x` is `x` under another name.

    `odd-N-x` is `x` at a site of its own, so that no test suffers from the failures of another. `told` and `talked`
    are served by sites that know conversations only.
    """
    named = ", ".join(f"{{ upstream: {name}, as: named-{name} }}" for name in MODELS)
    account = "accounts: [ { name: main, credential: { kind: api_key, api_key: sk-upstream-1 }, models: "
    return f"""  - name: steady
    platform: openai
    base_url: {steady}
    {account}[{", ".join(MODELS)}, {named}] }} ]
  - name: failing
    platform: openai
    base_url: {failing}
    {account}[unused] }} ]
  - name: chat
    platform: openai
    base_url: {chat}
    formats: [openai.chat]
    {account}[{{ upstream: gpt-4o-mini, as: told }}] }} ]
  - name: messages
    platform: anthropic
    base_url: {messages}
    accounts: [ {{ name: main, credential: {{ kind: api_key, api_key: sk-ant-upstream-1 }}, models: [
      {{ upstream: claude-haiku-5, as: talked }}] }} ]
""" + "".join(f"""  - name: odd-{number}
    platform: openai
    base_url: {steady}
    {account}[{", ".join(f"{{ upstream: {name}, as: odd-{number}-{name} }}" for name in MODELS)}] }} ]
""" for number in range(ODD))


ROUTES = "routes:\n" + "".join(
    f"  - {{ model: spared-{name}, channels: [ {{ site: failing, account: main, model: {name}, priority: 0 }}, "
    f"{{ site: steady, account: main, model: {name}, priority: 1 }} ] }}\n" for name in MODELS)


class World:
    def __init__(self, directory):
        self.steady, self.failing = TaskUpstream(), TaskUpstream(failing=500)
        self.chat, self.messages = OpenAIUpstream(), AnthropicUpstream()
        self.odd = itertools.count()
        keys = (f'- {{ name: dev, key: {KEY}, models: ["*"] }}\n'
                '  - { name: narrow, key: sk-narrow-1-abcdefgh, models: ["gpt-4o*"] }')
        self.running = Running(
            directory, sites(self.steady.url, self.failing.url, self.chat.url, self.messages.url), ROUTES, keys)
        self.client = self.running.openai()

    def post(self, path, key=KEY, **arguments):
        return httpx.post(
            f"{self.running.url}{path}", headers={"authorization": f"Bearer {key}"}, timeout=20, **arguments)

    def row(self, answer):
        return self.running.row(answer.headers["x-request-id"])

    def resident(self):
        """Memory of the gateway in MiB; the peak since it began."""
        with open(f"/proc/{self.running.gateway.process.pid}/status") as status:
            return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) / 1024

    def stop(self):
        self.client.close()
        self.running.stop()
        for upstream in (self.steady, self.failing, self.chat, self.messages):
            upstream.stop()

    def fresh(self, model):
        """The model at a site that no test has used."""
        return f"odd-{next(self.odd)}-{model}"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("tasks"))
    yield world
    world.stop()


@pytest.fixture(params=["", "named-", "spared-"])
def prefix(request):
    return request.param


class TestEmbeddings:
    def test_vectors_and_usage(self, world, prefix):
        answer = world.client.embeddings.with_raw_response.create(
            model=f"{prefix}text-embedding-3-small", input=["one", "three"], dimensions=3)
        parsed = answer.parse()
        assert [item.embedding for item in parsed.data] == [[3.0, 0.5, 0.5], [5.0, 0.5, 0.5]]
        assert parsed.model == f"{prefix}text-embedding-3-small"
        row = world.row(answer)
        assert row["input_tokens"] == 14 and row["site"] == "steady"
        assert row["upstream_format"] == "openai.embeddings"
        assert row["attempts"] == (2 if prefix == "spared-" else 1)

    def test_without_v1_and_untouched(self, world):
        body = b'{ "model" :"text-embedding-3-small","input": [[1, 2, 3]] , "user":"\\u00fc"}'
        answer = world.post("/embeddings", content=body)
        assert answer.status_code == 200
        assert world.steady.records.last()[0].body == body


class TestCompletions:
    def test_text(self, world, prefix):
        answer = world.client.completions.with_raw_response.create(
            model=f"{prefix}gpt-3.5-turbo-instruct", prompt="to be", max_tokens=20)
        parsed = answer.parse()
        assert parsed.choices[0].text == "to be and so on" and parsed.usage.total_tokens == 8
        assert world.row(answer)["output_tokens"] == 5

    def test_stream_with_usage_in_the_ledger_only(self, world, prefix):
        with world.client.completions.with_streaming_response.create(
                model=f"{prefix}gpt-3.5-turbo-instruct", prompt="to be", stream=True) as answer:
            chunks = list(answer.parse())
        assert "".join(chunk.choices[0].text for chunk in chunks) == "to be and so on"
        assert all(chunk.model == f"{prefix}gpt-3.5-turbo-instruct" for chunk in chunks)
        assert world.row(answer)["output_tokens"] == 5

    def test_cut_stream_raises(self, world):
        with pytest.raises(openai.APIError):
            list(world.client.completions.create(model=world.fresh("gpt-3.5-turbo-instruct"), prompt="cut", stream=True))


class TestCompletionsElsewhere:
    """A client of the legacy format in front of upstreams that know conversations only."""

    @pytest.mark.parametrize("model", ["told", "talked"])
    @pytest.mark.parametrize("stream", [False, True])
    def test_text(self, world, model, stream):
        arguments = {"model": model, "prompt": ["say to be or not"], "max_tokens": 30, "stop": "END"}
        if stream:
            chunks = list(world.client.completions.create(
                **arguments, stream=True, stream_options={"include_usage": True}))
            assert chunks[-1].usage.total_tokens > 0 and chunks[-2].choices[0].finish_reason == "stop"
            text = "".join(chunk.choices[0].text for chunk in chunks[:-1])
        else:
            answer = world.client.completions.create(**arguments)
            assert answer.object == "text_completion" and answer.usage.total_tokens > 0
            text = answer.choices[0].text
        assert text == "to be or not"

    @pytest.mark.parametrize("arguments, sentence", [
        ({"prompt": ["a", "b"]}, "prompt"), ({"prompt": [1, 2]}, "prompt"), ({"prompt": 5}, "prompt")])
    def test_what_no_conversation_can_say_is_refused(self, world, arguments, sentence):
        answer = world.post("/v1/completions", json={"model": "told", **arguments})
        assert answer.status_code == 400 and sentence in answer.json()["error"]["message"]

    def test_what_is_lost_is_said(self, world):
        answer = world.post("/v1/completions", json={"model": "told", "prompt": "say hi", "echo": True, "suffix": "!"})
        assert set(answer.headers["x-patchbay-warnings"].split(",")) == {"native.echo;semantic", "native.suffix;semantic"}


class TestModerations:
    def test_with_and_without_a_model(self, world, prefix):
        answer = world.client.moderations.create(model=f"{prefix}omni-moderation-latest", input="attack at dawn")
        assert answer.results[0].flagged and answer.model == f"{prefix}omni-moderation-latest"
        answer = world.client.moderations.with_raw_response.create(input="good morning")
        assert not answer.parse().results[0].flagged
        assert world.row(answer)["model"] == "omni-moderation-latest"


class TestRerank:
    @pytest.mark.parametrize("path", ["/v1/rerank", "/rerank", "/v2/rerank"])
    def test_order_and_searches(self, world, path, prefix):
        answer = world.post(path, json={"model": f"{prefix}rerank-v3.5", "query": "cat", "top_n": 1,
                                        "documents": ["a dog", "a cat"]})
        assert answer.json()["results"] == [{"index": 1, "relevance_score": 0.9}]
        assert world.row(answer)["outcome"] == "completed"


class TestImages:
    def test_generation(self, world, prefix):
        answer = world.client.images.with_raw_response.generate(model=f"{prefix}gpt-image-1", prompt="a patch", n=2)
        parsed = answer.parse()
        assert [image.b64_json for image in parsed.data] == [PNG, PNG]
        assert not hasattr(parsed, "model") or parsed.model is None
        assert world.row(answer)["output_tokens"] == 272

    def test_partial_images(self, world, prefix):
        with world.client.images.with_streaming_response.generate(
                model=f"{prefix}gpt-image-1", prompt="a patch", stream=True, partial_images=2) as answer:
            events = list(answer.parse())
        assert [event.type for event in events] == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
        assert events[-1].usage.output_tokens == 272
        assert world.row(answer)["output_tokens"] == 272

    def test_cut_stream_raises(self, world):
        with pytest.raises(openai.APIError):
            list(world.client.images.generate(model=world.fresh("gpt-image-1"), prompt="cut", stream=True, partial_images=1))

    # E-112
    def test_edit_with_several_files(self, world, prefix):
        files = [(f"{name}.png", os.urandom(70_000) + b"\r\n--", "image/png") for name in ("first", "second")]
        answer = world.client.images.with_raw_response.edit(
            model=f"{prefix}gpt-image-1", image=files, prompt="join\r\nthem", n=1)
        assert answer.parse().data[0].b64_json == PNG
        seen = world.steady.records.answered[-1]
        assert seen["fields"]["model"] == "gpt-image-1" and seen["fields"]["prompt"] == "join\r\nthem"
        assert seen["files"] == [
            ("image[]", name, kind, hashlib.sha256(data).hexdigest()) for name, data, kind in files]
        assert world.row(answer)["model"] == f"{prefix}gpt-image-1"

    def test_edit_as_stream(self, world):
        events = list(world.client.images.edit(
            model="gpt-image-1", image=("a.png", b"123"), prompt="better", stream=True))
        assert events[-1].type == "image_edit.completed"

    def test_variation_without_a_model(self, world):
        answer = world.client.images.create_variation(image=("a.png", b"\x89PNG"), n=2)
        assert len(answer.data) == 2
        assert "model" not in world.steady.records.answered[-1]["fields"]


class TestSpeech:
    @pytest.mark.parametrize("text", ["hello", "measured"])
    def test_sound_as_it_comes(self, world, prefix, text):
        with world.client.audio.speech.with_streaming_response.create(
                model=f"{prefix}gpt-4o-mini-tts", voice="alloy", input=text, response_format="wav") as answer:
            assert answer.headers["content-type"] == "audio/wav"
            assert b"".join(answer.iter_bytes()) == SOUND
        row = world.row(answer)
        assert (row["outcome"], row["status"]) == ("completed", 200)

    def test_events(self, world):
        with world.client.audio.speech.with_streaming_response.create(
                model="gpt-4o-mini-tts", voice="alloy", input="hello", stream_format="sse") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            text = b"".join(answer.iter_bytes()).decode()
        assert "speech.audio.done" in text
        assert world.row(answer)["output_tokens"] == 40

    def test_broken_sound_is_incomplete(self, world):
        with pytest.raises(httpx2.RemoteProtocolError):
            with world.client.audio.speech.with_streaming_response.create(
                    model=world.fresh("gpt-4o-mini-tts"), voice="alloy", input="cut") as answer:
                request_id = answer.headers["x-request-id"]
                list(answer.iter_bytes())
        assert world.running.row(request_id)["outcome"] == "truncated"

    @pytest.mark.parametrize("text", ["empty", "disguise", "page"])
    def test_what_is_no_sound_is_an_error(self, world, text):
        with pytest.raises(openai.InternalServerError) as failure:
            world.client.audio.speech.create(model=world.fresh("gpt-4o-mini-tts"), voice="alloy", input=text)
        assert failure.value.body["code"]


class TestTranscriptions:
    SOUND = ("speech.mp3", os.urandom(5000), "audio/mpeg")

    def test_json(self, world, prefix):
        answer = world.client.audio.transcriptions.with_raw_response.create(
            model=f"{prefix}whisper-1", file=self.SOUND, timestamp_granularities=["word", "segment"],
            response_format="json")
        assert answer.parse().text == "5000 bytes of speech.mp3"
        seen = world.steady.records.answered[-1]
        assert seen["files"] == [("file", "speech.mp3", "audio/mpeg", hashlib.sha256(self.SOUND[1]).hexdigest())]
        assert seen["fields"]["model"] == "whisper-1"
        assert world.row(answer)["outcome"] == "completed"

    # E-113
    @pytest.mark.parametrize("kind", ["text", "srt", "vtt"])
    def test_text_stays_text(self, world, kind, prefix):
        answer = world.client.audio.transcriptions.with_raw_response.create(
            model=f"{prefix}whisper-1", file=self.SOUND, response_format=kind)
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert "5000 bytes of speech.mp3\n" in answer.text

    def test_stream(self, world, prefix):
        with world.client.audio.transcriptions.with_streaming_response.create(
                model=f"{prefix}gpt-4o-transcribe", file=self.SOUND, stream=True) as answer:
            events = list(answer.parse())
        assert "".join(event.delta for event in events[:-1]) == events[-1].text == "5000 bytes of speech.mp3"
        assert world.row(answer)["output_tokens"] == 45

    def test_model_that_ignores_stream(self, world):
        answer = world.client.audio.transcriptions.with_raw_response.create(
            model="whisper-1", file=self.SOUND, stream=True)
        assert answer.headers["content-type"] == "application/json"

    def test_translation(self, world, prefix):
        answer = world.client.audio.translations.create(model=f"{prefix}whisper-1", file=self.SOUND)
        assert answer.text == "5000 bytes of speech.mp3"

    def test_page_instead_of_a_transcript_is_an_error(self, world):
        with pytest.raises(openai.InternalServerError):
            world.client.audio.transcriptions.create(
                model=world.fresh("whisper-1"), file=self.SOUND, prompt="page", response_format="text")


PAYLOADS = {
    "/v1/embeddings": {"model": "text-embedding-3-small", "input": "MISCHIEF"},
    "/v1/completions": {"model": "gpt-3.5-turbo-instruct", "prompt": "MISCHIEF"},
    "/v1/moderations": {"model": "omni-moderation-latest", "input": "MISCHIEF"},
    "/v1/rerank": {"model": "rerank-v3.5", "query": "MISCHIEF", "documents": ["a"]},
    "/v1/images/generations": {"model": "gpt-image-1", "prompt": "MISCHIEF"},
    "/v1/audio/speech": {"model": "gpt-4o-mini-tts", "input": "MISCHIEF", "voice": "alloy"},
}


def payload(path, mischief, **other):
    return {**{name: mischief if value == "MISCHIEF" else value for name, value in PAYLOADS[path].items()}, **other}


class TestErrors:
    @pytest.mark.parametrize("path", PAYLOADS)
    def test_mistakes_of_the_client_pass_with_the_words_of_the_upstream(self, world, path):
        answer = world.post(path, json=payload(path, "fail 400"))
        assert answer.status_code == 400
        assert answer.json()["error"]["message"] == "as you wish: fail 400"

    @pytest.mark.parametrize("path", PAYLOADS)
    def test_an_error_in_disguise_is_an_error(self, world, path):
        answer = world.post(path, json=payload(path, "disguise", model=world.fresh(PAYLOADS[path]["model"])))
        assert answer.status_code >= 500
        assert "upstream is broken" in answer.json()["error"]["message"]

    @pytest.mark.parametrize("path", PAYLOADS)
    def test_the_gateways_own_errors_have_the_shape_of_the_dialect(self, world, path):
        cases = [
            ({"json": payload(path, "x")}, {"key": "sk-wrong-key"}, 401, "invalid_api_key", None),
            ({"json": payload(path, "x", model="nothing")}, {}, 404, "model_not_found", "model"),
            ({"json": payload(path, "x")}, {"key": "sk-narrow-1-abcdefgh"}, 403, "model_not_allowed", "model"),
            ({"content": b"{"}, {}, 400, "invalid_request", None),
            ({"json": payload(path, "x", model=5)}, {}, 400, "invalid_request", "model"),
        ]
        if path == "/v1/audio/speech":
            cases[2] = ({"json": payload(path, "x", model="rerank-v3.5")}, {"key": "sk-narrow-1-abcdefgh"}, 403,
                        "model_not_allowed", "model")
        for arguments, options, status, code, parameter in cases:
            answer = world.post(path, **options, **arguments)
            assert answer.status_code == status, answer.text
            error = answer.json()["error"]
            assert (error["code"], error["param"]) == (code, parameter)

    def test_only_post(self, world):
        answer = httpx.get(f"{world.running.url}/v1/embeddings", headers={"authorization": f"Bearer {KEY}"})
        assert answer.status_code == 405


def form(*parts, boundary="XX", end=True):
    lines = [f'--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n' for head, text in parts]
    body = "".join(lines) + (f"--{boundary}--\r\n" if end else "")
    return {"content": body.encode(), "headers": {"content-type": f"multipart/form-data; boundary={boundary}"}}


class TestForms:
    FILE = ('name="file"; filename="a.wav"', "sound")

    def post(self, world, arguments):
        headers = {"authorization": f"Bearer {KEY}", **arguments["headers"]}
        return httpx.post(f"{world.running.url}/v1/audio/transcriptions", content=arguments["content"], headers=headers)

    def test_a_form_written_by_hand(self, world):
        answer = self.post(world, form(('name="model"', "named-whisper-1"), self.FILE))
        assert answer.json()["text"] == "5 bytes of a.wav"

    @pytest.mark.parametrize("parts, options, sentence", [
        ([FILE], {}, '"model" is missing'),
        ([('name="model"', "whisper-1"), ('name="model"', "other"), FILE], {}, '"model" is there twice'),
        ([('name="mo\\del"', "whisper-1"), FILE], {}, "escapes"),
        ([('name="%6dodel"', "whisper-1"), FILE], {}, "escapes"),
        ([('name="model"', ""), FILE], {}, '"model" is empty'),
        ([('name="model"; filename="m"', "whisper-1"), FILE], {}, "not a file"),
        ([('name="model"', "whisper-1"), FILE], {"end": False}, "ends before its closing boundary"),
        ([('filename="m"', "whisper-1"), FILE], {}, "no name"),
    ])
    def test_what_two_readers_could_take_differently_is_refused(self, world, parts, options, sentence):
        before = len(world.steady.records.requests)
        answer = self.post(world, form(*parts, **options))
        assert answer.status_code == 400
        assert sentence in answer.json()["error"]["message"]
        assert len(world.steady.records.requests) == before

    def test_a_bad_boundary_is_refused(self, world):
        arguments = form(('name="model"', "whisper-1"), self.FILE)
        arguments["headers"]["content-type"] = "multipart/form-data"
        assert "boundary" in self.post(world, arguments).json()["error"]["message"]


class TestLargeUploads:
    # E-104
    def test_memory_is_bounded_by_the_upload(self, world):
        sound = os.urandom(20 << 20)
        digest = hashlib.sha256(sound).hexdigest()
        before = world.resident()
        for model in ["whisper-1", "named-whisper-1", "spared-whisper-1"] * 2:
            answer = world.client.audio.transcriptions.create(model=model, file=("long.wav", io.BytesIO(sound)))
            assert answer.text == f"{20 << 20} bytes of long.wav"
            assert world.steady.records.answered[-1]["files"][0][3] == digest
        # The upload itself, once, and room for buffers; neither a copy per attempt nor one per request.
        assert world.resident() - before < 48
