"""What a platform plugin said of one request is used for the next only where it promised that, and only as long as nothing
that it could see has changed. Requests of one connection whose heads are alike are still read for what differs."""

import time

import httpx
import pytest
from fakes.openai_api import OpenAIUpstream
from gateway import BINARY, KEY, ROOT, Running, openai_site
from outside import compile_c

TEMPLATE = ROOT / "sdk/template/c/example.c"
# What the plugin sees goes into headers, so that the upstream can tell when it was asked.
SEES = """
    char seen[256];
    pb_str tag = attempt->header(attempt, TEXT("x-tag"));
    int count = snprintf(seen, sizeof seen, "size=%d stream=%u model=%.*s query=%.*s tag=%.*s", (int)attempt->body_size,
        (unsigned)attempt->flags, (int)attempt->requested_model.len, attempt->requested_model.ptr,
        (int)attempt->query.len, attempt->query.ptr ? attempt->query.ptr : "", (int)tag.len, tag.ptr ? tag.ptr : "");
    pb_status noted = request->set_header(request, TEXT("x-seen"), (pb_str){seen, (uint64_t)count});
    if (noted) return noted;
    pb_status status ="""


def site(url):
    return f"""  - name: outside
    platform: platform-example-c
    base_url: {url}
    headers: {{ x-site: of-the-site }}
    accounts:
      - name: main
        credential: {{ kind: api_key, api_key: sk-upstream-1 }}
        models: [gpt-4o-mini, gpt-4o-2024-08-06]
"""


@pytest.fixture(scope="module")
def upstream():
    made = OpenAIUpstream(keys=("sk-upstream-1", "sk-upstream-2"))
    yield made
    made.stop()


@pytest.fixture(scope="module", params=["any-size", "every-time"])
def outside(request, tmp_path_factory, upstream):
    """(whether the plugin promises not to look at sizes, a gateway with it)"""
    promises = request.param == "any-size"
    directory = tmp_path_factory.mktemp(request.param)
    text = TEMPLATE.read_text()
    text = text.replace("#include <string.h>", "#include <stdio.h>\n#include <string.h>")
    text = text.replace("    pb_status status =", SEES, 1)
    if promises:
        text = text.replace(".prepare = prepare}", ".prepare = prepare, .flags = PB_UPSTREAM_IGNORES_SIZE}", 1)
    source = directory / "seeing.c"
    source.write_text(text)
    plugins = directory / "plugins"
    compile_c(plugins, "libplatform-example-c.so", source)
    plugins.chmod(0o755)
    running = Running(directory / "gateway", site(upstream.url), arguments=["--plugins", f"{plugins}:{BINARY.parent}"])
    running.gateway.wait_ready(running.admin_port)
    yield promises, running
    running.stop()


@pytest.fixture
def client():
    with httpx.Client(timeout=20) as made:
        yield made


class Asking:
    def __init__(self, client, running, upstream):
        self.client, self.running, self.upstream = client, running, upstream

    def __call__(self, words="hi", query="", stream=False, model="gpt-4o-mini", **headers):
        """Headers of the request that the upstream got."""
        body = {"model": model, "messages": [{"role": "user", "content": words}]}
        if stream:
            body["stream"] = True
        answer = self.client.post(
            f"{self.running.url}/v1/chat/completions{query}", json=body,
            headers={"authorization": f"Bearer {KEY}", **{name.replace("_", "-"): value for name, value in headers.items()}})
        assert answer.status_code == 200, answer.text
        request, received = self.upstream.records.last()
        assert received["messages"] == body["messages"]
        assert request.headers["authorization"].startswith("Bearer sk-upstream-")
        return request.headers

    def seen(self, *arguments, **options):
        return dict(part.split("=", 1) for part in self(*arguments, **options)["x-seen"].split(" "))


@pytest.fixture
def ask(client, outside, upstream):
    return Asking(client, outside[1], upstream)


def test_a_plugin_is_asked_again_unless_it_promises_not_to_look_at_sizes(ask, outside):
    promises, _ = outside
    sizes = [int(ask.seen("x" * length, x_tag="sizes")["size"]) for length in (1, 5, 50, 500, 20_000)]
    if promises:
        assert len(set(sizes)) == 1
    else:
        assert [size - sizes[0] for size in sizes] == [0, 4, 49, 499, 19_999]


def test_whatever_else_the_plugin_can_see_counts(ask):
    for _ in range(2):
        assert ask.seen(x_tag="a")["tag"] == "a"
        assert ask.seen(x_tag="b")["tag"] == "b"
        assert ask.seen()["tag"] == ""
        assert ask.seen(x_tag="")["tag"] == ""
        assert ask.seen(query="?x=1")["query"] == "x=1"
        assert ask.seen(query="?x=2")["query"] == "x=2"
        assert ask.seen()["query"] == ""
        assert ask.seen(stream=True)["stream"] == "1"
        assert ask.seen(stream=False)["stream"] == "0"
        for model in ("gpt-4o-mini", "gpt-4o-2024-08-06"):
            assert ask.seen(model=model)["model"] == model


def test_the_fields_of_every_request_go_along(ask):
    for number in range(12):
        headers = ask("y" * 10 ** (number % 5), x_note=str(number // 3))
        assert headers["x-note"] == str(number // 3)
        assert headers["x-site"] == "of-the-site"
        assert headers["x-patchbay-hops"] == "1"
        assert headers["accept-encoding"] == "identity"
    assert "x-note" not in ask()
    # What the gateway says itself is said once, whatever the client says.
    assert ask(x_seen="mine", x_site="mine", accept_encoding="gzip")["x-site"] == "of-the-site"
    assert ask(x_seen="mine")["x-seen"] != "mine"
    assert ask(x_patchbay_hops="2")["x-patchbay-hops"] == "3"
    assert ask()["x-patchbay-hops"] == "1"


def test_every_endpoint_of_a_connection_is_answered_in_its_own_format(client, outside):
    url = outside[1].url
    words = [{"role": "user", "content": "hi"}]
    asked = {
        "/v1/chat/completions": ({"messages": words}, lambda answer: answer["object"] == "chat.completion"),
        "/v1/messages": ({"messages": words, "max_tokens": 9}, lambda answer: answer["type"] == "message"),
        "/v1/responses": ({"input": "hi", "store": False}, lambda answer: answer["object"] == "response"),
    }
    for _ in range(3):
        for path, (body, is_right) in asked.items():
            for _ in range(2):
                answer = client.post(url + path, json={"model": "gpt-4o-mini", **body}, headers={"x-api-key": KEY})
                assert answer.status_code == 200 and is_right(answer.json()), (path, answer.text)


def test_a_key_counts_for_its_own_requests_only(client, outside, upstream):
    running = outside[1]
    ask = Asking(client, running, upstream)
    for _ in range(3):
        ask("alike")
        ask("alike")
        refused = client.post(f"{running.url}/v1/chat/completions", headers={"authorization": "Bearer sk-wrong"},
                              json={"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "alike"}]})
        assert refused.status_code == 401
        missing = client.get(f"{running.url}/v1/nothing", headers={"authorization": f"Bearer {KEY}"})
        assert missing.status_code == 404


def test_a_new_credential_is_used_at_once(tmp_path, client, upstream):
    running = Running(tmp_path / "gateway", openai_site(upstream.url))
    try:
        ask = Asking(client, running, upstream)
        for _ in range(4):
            assert ask()["authorization"] == "Bearer sk-upstream-1"
        file = running.gateway.config
        file.write_text(file.read_text().replace("sk-upstream-1", "sk-upstream-2"))
        deadline = time.monotonic() + 10
        while ask()["authorization"] != "Bearer sk-upstream-2":
            assert time.monotonic() < deadline
            time.sleep(0.02)
        for _ in range(20):
            assert ask()["authorization"] == "Bearer sk-upstream-2"
    finally:
        running.stop()


def test_a_key_that_is_taken_away_is_refused_at_once(tmp_path, client, upstream):
    running = Running(tmp_path / "gateway", openai_site(upstream.url))
    try:
        ask = Asking(client, running, upstream)
        for _ in range(4):
            ask()
        file = running.gateway.config
        file.write_text(file.read_text().replace(KEY, "sk-client-another-one"))
        body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
        deadline = time.monotonic() + 10
        statuses = []
        while not statuses or statuses[-1] != 401:
            assert time.monotonic() < deadline
            answer = client.post(f"{running.url}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {KEY}"})
            statuses.append(answer.status_code)
            time.sleep(0.02)
        assert set(statuses) <= {200, 401}
        for _ in range(5):
            answer = client.post(f"{running.url}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {KEY}"})
            assert answer.status_code == 401
    finally:
        running.stop()
