"""The fakes' checks of what they get see errors: every body of the matrix, broken in one place, is refused.

The bodies are those that the gateway wrote for clients of all formats, so a check that lets one of these breaks pass would
let the gateway's own mistakes pass.
"""

import copy

import pytest
from dialects import CLIENTS, MODELS, PNG_TEXT, UPSTREAMS
from fakes.gemini_api import FREE

# Documents of the client or of a tool, in which every member is allowed, and words that may be any text.
OPEN = FREE | {"metadata", "input_schema", "schema", "input", "properties"}


def paths(value, path=()):
    """Every place in a document, except those inside of open ones."""
    yield path, value
    if isinstance(value, dict):
        for name, member in value.items():
            if name not in OPEN or isinstance(member, list):
                yield from paths(member, (*path, name))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from paths(member, (*path, index))


def changed(body, path, change):
    copied = copy.deepcopy(body)
    node = copied
    for step in path[:-1]:
        node = node[step]
    if path:
        node[path[-1]] = change(node[path[-1]])
        return copied
    return change(copied)


def breaks(body):
    """The body with one unknown member, with one value of another type: one of each for every place."""
    for path, value in paths(body):
        if isinstance(value, dict):
            yield (*path, "+"), changed(body, path, lambda node: {**node, "noSuchMember": 1})
        if isinstance(value, (str, bool, int, float)):
            yield path, changed(body, path, lambda node: {"no": "such type"})


@pytest.fixture(params=MODELS)
def upstream(request):
    return request.param


@pytest.fixture(params=CLIENTS)
def client(request, gateway):
    return CLIENTS[request.param](gateway)


def problem(fake, upstream, body):
    return fake.problem(body, "2023-06-01") if upstream == "anthropic.messages" else fake.problem(body)


def test_every_break_of_a_body_is_seen(request, gateway, client, upstream):
    fake = request.getfixturevalue(UPSTREAMS[upstream])
    history = client.user("think it over then call weather {}; call clock {}", image=PNG_TEXT)
    options = {"tools": ("weather", "clock"), "reasoning": True, "system": "Be brief."}
    first = client.ask(False, MODELS[upstream], history, **options)
    client.ask(False, MODELS[upstream], client.follow(history, first, ["sunny", "noon"]), **options)
    body = fake.records.last()[1]
    assert problem(fake, upstream, body) is None
    tried = 0
    for path, broken in breaks(body):
        tried += 1
        assert problem(fake, upstream, broken) is not None, f"{path} was let pass in {broken}"
    assert tried > 40
