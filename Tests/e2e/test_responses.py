"""The Responses API through the official SDK, against an upstream of each format, streaming and not."""

import openai
import pytest

pytestmark = pytest.mark.sdk

MODELS = {
    "openai upstream": "gpt-4o-mini", "anthropic upstream": "claude-haiku-5", "responses upstream": "gpt-5-mini",
    "gemini upstream": "gemini-3-flash"}
STREAMS = pytest.mark.parametrize("stream", [False, True])


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]


def respond(gateway, stream, **arguments):
    client = gateway.openai()
    if not stream:
        return client.responses.create(**arguments)
    with client.responses.stream(**arguments) as events:
        seen = [event for event in events]
        numbers = [event.sequence_number for event in seen if hasattr(event, "sequence_number")]
        assert numbers == sorted(numbers) and len(set(numbers)) == len(numbers)
        return events.get_final_response()


@STREAMS
def test_text_usage_and_echo(gateway, model, stream):
    response = respond(
        gateway, stream, model=model, input="say Grüße 🌍 from here", instructions="Be brief.", temperature=0.5,
        metadata={"a": "b"}, max_output_tokens=200)
    assert response.output_text == "Grüße 🌍 from here"
    assert response.status == "completed" and response.error is None and response.incomplete_details is None
    assert response.id.startswith("resp_") and response.model == model
    assert response.instructions == "Be brief." and response.temperature == 0.5
    assert response.metadata == {"a": "b"} and response.max_output_tokens == 200
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens > 0
    assert response.usage.input_tokens_details.cached_tokens > 0
    assert response.usage.output_tokens_details.reasoning_tokens >= 0


@STREAMS
def test_an_answer_cut_by_the_limit_is_incomplete(gateway, stream):
    client = gateway.openai()
    if not stream:
        response = client.responses.create(model="gpt-5-mini", input="say too long")
        assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens")
        return
    events = list(client.responses.create(model="gpt-5-mini", input="say too long", stream=True))
    assert events[-1].type == "response.incomplete"
    chunks = list(client.chat.completions.create(
        model="gpt-5-mini", messages=[{"role": "user", "content": "say too long"}], stream=True))
    assert chunks[-1].choices[0].finish_reason == "length"


@STREAMS
@pytest.mark.parametrize("alias", ["gpt-4o", "claude-sonnet", "gpt-5"])
def test_alias_is_echoed(gateway, alias, stream):
    assert respond(gateway, stream, model=alias, input="say hi").model == alias


class TestErrors:
    def test_unknown_model(self, gateway):
        with pytest.raises(openai.NotFoundError) as caught:
            gateway.openai().responses.create(model="no-such-model", input="hi")
        assert caught.value.code == "model_not_found"

    @pytest.mark.parametrize("model", ["gpt-4o-mini", "gpt-5-mini"])
    def test_the_clients_mistake_comes_back_in_its_dialect(self, gateway, model):
        with pytest.raises(openai.BadRequestError) as caught:
            gateway.openai().responses.create(model=model, input="forbidden words")
        assert "safety system" in caught.value.message

    def test_several_answers_cannot_be_asked_of_responses(self, gateway):
        with pytest.raises(openai.BadRequestError) as caught:
            gateway.openai().chat.completions.create(
                model="gpt-5-mini", n=2, messages=[{"role": "user", "content": "say hi"}])
        assert "openai.responses" in caught.value.message
