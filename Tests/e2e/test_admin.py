"""The admin API: who may use it, what it changes, and what it tells."""

import json
import math
import re
import time

import httpx
import openai
import pytest
from fakes.openai_api import OpenAIUpstream
from gateway import KEY, Running, openai_site
from openapi_spec_validator import OpenAPIV31SpecValidator

USER = [{"role": "user", "content": "say hi"}]
SECRETS = ["sk-upstream-secret-1", "sk-stored-secret-2", "sk-header-secret-3", "sk-token-secret-4", KEY]
ROW_FIELDS = {
    "id", "time", "key", "model", "site", "account", "upstream_model", "status", "attempts", "input_tokens",
    "output_tokens", "cached_tokens", "cost_usd", "latency_ms", "first_token_ms", "stream", "client_format",
    "upstream_format"}
ROUTES = """
routes:
  - model: shared
    channels:
      - { site: alpha, account: main, model: gpt-4o-mini, priority: 0, weight: 3 }
      - { site: second, account: main, model: gpt-4o-mini, priority: 0, weight: 1 }
      - { site: resting, account: main, model: gpt-4o-mini, priority: 1 }
      - { site: alpha, account: main, model: gpt-4o-2024-08-06, priority: 2, weight: 0 }
"""
KEYS = f"""- {{ name: dev, key: {KEY}, models: ["*"] }}
  - {{ name: narrow, key: sk-client-narrow-9, models: ["gpt-4o"] }}"""


@pytest.fixture(scope="module")
def upstream():
    upstream = OpenAIUpstream(keys=SECRETS[:4])
    yield upstream
    upstream.stop()


@pytest.fixture(scope="module")
def running(tmp_path_factory, upstream):
    sites = (openai_site(upstream.url, "alpha", SECRETS[0]) + openai_site(upstream.url, "second", SECRETS[0])
             + openai_site(upstream.url, "resting", SECRETS[0]).replace("platform:", "enabled: false\n    platform:"))
    running = Running(tmp_path_factory.mktemp("admin"), sites, ROUTES, KEYS)
    running.gateway.wait_ready(running.admin_port)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def document(running):
    return running.admin.get("/openapi.json").json()


def made(answer):
    assert answer.status_code == 201, answer.text
    return answer.json()


def refused(answer, status, code, field=None):
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert (error["code"], error["field"]) == (code, field) and error["message"].endswith(".")
    return error["message"]


class TestDocument:
    def test_it_is_valid(self, document):
        assert document["openapi"].startswith("3.1")
        OpenAPIV31SpecValidator(document).validate()

    def test_it_has_every_path_of_the_contract(self, document):
        named = ("sites", "accounts", "tokens", "keys", "groups", "routes")
        expected = {f"/api/v1/{name}": {"get", "post"} for name in named}
        expected |= {f"/api/v1/{name}/{{id}}": {"get", "patch", "delete"} for name in named}
        expected |= {f"/api/v1/{name}": {"get"} for name in ("plugins", "requests", "usage", "openapi.json")}
        expected |= {"/api/v1/explain": {"post"}, "/metrics": {"get"}, "/healthz": {"get"}, "/readyz": {"get"}}
        methods = {path: set(item) & {"get", "post", "put", "patch", "delete"}
                   for path, item in document["paths"].items()}
        assert {path: methods.get(path) for path in expected} == expected

    def test_nothing_is_told_without_the_token(self, running, document):
        with httpx.Client(base_url=f"http://127.0.0.1:{running.admin_port}") as nobody:
            checked = 0
            for path, item in document["paths"].items():
                for method, operation in item.items():
                    if method == "parameters" or "security" in operation and (
                            not operation["security"] or {} in operation["security"]):
                        continue
                    for header in ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Bearer {KEY}"},
                                   {"authorization": "Basic dGVzdDp0ZXN0"}):
                        answer = nobody.request(method, path.replace("{id}", "alpha"), headers=header)
                        refused(answer, 401, "unauthorized")
                        assert answer.headers["www-authenticate"] == "Bearer"
                        checked += 1
            assert checked > 100
            assert nobody.get("/api/v1/nothing").status_code == 401
            for path in ("/healthz", "/readyz", "/health/liveliness", "/health/liveness", "/health/readiness"):
                assert nobody.get(path).status_code == 200

    def test_answers_are_what_it_says(self, running, document):
        for path, item in document["paths"].items():
            if "{" in path or "get" not in item or "application/json" not in item["get"]["responses"]["200"]["content"]:
                continue
            schema = item["get"]["responses"]["200"]["content"]["application/json"]["schema"]
            found = httpx.get(f"http://127.0.0.1:{running.admin_port}{path}", headers=running.admin.headers)
            assert found.status_code == 200
            conforms(found.json(), schema, document, path)


def conforms(value, schema, document, where):
    """Checks a value with the validator of JSON Schema 2020-12, which OpenAPI 3.1 uses."""
    from jsonschema import Draft202012Validator
    whole = {"$schema": Draft202012Validator.META_SCHEMA["$id"], **schema, "components": document["components"]}
    errors = [f"{where}{error.json_path[1:]}: {error.message[:200]}" for error in
              Draft202012Validator(whole).iter_errors(value)]
    assert errors == []


class TestChanges:
    def test_site_account_and_key_work_at_once(self, running, upstream):
        admin = running.admin
        site = made(admin.post("/sites", json={
            "name": "stored", "platform": "openai", "base_url": upstream.url,
            "headers": [{"name": "x-extra", "value": SECRETS[2]}]}))
        assert (site["id"], site["source"], site["read_only"]) == ("stored", "store", False)
        account = made(admin.post("/accounts", json={
            "site": "stored", "name": "main", "credential": {"kind": "api_key", "api_key": SECRETS[1]},
            "models": [{"upstream": "gpt-4o-mini", "as": "stored-model"}]}))
        assert account["id"] == "stored/main" and account["credential"]["has_secret"] is True
        key = made(admin.post("/keys", json={"name": "made", "models": ["stored-*"]}))
        client = running.openai(key["key"])
        assert client.chat.completions.create(model="stored-model", messages=USER).choices[0].message.content == "hi"
        request, _ = upstream.records.last()
        assert request.headers["authorization"] == f"Bearer {SECRETS[1]}"
        assert request.headers["x-extra"] == SECRETS[2]
        assert [model.id for model in client.models.list()] == ["stored-model"]
        with pytest.raises((openai.PermissionDeniedError, openai.NotFoundError)):
            client.chat.completions.create(model="gpt-4o-mini", messages=USER)

        changed = admin.patch("/accounts/stored/main", json={"models": [
            {"upstream": "gpt-4o-mini", "as": "stored-renamed"}]})
        assert changed.status_code == 200
        assert client.chat.completions.create(model="stored-renamed", messages=USER).model == "stored-renamed"
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model="stored-model", messages=USER)

        assert admin.patch("/accounts/stored%2Fmain", json={"models": ["gpt-4o-mini"]}).json()["credential"]["has_secret"]
        assert admin.patch("/keys/made", json={"models": ["*"]}).json()["models"] == ["*"]
        made(admin.post("/routes", json={"model": "by-token", "channels": [{"site": "stored", "model": "gpt-4o-mini"}]}))
        assert client.chat.completions.create(model="by-token", messages=USER).choices
        made(admin.post("/tokens", json={
            "site": "stored", "account": "main", "name": "cheap", "key": SECRETS[3], "models": ["gpt-4o-mini"]}))
        assert admin.patch("/routes/by-token", json={"channels": [
            {"site": "stored", "account": "main", "token": "cheap", "model": "gpt-4o-mini"}]}).status_code == 200
        client.chat.completions.create(model="by-token", messages=USER)
        assert upstream.records.last()[0].headers["authorization"] == f"Bearer {SECRETS[3]}"

        assert "by-token" in refused(admin.delete("/tokens/stored/main/cheap"), 409, "in_use")
        refused(admin.delete("/sites/stored"), 409, "in_use")
        assert admin.patch("/keys/made", json={"enabled": False}).status_code == 200
        with pytest.raises((openai.AuthenticationError, openai.PermissionDeniedError)):
            client.chat.completions.create(model="by-token", messages=USER)
        for path in ("/routes/by-token", "/tokens/stored/main/cheap", "/keys/made", "/sites/stored"):
            assert admin.delete(path).status_code == 204
            refused(admin.get(path), 404, "not_found")
        refused(admin.get("/accounts/stored/main"), 404, "not_found")
        with pytest.raises(openai.AuthenticationError):
            client.chat.completions.create(model="by-token", messages=USER)
        with pytest.raises(openai.NotFoundError):
            running.openai().chat.completions.create(model="by-token", messages=USER)

    def test_changes_survive_a_restart(self, tmp_path, upstream):
        running = Running(tmp_path, openai_site(upstream.url, "alpha", SECRETS[0]))
        try:
            running.gateway.wait_ready(running.admin_port)
            made(running.admin.post("/keys", json={"name": "kept", "key": "sk-kept-client-key-1"}))
            made(running.admin.post("/sites", json={
                "name": "kept", "platform": "openai", "base_url": upstream.url}))
            made(running.admin.post("/accounts", json={
                "site": "kept", "name": "main", "credential": {"kind": "api_key", "api_key": SECRETS[1]},
                "models": [{"upstream": "gpt-4o-mini", "as": "kept-model"}]}))
            running.gateway.kill()
            running.gateway.start().wait_ready(running.port)
            answer = running.openai("sk-kept-client-key-1").chat.completions.create(model="kept-model", messages=USER)
            assert answer.choices[0].message.content == "hi"
            assert upstream.records.last()[0].headers["authorization"] == f"Bearer {SECRETS[1]}"
        finally:
            running.stop()

    @pytest.mark.parametrize("path, change", [
        ("/sites/alpha", {"base_url": "http://127.0.0.1:9"}), ("/accounts/alpha/main", {"enabled": False}),
        ("/keys/dev", {"enabled": False}), ("/routes/shared", {"channels": [{"site": "alpha"}]})])
    def test_what_the_file_declares_is_read_only(self, running, path, change):
        before = running.admin.get(path).json()
        assert (before["source"], before["read_only"]) == ("file", True)
        assert "file" in refused(running.admin.patch(path, json=change), 409, "read_only")
        refused(running.admin.delete(path), 409, "read_only")
        assert running.admin.get(path).json() == before

    def test_nothing_can_be_put_under_what_the_file_declares(self, running):
        account = {"site": "alpha", "name": "more", "credential": {"kind": "api_key", "api_key": "sk-x-12345678"}}
        refused(running.admin.post("/accounts", json=account), 409, "read_only", "site")
        token = {"site": "alpha", "account": "main", "name": "more", "key": "sk-x-12345678"}
        refused(running.admin.post("/tokens", json=token), 409, "read_only", "account")

    @pytest.mark.parametrize("path, body, status, code, field", [
        ("/sites", {"name": "alpha", "platform": "openai", "base_url": "http://127.0.0.1:1"}, 409, "already_exists", None),
        ("/sites", {"platform": "openai", "base_url": "http://127.0.0.1:1"}, 400, "invalid_field", "name"),
        ("/sites", {"name": "x", "platform": "openai", "base_url": "ftp://x"}, 400, "invalid_field", "base_url"),
        ("/sites", {"name": "x", "platform": "openai", "base_url": 5}, 400, "invalid_field", "base_url"),
        ("/sites", {"name": "x", "platform": "openai", "base_url": "http://x", "zzz": 1}, 400, "unknown_field", "zzz"),
        ("/keys", {"name": "twin", "key": KEY}, 409, "already_exists", "key"),
        ("/routes", {"model": "m", "channels": [{"site": "no"}]}, 400, "invalid_field", "channels[0].site"),
        ("/routes", {"model": "m", "channels": []}, 400, "invalid_field", "channels"),
        ("/explain", {}, 400, "invalid_field", "model"),
        ("/explain", {"model": "m", "key": "no-such-key"}, 400, "invalid_field", "key"),
    ])
    def test_a_bad_body_names_the_field(self, running, path, body, status, code, field):
        refused(running.admin.post(path, json=body), status, code, field)

    def test_a_body_that_is_no_object(self, running):
        for body in ("", "{", "[]", "null", '{"name":"a","name":"b"}'):
            answer = running.admin.post("/sites", content=body)
            assert answer.status_code == 400 and answer.json()["error"]["code"] == "invalid_body"

    def test_other_methods_and_paths(self, running):
        answer = running.admin.put("/sites", json={})
        refused(answer, 405, "method_not_allowed")
        assert set(answer.headers["allow"].split(", ")) >= {"GET", "POST"}
        refused(running.admin.get("/nothing"), 404, "not_found")
        refused(running.admin.get("/requests", params={"limit": 0}), 400, "invalid_field", "limit")
        assert running.admin.get("/requests", params={"zzz": 1}).status_code == 400


@pytest.fixture(scope="module")
def rows(running):
    """A mixture of requests: kinds, models, keys, failures; and their rows once all are there."""
    client, narrow = running.openai(), running.openai("sk-client-narrow-9")
    ids = []
    for index in range(12):
        model = ("gpt-4o-mini", "gpt-4o", "shared")[index % 3]
        raw = (narrow if index % 4 == 0 and model == "gpt-4o" else client).chat.completions.with_raw_response.create(
            model=model, messages=[{"role": "user", "content": "say " + "word " * (index + 1)}], stream=index % 2 == 0,
            **({"stream_options": {"include_usage": True}} if index % 4 == 0 else {}))
        if index % 2 == 0:
            for _ in raw.parse():
                pass
        ids.append(raw.headers["x-request-id"])
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="gpt-4o-mini", messages=USER, extra_body={"zzz": 1})
    ids.append(caught.value.response.headers["x-request-id"])
    for request_id in ids:
        running.row(request_id)
    time.sleep(0.5)
    return running.request_rows(), ids


class TestRequests:
    def test_a_row_has_the_fields_of_the_contract(self, running, rows):
        listed, ids = rows
        by_id = {row["id"]: row for row in listed}
        assert len(by_id) == len(listed) and set(ids) <= set(by_id)
        assert all(ROW_FIELDS <= set(row) for row in listed)
        row = by_id[ids[0]]
        assert (row["key"], row["model"], row["account"], row["upstream_model"], row["status"], row["attempts"]) == (
            "dev", "gpt-4o-mini", f"{row['site']}/main", "gpt-4o-mini", 200, 1)
        assert (row["stream"], row["client_format"], row["upstream_format"]) == (True, "openai.chat", "openai.chat")
        assert 0 <= row["first_token_ms"] <= row["latency_ms"]
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", row["time"])
        detail = running.admin.get(f"/requests/{ids[0]}").json()
        assert {name: detail[name] for name in row} == row and detail["attempt_list"][0]["status"] == 200
        failed = by_id[ids[-1]]
        assert (failed["status"], failed["outcome"], failed["cost_usd"]) == (400, "failed", 0)

    def test_cost_is_tokens_times_price(self, rows):
        prices = {"gpt-4o-mini": (0.15, 0.6, 0.075), "gpt-4o": (2.5, 10, 2.5)}
        checked = 0
        for row in rows[0]:
            if row["outcome"] == "completed" and row["model"] in prices:
                plain, output, cached = prices[row["model"]]
                assert row["cached_tokens"] == 3
                cost = ((row["input_tokens"] - 3) * plain + row["output_tokens"] * output + 3 * cached) / 1e6
                assert math.isclose(row["cost_usd"], cost, rel_tol=1e-9)
                checked += 1
        assert checked >= 8

    def test_pages_and_filters(self, running, rows):
        listed, _ = rows
        paged, cursor = [], None
        while True:
            page = running.admin.get("/requests", params={"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
            assert len(page["data"]) <= 3
            paged += page["data"]
            cursor = page["next"]
            if cursor is None:
                break
        assert paged == listed
        assert [row["time"] for row in paged] == sorted((row["time"] for row in paged), reverse=True)
        for name in ("key", "model", "site", "account", "outcome", "status"):
            for value in {row[name] for row in listed}:
                if value == "":
                    continue
                found = running.request_rows(**{name: value})
                assert found == [row for row in listed if row[name] == value], (name, value)
        middle = listed[len(listed) // 2]["time"]
        since, until = running.request_rows(since=middle), running.request_rows(until=middle)
        assert since + until == listed

    def test_usage_is_the_sum_of_the_rows(self, running, rows):
        listed, _ = rows
        for group in ("key", "model", "site"):
            sums = running.admin.get("/usage", params={"group_by": group}).json()["data"]
            assert {entry[group] for entry in sums} == {row[group] for row in listed}
            for entry in sums:
                part = [row for row in listed if row[group] == entry[group]]
                assert entry["requests"] == len(part)
                assert entry["failures"] == sum(row["outcome"] not in ("completed", "cancelled") for row in part)
                for name in ("input_tokens", "output_tokens", "cached_tokens"):
                    assert entry[name] == sum(row[name] or 0 for row in part)
                assert math.isclose(entry["cost_usd"], sum(row["cost_usd"] for row in part), abs_tol=1e-9)


class TestExplain:
    def explain(self, running, **body):
        answer = running.admin.post("/explain", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def test_every_candidate_is_named_with_a_reason(self, running):
        told = self.explain(running, model="shared", key="dev")
        assert (told["outcome"], told["key"], told["route"]["source"]) == ("routed", "dev", "file")
        reasons = {candidate["channel"]: candidate["reason"] for candidate in told["candidates"]}
        assert reasons == {
            "alpha/main:gpt-4o-mini": "taken", "second/main:gpt-4o-mini": "taken",
            "resting/main:gpt-4o-mini": "site_disabled", "alpha/main:gpt-4o-2024-08-06": "weight_zero"}
        assert all(candidate["sentence"].endswith(".") for candidate in told["candidates"])
        taken = [candidate for candidate in told["candidates"] if candidate["taken"]]
        assert [candidate["position"] for candidate in taken] == [1, 2]
        assert {candidate["site"]: candidate["share"] for candidate in taken} == {"alpha": 0.75, "second": 0.25}
        for candidate in told["candidates"]:
            assert {"priority", "weight", "price", "cooling", "formats", "in_flight"} <= set(candidate)
            assert candidate["taken"] == (candidate["position"] is not None)

    def test_the_key_may_be_given_by_its_text_and_may_not_be_allowed(self, running):
        assert self.explain(running, model="shared", key=KEY)["key"] == "dev"
        assert self.explain(running, model="shared", key="narrow")["outcome"] == "model_not_allowed"
        assert self.explain(running, model="no-such-model")["outcome"] == "unknown_model"

    def test_a_channel_that_rests_says_why(self, tmp_path, upstream):
        running = Running(tmp_path, openai_site(upstream.url, "wrong", "sk-not-accepted"))
        try:
            running.gateway.wait_ready(running.admin_port)
            with pytest.raises(openai.APIStatusError):
                running.openai().chat.completions.create(model="gpt-4o-mini", messages=USER)
            told = self.explain(running, model="gpt-4o-mini")
            assert told["outcome"] == "cooling"
            assert told["retry_after_ms"] is None or told["retry_after_ms"] > 0
            [candidate] = told["candidates"]
            assert (candidate["reason"], candidate["taken"]) == ("cooling", False)
            assert (candidate["cooling"]["party"], candidate["cooling"]["fault"]) == ("credential", "credential")
            assert candidate["failures"] == 1
        finally:
            running.stop()


class TestSecrets:
    def test_no_answer_contains_one(self, running, upstream, document):
        admin = running.admin
        site = {"name": "secretive", "platform": "openai", "base_url": upstream.url,
                "headers": [{"name": "x-extra", "value": SECRETS[2]}]}
        account = {"site": "secretive", "name": "main", "models": ["gpt-4o-mini"],
                   "credential": {"kind": "api_key", "api_key": SECRETS[1]}}
        token = {"site": "secretive", "account": "main", "name": "one", "key": SECRETS[3]}
        told = [made(admin.post(f"/{name}", json=body)) for name, body in (
            ("sites", site), ("accounts", account), ("tokens", token))]
        try:
            told.append(admin.post("/explain", json={"model": "gpt-4o-mini", "key": KEY}).json())
            told.append(admin.post("/accounts", json={**account, "credential": {
                "kind": "api_key", "api_key": SECRETS[1], "more": SECRETS[3]}}).json())
            pages = 0
            for path, item in document["paths"].items():
                if "get" not in item or "{" in path:
                    continue
                answer = httpx.get(f"http://127.0.0.1:{running.admin_port}{path}", headers=admin.headers)
                told.append(answer.text)
                data = answer.json().get("data", []) if "json" in answer.headers["content-type"] else []
                for entry in data:
                    if "id" in entry and f"{path}/{{id}}" in document["paths"]:
                        told.append(admin.get(f"{path.removeprefix('/api/v1')}/{entry['id']}").text)
                        pages += 1
            assert pages > 15
            everything = json.dumps(told)
            for secret in SECRETS:
                assert secret not in everything
            log = running.gateway.log.read_text()
            for secret in SECRETS:
                assert secret not in log
            data = running.gateway.directory / "data"
            stored = b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())
            for secret in SECRETS:
                assert secret.encode() not in stored
        finally:
            assert admin.delete("/sites/secretive").status_code == 204


class TestMetrics:
    SAMPLE = re.compile(
        r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
        r'(?:,[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*")*\})? (-?\d+(\.\d+)?([eE][-+]?\d+)?|NaN|[+-]Inf)')
    TYPE = re.compile(r"# TYPE (\S+) (counter|gauge|histogram|summary|untyped)")
    HELP = re.compile(r"# HELP (\S+) \S.*")

    def test_they_parse(self, running, rows):
        answer = httpx.get(f"http://127.0.0.1:{running.admin_port}/metrics")
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert answer.text.endswith("\n")
        types, seen = {}, set()
        for line in answer.text.splitlines():
            if line.startswith("#"):
                if found := self.TYPE.fullmatch(line):
                    assert found[1] not in types, line
                    types[found[1]] = found[2]
                else:
                    assert self.HELP.fullmatch(line), line
                continue
            assert self.SAMPLE.fullmatch(line), line
            series = line.rsplit(" ", 1)[0]
            assert series not in seen, line
            seen.add(series)
            name = series.split("{")[0]
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            assert name in types or types.get(base) in ("histogram", "summary"), line
        assert all(name.startswith(("patchbay_", "process_")) for name in types)
        listed, _ = rows
        counted = sum(float(line.rsplit(" ", 1)[1]) for line in answer.text.splitlines()
                      if re.match(r"patchbay_requests_total[ {]", line))
        assert counted >= len(listed)
