"""Lists of models with names for people and what the models can do, as three SDKs read them."""

import time

import httpx
import pytest
from fakes.server import Server
from fakes.frames import Messages
from gateway import KEY, Running

ANTHROPIC = {"data": [
    {"type": "model", "id": "claude-told", "display_name": "Claude Told", "created_at": "2026-02-24T00:00:00Z",
     "max_input_tokens": 200000, "max_tokens": 64000, "capabilities": {
         "image_input": {"supported": True}, "pdf_input": {"supported": True}, "thinking": {"supported": True}}},
    {"type": "model", "id": "claude-plain", "display_name": "claude-plain", "created_at": "1970-01-01T00:00:00Z"}],
    "has_more": False, "first_id": None, "last_id": None}
GEMINI = {"models": [{"name": "models/gemini-told", "displayName": "Gemini Told", "inputTokenLimit": 1048576,
                      "outputTokenLimit": 65536, "thinking": True,
                      "supportedGenerationMethods": ["generateContent"]}]}
RELAY = {"object": "list", "data": [
    {"id": "relay-told", "object": "model", "created": 1763690000, "owned_by": "relay", "name": "Relay Told",
     "context_length": 131072, "architecture": {"input_modalities": ["text", "image", "file"]},
     "top_provider": {"max_completion_tokens": 8000}, "supported_parameters": ["tools", "temperature"]},
    {"id": "vllm-told", "object": "model", "created": 1763690001, "owned_by": "vllm", "max_model_len": 40960},
    {"id": "odd", "object": "model", "created": "yesterday", "context_length": "many", "architecture": 7}]}


class Listing:
    """Upstreams of three platforms that tell what their models can do, and remember what they are asked for."""

    def __init__(self):
        self.bodies = []
        self.server = Server(self.handle)
        self.url = f"http://127.0.0.1:{self.server.port}"

    async def handle(self, request, answer):
        if request.method == "POST":
            self.bodies.append(request.json())
            return await answer.document(200, Messages.whole)
        lists = {"/a/v1/models": ANTHROPIC, "/g/v1beta/models": GEMINI, "/o/v1/models": RELAY}
        await answer.document(200, lists[request.path])


SITE = """  - name: {name}
    platform: {platform}
    base_url: {url}
    accounts: [ {{ name: main, credential: {{ kind: api_key, api_key: sk-listing-1 }} }} ]
"""
ROUTES = """routes:
  - model: named
    display_name: Named by hand
    capabilities: { context_window: 5000, max_output_tokens: 900, tools: false, input: { image: false } }
    channels: [ { site: claude, account: main, model: claude-told } ]
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    upstream = Listing()
    sites = SITE.format(name="claude", platform="anthropic", url=f"{upstream.url}/a")
    sites += SITE.format(name="google", platform="gemini", url=f"{upstream.url}/g")
    sites += SITE.format(name="relay", platform="openai", url=f"{upstream.url}/o")
    running = Running(tmp_path_factory.mktemp("models"), sites, ROUTES)
    running.upstream = upstream
    deadline = time.monotonic() + 15
    while {"claude-told", "gemini-told", "relay-told"} - {model.id for model in running.openai().models.list()}:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield running
    running.stop()
    upstream.server.stop()


def test_openai(world):
    models = {model.id: model for model in world.openai().models.list()}
    told = models["relay-told"]
    assert (told.created, told.name, told.context_length) == (1763690000, "Relay Told", 131072)
    assert told.architecture == {"input_modalities": ["text", "image", "file"]}
    assert told.top_provider == {"context_length": 131072, "max_completion_tokens": 8000}
    assert told.capabilities == {"function_calling": True, "reasoning": False, "vision": True}
    assert models["vllm-told"].context_length == 40960 and "name" not in models["vllm-told"].to_dict()
    assert set(models["odd"].to_dict()) == {"id", "object", "created", "owned_by"}
    assert models["claude-told"].name == "Claude Told"
    assert world.openai().models.retrieve("relay-told") == told


def test_anthropic(world):
    models = {model.id: model for model in world.anthropic().models.list()}
    told = models["claude-told"]
    assert (told.display_name, told.created_at.year, told.lifecycle) == ("Claude Told", 2026, "active")
    assert (told.max_input_tokens, told.max_tokens) == (200000, 64000)
    assert told.capabilities.image_input.supported and told.capabilities.thinking.supported
    plain = models["claude-plain"]
    assert plain.display_name == "claude-plain" and plain.created_at.year == 1970
    assert (plain.max_input_tokens, plain.capabilities) == (None, None)
    assert models["gemini-told"].max_tokens == 65536
    assert world.anthropic().models.retrieve("claude-told") == told


@pytest.mark.parametrize("version", ["v1", "v1beta"])
def test_gemini(world, version):
    client = world.gemini(version=version)
    models = {model.name: model for model in client.models.list()}
    told = models["models/gemini-told"]
    assert (told.display_name, told.input_token_limit, told.output_token_limit) == ("Gemini Told", 1048576, 65536)
    assert "generateContent" in told.supported_actions and told.thinking
    assert models["models/odd"].input_token_limit is None
    assert client.models.get(model="gemini-told") == told


def test_the_configuration_wins(world):
    named = world.anthropic().models.retrieve("named")
    assert (named.display_name, named.max_input_tokens, named.max_tokens) == ("Named by hand", 5000, 900)
    assert not named.capabilities.image_input.supported and named.capabilities.pdf_input.supported
    assert world.openai().models.retrieve("named").capabilities["function_calling"] is False


def test_codex_reads_names_and_windows(world):
    answer = httpx.get(f"{world.url}/v1/models?client_version=1.0.0", headers={"authorization": f"Bearer {KEY}"})
    models = {model["slug"]: model for model in answer.json()["models"]}
    assert (models["named"]["display_name"], models["named"]["context_window"]) == ("Named by hand", 5000)
    assert models["named"]["input_modalities"] == ["text"]
    assert "context_window" not in models["odd"]


def test_conversions_know_the_longest_answer(world):
    for model, longest in (("claude-told", 64000), ("named", 900), ("claude-plain", 8192)):
        world.openai().chat.completions.create(model=model, messages=[{"role": "user", "content": "hello"}])
        assert world.upstream.bodies[-1]["max_tokens"] == longest


def test_a_route_is_described_through_the_admin_api(world):
    body = {"model": "described", "display_name": "Described", "capabilities": {"context_window": 7000, "thinking": True},
            "channels": [{"site": "claude", "account": "main", "model": "claude-plain"}]}
    made = world.admin.post("/routes", json=body)
    assert made.status_code == 201, made.text
    assert made.json()["display_name"] == "Described"
    assert made.json()["capabilities"] == {"context_window": 7000, "thinking": True}
    told = world.anthropic().models.retrieve("described")
    assert (told.display_name, told.max_input_tokens) == ("Described", 7000)
    changed = world.admin.patch("/routes/described", json={"display_name": None, "capabilities": {"thinking": None}})
    assert changed.json()["display_name"] is None and changed.json()["capabilities"] == {"context_window": 7000}
    assert world.anthropic().models.retrieve("described").display_name == "described"
    refused = world.admin.patch("/routes/described", json={"capabilities": {"context_window": -1}})
    assert refused.status_code == 400 and "context_window" in refused.text
    pattern = world.admin.post("/routes", json={**body, "model": "described-*"})
    assert pattern.status_code == 400 and "display_name" in pattern.text
