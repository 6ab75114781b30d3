"""Refusals and failures, in the dialect of the path."""

import anthropic
import httpx
import openai
import pytest
from fakes.openai_api import OpenAIUpstream
from gateway import Running, openai_site

USER = [{"role": "user", "content": "say hi"}]


def test_unknown_key_is_401_in_both_dialects(gateway):
    with pytest.raises(openai.AuthenticationError) as caught:
        gateway.openai("sk-wrong").chat.completions.create(model="gpt-4o-mini", messages=USER)
    assert caught.value.body["code"] == "invalid_api_key"
    with pytest.raises(anthropic.AuthenticationError) as caught:
        gateway.anthropic("sk-wrong").messages.create(model="gpt-4o-mini", messages=USER, max_tokens=10)
    assert caught.value.body["error"]["type"] == "authentication_error"


def test_unknown_model_is_404(gateway):
    with pytest.raises(openai.NotFoundError) as caught:
        gateway.openai().chat.completions.create(model="no-such-model", messages=USER)
    assert "no-such-model" in str(caught.value) and caught.value.request_id
    with pytest.raises(anthropic.NotFoundError):
        gateway.anthropic().messages.create(model="no-such-model", messages=USER, max_tokens=10)


@pytest.mark.parametrize("body, word", [
    ("{", "JSON"), ("[]", "JSON"), ("{}", "model"), ('{"model":5}', "model"), ('{"model":"gpt-4o-mini","stream":"x"}', "stream")])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/chat/completions", "/messages"])
def test_bad_bodies_name_the_field(gateway, path, body, word):
    answer = httpx.post(gateway.url + path, content=body, headers={"x-api-key": "sk-client-1-abcdefgh"})
    assert answer.status_code == 400
    assert word in answer.json()["error"]["message"]
    assert answer.headers["x-request-id"]
    assert (answer.json().get("type") == "error") == ("messages" in path)


def test_a_clients_mistake_passes_through_and_costs_one_call(gateway, openai_upstream):
    before = len(openai_upstream.records.requests)
    with pytest.raises(openai.BadRequestError) as caught:
        gateway.openai().chat.completions.create(model="gpt-4o-mini", messages=USER, extra_body={"zzz": 1})
    assert "body.zzz is unknown" in str(caught.value)
    assert len(openai_upstream.records.requests) == before + 1
    gateway.openai().chat.completions.create(model="gpt-4o-mini", messages=USER)


def test_a_clients_mistake_is_translated(gateway):
    with pytest.raises(anthropic.BadRequestError) as caught:
        gateway.anthropic().messages.create(
            model="gpt-4o-mini", max_tokens=10, messages=[{"role": "user", "content": "say forbidden words"}])
    assert caught.value.body["error"]["type"] == "invalid_request_error"
    assert "safety system" in caught.value.body["error"]["message"]


def test_a_key_sees_and_uses_only_its_models(tmp_path, openai_upstream):
    running = Running(tmp_path, openai_site(openai_upstream.url),
                      keys='- { name: narrow, key: sk-narrow-key-1, models: ["gpt-4o-*"] }')
    try:
        client = running.openai("sk-narrow-key-1")
        assert [entry.id for entry in client.models.list()] == ["gpt-4o-mini"]
        client.chat.completions.create(model="gpt-4o-mini", messages=USER)
        with pytest.raises((openai.PermissionDeniedError, openai.NotFoundError)):
            client.chat.completions.create(model="gpt-4o", messages=USER)
    finally:
        running.stop()


def test_failover_and_503_with_retry_after(tmp_path):
    good = OpenAIUpstream()
    bad = OpenAIUpstream(keys=["another-key"])
    extra = """
routes:
  - model: gpt-4o-mini
    channels:
      - { site: bad, account: main, priority: 0 }
      - { site: good, account: main, priority: 1 }
  - model: gpt-4o
    channels: [ { site: bad, account: main } ]
"""
    running = Running(tmp_path, openai_site(bad.url, "bad") + openai_site(good.url, "good"), extra)
    try:
        raw = running.openai().chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=USER)
        assert raw.parse().choices[0].message.content == "hi"
        row = running.row(raw.headers["x-request-id"])
        assert row["site"] == "good" and row["status"] == 200
        with pytest.raises(openai.APIStatusError) as caught:
            running.openai().chat.completions.create(model="gpt-4o", messages=USER)
        assert caught.value.status_code in (502, 503)
        with pytest.raises(openai.APIStatusError) as caught:
            running.openai().chat.completions.create(model="gpt-4o", messages=USER)
        assert caught.value.status_code == 503 and int(caught.value.response.headers["retry-after"]) > 0
    finally:
        running.stop()
        good.stop()
        bad.stop()


def test_paths_and_methods(gateway):
    assert httpx.get(gateway.url + "/nothing").status_code == 404
    assert httpx.get(gateway.url + "/v1/chat/completions").status_code == 405
    for path in ("/healthz", "/readyz", "/health/liveliness", "/health/liveness", "/health/readiness"):
        assert httpx.get(gateway.url + path).status_code == 200
        assert httpx.get(f"http://127.0.0.1:{gateway.admin_port}{path}").status_code == 200
