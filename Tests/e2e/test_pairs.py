"""All sixteen pairs of a client's format and an upstream's, plain and streamed, read by the SDKs' strictest helpers.

What an upstream gets is checked by the fakes against the SDKs' own types; `test_schema.py` shows that they do see errors.
"""

import json

import pytest
from dialects import ALIASES, CLIENTS, MODELS, PNG_TEXT, UPSTREAMS

pytestmark = pytest.mark.sdk

# Chat Completions has no word that asks for a summary of the reasoning, and Responses gives none unasked.
UNASKED = ("openai.chat", "openai.responses")
CALLS = 'call weather {"city": "Zürich"}; call clock {}'
BOTH = ("weather", "clock")


@pytest.fixture(params=CLIENTS)
def client(request, gateway):
    return CLIENTS[request.param](gateway)


@pytest.fixture(params=MODELS)
def upstream(request):
    """The format of the upstream."""
    return request.param


@pytest.fixture(params=[False, True], ids=["plain", "streamed"])
def stream(request):
    return request.param


@pytest.fixture
def records(request, upstream):
    return request.getfixturevalue(UPSTREAMS[upstream]).records


def test_text_usage_and_names(client, upstream, stream, records):
    answer = client.ask(stream, MODELS[upstream], client.user("say Grüße 🌍 from here"))
    assert (answer.text, answer.finish, answer.calls) == ("Grüße 🌍 from here", "stop", [])
    assert answer.models == {MODELS[upstream]}
    booked = records.answered[-1]
    assert (answer.usage["input"], answer.usage["output"]) == (booked["input"], booked["output"])
    assert answer.usage["cached"] in (3, 4)
    assert booked["stream"] == stream


def test_the_name_that_the_client_knows(client, upstream, stream):
    assert client.ask(stream, ALIASES[upstream], client.user("say hi")).models == {ALIASES[upstream]}


def test_instructions(client, upstream, stream, records):
    answer = client.ask(stream, MODELS[upstream], client.user("say ok"), system="Be very brief.")
    assert answer.text == "ok"
    assert "Be very brief." in json.dumps(records.last()[1])


def test_one_tool_and_its_result(client, upstream, stream):
    history = client.user('call weather {"city": "Oslo"}')
    first = client.ask(stream, MODELS[upstream], history, tools=BOTH)
    assert (first.finish, first.text) == ("tools", "")
    assert [(call.name, call.arguments) for call in first.calls] == [("weather", {"city": "Oslo"})]
    second = client.ask(stream, MODELS[upstream], client.follow(history, first, ["sunny"]), tools=BOTH)
    assert (second.finish, second.text, second.calls) == ("stop", "the tool said sunny", [])


def test_parallel_tools_and_their_results(client, upstream, stream, records):
    history = client.user(CALLS)
    first = client.ask(stream, MODELS[upstream], history, tools=BOTH)
    assert first.finish == "tools"
    assert [(call.name, call.arguments) for call in first.calls] == [("weather", {"city": "Zürich"}), ("clock", {})]
    ids = [call.id for call in first.calls]
    # Gemini needs no ids; whoever has them tells the calls apart.
    assert len(set(ids)) == 2 or (client.name == upstream == "gemini.generate" and ids == [None, None])
    second = client.ask(
        stream, MODELS[upstream], client.follow(history, first, ["sunny", "noon"]), tools=BOTH)
    assert second.text == "the tool said noon"
    sent = json.dumps(records.last()[1], ensure_ascii=False)
    assert "sunny" in sent and "Zürich" in sent


def test_a_second_round_of_tools(client, upstream, stream):
    """Two calls after each other in one conversation, with text between them."""
    history = client.user('call weather {"city": "Oslo"}')
    first = client.ask(stream, MODELS[upstream], history, tools=BOTH)
    history = client.follow(history, first, ["sunny"])
    second = client.ask(stream, MODELS[upstream], history, tools=BOTH)
    history = [*client.follow(history, second), *client.user("call clock {}")]
    third = client.ask(stream, MODELS[upstream], history, tools=BOTH)
    assert [call.name for call in third.calls] == ["clock"]
    last = client.ask(stream, MODELS[upstream], client.follow(history, third, ["noon"]), tools=BOTH)
    assert last.text == "the tool said noon"


def test_forced_tool(client, upstream, stream):
    answer = client.ask(
        stream, MODELS[upstream], client.user('call weather {"city": "Oslo"}'), tools=BOTH, forced="weather")
    assert [call.name for call in answer.calls] == ["weather"]


def test_reasoning_goes_out_and_comes_back(client, upstream, stream):
    history = client.user("think it over twice then say done")
    first = client.ask(stream, MODELS[upstream], history, reasoning=True)
    reasoning = "" if (client.name, upstream) == UNASKED else "it over twice"
    assert (first.reasoning, first.text, first.finish) == (reasoning, "done", "stop")
    history = [*client.follow(history, first), *client.user("say again")]
    second = client.ask(stream, MODELS[upstream], history, reasoning=True)
    assert (second.reasoning, second.text) == ("", "again")


def test_reasoning_before_tools(client, upstream, stream):
    history = client.user("think it over then " + CALLS)
    first = client.ask(stream, MODELS[upstream], history, tools=BOTH, reasoning=True)
    assert first.reasoning == ("" if (client.name, upstream) == UNASKED else "it over")
    assert [call.name for call in first.calls] == ["weather", "clock"]
    history = client.follow(history, first, ["sunny", "noon"])
    second = client.ask(stream, MODELS[upstream], history, tools=BOTH, reasoning=True)
    assert second.text == "the tool said noon"


def test_images(client, upstream, stream):
    answer = client.ask(stream, MODELS[upstream], client.user("look at this", image=PNG_TEXT))
    assert answer.text == "1 images: image/png"


def test_structured_output(client, upstream, stream):
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"],
              "additionalProperties": False}
    answer = client.ask(stream, MODELS[upstream], client.user('say {"a": 1}'), schema=schema)
    assert json.loads(answer.text) == {"a": 1}


def test_an_answer_cut_by_the_limit_says_so(client, upstream, stream):
    answer = client.ask(stream, MODELS[upstream], client.user("say too long"))
    assert (answer.text, answer.finish) == ("too long", "length")


def test_a_refusal_comes_in_the_clients_dialect(client, upstream, stream):
    with pytest.raises(client.refusal) as caught:
        client.ask(stream, "no-such-model", client.user("say hi"))
    assert client.status(caught.value) == 404 and "no-such-model" in str(caught.value)
