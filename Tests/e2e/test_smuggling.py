"""The smuggling corpus against Patchbay and against nginx: no two opinions on where a message ends.

Every case is followed on its connection by a marker request. Whoever takes the message for longer swallows the marker,
whoever takes it for shorter sees a request that nobody sent. Patchbay may refuse what nginx accepts; what both accept
ends at the same byte and has the same body. The same cases run against the parsers and NIO's decoder in
Tests/PatchbayWireTests.
"""

import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from gateway import KEY, Running, openai_site
from nginx import NGINX, Nginx

CORPUS = json.loads((Path(__file__).parents[1] / "corpus" / "smuggling.json").read_text())
CASES = {case["name"]: case for case in CORPUS}
ACCEPTED = [name for name, case in CASES.items() if case["refusal"] is None]
REFUSED = [name for name, case in CASES.items() if case["refusal"] is not None]
#: Marks the end of a message. Patchbay answers it by itself, nginx passes it on.
MARKER = b"GET /healthz HTTP/1.1\r\nHost: marker\r\n\r\n"
MARKER_ANSWER = b'{"status":"ok"}'


def exchange(port, data, seconds=1.0):
    """All that comes back within the time, the port it was sent from, and whether the peer closed the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(data)
        client.settimeout(seconds)
        answer = b""
        try:
            while part := client.recv(65536):
                answer += part
            return answer, client.getsockname()[1], True
        except TimeoutError:
            return answer, client.getsockname()[1], False
        except ConnectionResetError:
            return answer, client.getsockname()[1], True


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    running = Running(tmp_path_factory.mktemp("smuggling"), openai_site("http://127.0.0.1:9"))
    yield running
    running.stop()


def addressed(text):
    """The case sent where a body is really read: to an endpoint, with a key."""
    data = text.encode()
    for line in (b"POST / HTTP/1.1\r\nHost: a\r\n", b"POST / HTTP/1.0\r\n"):
        if data.startswith(line):
            head = line.replace(b"POST / ", b"POST /v1/chat/completions ")
            return head + b"X-Api-Key: " + KEY.encode() + b"\r\n" + data[len(line):]
    return data


@dataclass
class Opinions:
    """What came back from Patchbay, and what nginx passed on."""

    answers: bytes
    is_closed: bool
    recorded: list


@pytest.fixture(scope="module")
def opinions(tmp_path_factory, gateway):
    """Every case sent to both, many at a time."""
    nginx = Nginx(tmp_path_factory.mktemp("nginx")) if NGINX else None

    def ask(case):
        answers, _, is_closed = exchange(gateway.port, addressed(case["bytes"]) + MARKER)
        recorded = []
        if nginx:
            _, port, _ = exchange(nginx.port, case["bytes"].encode() + MARKER)
            recorded = nginx.upstream.records.get(port, [])
        return Opinions(answers, is_closed, recorded)

    try:
        with ThreadPoolExecutor(16) as pool:
            return dict(zip(CASES, pool.map(ask, CASES.values())))
    finally:
        if nginx:
            nginx.stop()


def statuses(answers):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)]


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_answered_once_and_nothing_follows(opinions, name):
    opinion = opinions[name]
    assert opinion.is_closed
    found = [status for status in statuses(opinion.answers) if status != 100]
    assert len(found) == 1 and (400 <= found[0] < 500 or found[0] in (501, 505))
    assert MARKER_ANSWER not in opinion.answers


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_accepted_ends_where_the_corpus_says(opinions, name):
    """The marker behind it is a request of its own. HTTP/1.0 ends with its answer."""
    opinion = opinions[name]
    found = [status for status in statuses(opinion.answers) if status != 100]
    if "HTTP/1.0\r\n" in CASES[name]["bytes"] and "keep-alive" not in CASES[name]["bytes"]:
        assert len(found) == 1 and opinion.is_closed
        return
    closes_after_refusal = len(found) == 1 and opinion.is_closed
    assert closes_after_refusal or (len(found) == 2 and opinion.answers.endswith(MARKER_ANSWER))


@pytest.mark.skipif(not NGINX, reason="nginx is not installed")
@pytest.mark.parametrize("name", ACCEPTED)
def test_nginx_sees_the_same_end_or_refuses(opinions, name):
    recorded = opinions[name].recorded
    if not recorded or recorded[0].target == "/healthz":
        assert len(recorded) <= 1, "nginx refused the message and went on"
        return
    assert recorded[0].body == CASES[name]["body"].encode()
    rest = [record.target for record in recorded[1:]]
    assert rest in ([], ["/healthz"]), "nothing but the marker follows"
    assert rest or "HTTP/1.0\r\n" in CASES[name]["bytes"]


@pytest.mark.skipif(not NGINX, reason="nginx is not installed")
def test_most_of_the_corpus_is_a_real_comparison(opinions):
    both = [name for name in ACCEPTED if opinions[name].recorded]
    laxer = [name for name in REFUSED if opinions[name].recorded]
    print(f"\n{len(CASES)} cases; accepted by both: {len(both)}; by nginx only: {len(laxer)}; "
          f"by Patchbay only: {len(ACCEPTED) - len(both)}: {sorted(set(ACCEPTED) - set(both))}")
    assert len(both) >= 40 and len(laxer) >= 10
