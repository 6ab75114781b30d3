"""SIGKILL at a random moment under load, fifty times on the same data directory: nothing lost, nothing twice.

What is proven. Each of sixteen clients has a key of its own and each run of the gateway a model name of its own, and a
client sends one request after the other; so every row of the ledger belongs to one client in one run. Requests are
numbered, and the upstream reports the number as output tokens, so that rows, upstream answers and client responses are
compared one by one:

  1. No request id occurs twice in the ledger.
  2. Each response a client received completely has exactly one row, found by its x-request-id: completed, status 200,
     with the tokens of the answer.
  3. Each answer the upstream has begun, received by the client or not, has exactly one row: those the client knows the
     id of by that id; and where the head of the answer had not come when the gateway was killed, which is at most one
     request per client and run, by client and run.
  4. Every row that tells tokens tells those of an answer that the upstream gave, and no answer is told by two rows; the
     completed rows are a part of the answers given, so their sums agree.
  5. There is no row that no client has asked for.
  6. The sums of /usage are the sums of the rows, by key, model and site.
  7. All of that stays as it is over another stop and start.
"""

import os
import random
import time
from collections import Counter, defaultdict

import httpx
import pytest
from gateway import ADMIN_TOKEN, Gateway, configuration, steady_port
from load import CACHED_TOKENS, INPUT_TOKENS, NumberedUpstream, Worker

ROUNDS = int(os.environ.get("PATCHBAY_CRASHES", "50"))
CLIENTS = 16
SEED = int(os.environ.get("PATCHBAY_CRASH_SEED", "20251121"))
UNFINISHED = {"interrupted", "cancelled", "truncated"}


def site(url):
    models = ", ".join(f"{{ upstream: gpt-4o-mini, as: run-{index} }}" for index in range(ROUNDS))
    return f"""  - name: alpha
    platform: openai
    base_url: {url}
    accounts:
      - name: main
        credential: {{ kind: api_key, api_key: sk-upstream-1 }}
        models: [{models}]
"""


class Campaign:
    """All runs of one gateway, with what its clients saw."""

    def __init__(self, directory):
        self.upstream = NumberedUpstream(SEED)
        self.random = random.Random(SEED)
        self.port, self.admin_port = steady_port(), steady_port()
        keys = "\n  ".join(f'- {{ name: client-{index}, key: sk-crash-client-{index}, models: ["*"] }}'
                           for index in range(CLIENTS))
        text = configuration(site(self.upstream.url), self.port, self.admin_port, keys=keys)
        self.gateway = Gateway(directory, text, environment={"PATCHBAY_LOG_LEVEL": "warning"})
        self.sent = []

    def crash(self, index):
        self.gateway.start().wait_ready(self.port)
        workers = [Worker(self.port, f"sk-crash-client-{number}", f"run-{index}", number, index,
                          self.random.getrandbits(32)) for number in range(CLIENTS)]
        for worker in workers:
            worker.start()
        time.sleep(self.random.uniform(0.02, 0.6))
        self.gateway.kill()
        for worker in workers:
            worker.join(30)
            assert not worker.is_alive()
            self.sent += worker.sent

    def rows(self):
        """All rows and their sums, once no more are added. Rows of all that the upstream has received are waited for,
        but not for ever: what is missing then is lost."""
        expected = len(self.upstream.received_numbers())
        with httpx.Client(base_url=f"http://127.0.0.1:{self.admin_port}/api/v1", timeout=20,
                          headers={"authorization": f"Bearer {ADMIN_TOKEN}"}) as admin:
            before, deadline = None, time.monotonic() + 90
            patience = time.monotonic() + 45
            while True:
                rows, cursor = [], None
                while True:
                    page = admin.get("/requests", params={"limit": 500, **({"cursor": cursor} if cursor else {})})
                    assert page.status_code == 200, page.text
                    rows += page.json()["data"]
                    cursor = page.json()["next"]
                    if not cursor:
                        break
                if before == rows and (len(rows) >= expected or time.monotonic() > patience):
                    return rows, {group: admin.get("/usage", params={"group_by": group}).json()["data"]
                                  for group in ("key", "model", "site")}
                assert time.monotonic() < deadline, "the ledger does not come to rest"
                before = rows
                time.sleep(1.5)


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    campaign = Campaign(tmp_path_factory.mktemp("crash"))
    try:
        for index in range(ROUNDS):
            campaign.crash(index)
        campaign.gateway.start().wait_ready(campaign.port).wait_ready(campaign.admin_port)
        campaign.listed, campaign.usage = campaign.rows()
        yield campaign
    finally:
        campaign.gateway.stop()
        campaign.upstream.stop()


@pytest.fixture(scope="module")
def by_id(campaign):
    return {row["id"]: row for row in campaign.listed}


def test_the_load_was_a_load(campaign):
    complete = sum(request.complete for request in campaign.sent)
    cut = sum(not request.complete and not request.abandoned for request in campaign.sent)
    print(f"\n{ROUNDS} kills: {len(campaign.sent)} requests sent, {complete} received completely, {cut} cut off, "
          f"{len(campaign.upstream.answered_numbers())} answered by the upstream, {len(campaign.listed)} rows "
          f"{dict(Counter(row['outcome'] for row in campaign.listed))}")
    assert {request.status for request in campaign.sent} <= {200, None}
    assert complete > 10 * ROUNDS and cut > 4 * ROUNDS
    assert any(request.stream and request.request_id and not request.complete and not request.abandoned
               for request in campaign.sent), "no stream was killed in the middle"


def test_no_request_is_in_the_ledger_twice(campaign):
    twice = [name for name, count in Counter(row["id"] for row in campaign.listed).items() if count > 1]
    assert twice == []
    # Of answers that were cut off before their usage came there is an estimate, which is no number of the upstream.
    numbers = Counter(row["output_tokens"] for row in campaign.listed
                      if row["output_tokens"] is not None and not row["estimated"])
    assert [number for number, count in numbers.items() if count > 1] == []


def test_every_response_received_has_its_row(campaign, by_id):
    problems = []
    for request in campaign.sent:
        if not request.complete:
            continue
        row = by_id.get(request.request_id)
        if row is None:
            problems.append(("lost", request))
            continue
        tokens = (row["input_tokens"], row["output_tokens"], row["cached_tokens"])
        expected = (INPUT_TOKENS, request.number, CACHED_TOKENS)
        place = (row["key"], row["model"], row["stream"], row["site"], row["upstream_model"])
        if (row["outcome"], row["status"]) != ("completed", 200):
            problems.append((row["outcome"], row["status"], request))
        elif tokens != expected or request.tokens not in (None, expected):
            problems.append((tokens, expected, request))
        elif place != (f"client-{request.worker}", f"run-{request.round}", request.stream, "alpha", "gpt-4o-mini"):
            problems.append((place, request))
    assert problems == []


def test_every_answer_of_the_upstream_has_its_row(campaign, by_id):
    answers = set(campaign.upstream.answered_numbers())
    assert len(answers) == len(campaign.upstream.answered_numbers()), "the gateway asked twice for one request"
    received = set(campaign.upstream.received_numbers())
    known = {request.request_id for request in campaign.sent if request.request_id}
    unknown = defaultdict(list)
    for row in campaign.listed:
        if row["id"] not in known:
            unknown[row["key"], row["model"]].append(row)
    problems = []
    for request in campaign.sent:
        if request.request_id:
            if request.request_id not in by_id:
                problems.append(("lost", request))
            continue
        rows = unknown.pop((f"client-{request.worker}", f"run-{request.round}"), [])
        if len(rows) > 1 or request.number in received and not rows:
            problems.append((rows, request))
    assert problems == []
    assert not unknown, "rows that no client has asked for"
    assert received >= answers and len(campaign.listed) >= len(received)


def test_rows_agree_with_the_answers(campaign, by_id):
    requests = {request.request_id: request for request in campaign.sent if request.request_id}
    by_number = {request.number: request for request in campaign.sent}
    answers = {facts["output"]: facts for facts in campaign.upstream.records.answered}
    completed = [row for row in campaign.listed if row["outcome"] == "completed"]
    for row in campaign.listed:
        assert row["outcome"] in UNFINISHED | {"completed"}, row
        request = requests.get(row["id"])
        if row["output_tokens"] is None or row["estimated"]:
            assert row["outcome"] in UNFINISHED, row
            continue
        facts = answers[row["output_tokens"]]
        assert (facts["input"], facts["stream"]) == (row["input_tokens"], row["stream"])
        assert request is None or request.number == row["output_tokens"]
        sender = by_number[row["output_tokens"]]
        assert (row["key"], row["model"]) == (f"client-{sender.worker}", f"run-{sender.round}")
    told = {row["output_tokens"] for row in completed}
    assert sum(row["input_tokens"] for row in completed) == sum(answers[number]["input"] for number in told)
    assert sum(row["output_tokens"] for row in completed) == sum(answers[number]["output"] for number in told)
    clients = {request.number for request in campaign.sent if request.complete}
    assert clients <= told <= set(answers)


def test_usage_is_the_sum_of_the_rows(campaign):
    for group, sums in campaign.usage.items():
        names = {entry[group] for entry in sums}
        assert len(names) == len(sums) and names == {row[group] for row in campaign.listed}
        for entry in sums:
            rows = [row for row in campaign.listed if row[group] == entry[group]]
            assert entry["requests"] == len(rows)
            assert entry["failures"] == sum(row["outcome"] not in ("completed", "cancelled") for row in rows)
            for name in ("input_tokens", "output_tokens", "cached_tokens"):
                assert entry[name] == sum(row[name] or 0 for row in rows), (group, entry, name)


def test_another_start_changes_nothing(campaign):
    before = {row["id"]: row for row in campaign.listed}
    campaign.gateway.stop()
    campaign.gateway.start().wait_ready(campaign.port).wait_ready(campaign.admin_port)
    rows, usage = campaign.rows()
    assert {row["id"]: row for row in rows} == before and len(rows) == len(before)
    assert usage == campaign.usage
