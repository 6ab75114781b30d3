from importlib.util import find_spec

import pytest
from fakes.anthropic_api import AnthropicUpstream
from fakes.gemini_api import GeminiUpstream
from fakes.openai_api import OpenAIUpstream
from fakes.responses_api import ResponsesUpstream
from gateway import Running, anthropic_site, gemini_site, openai_site, responses_site
from raw_client import RawClient

# Frameworks live in environments of their own (Tests/support/clients.sh).
collect_ignore = [name for name, module in (
    ("test_frameworks.py", "langchain_openai"), ("test_frameworks_previous.py", "litellm")) if not find_spec(module)]


@pytest.fixture(scope="session")
def openai_upstream():
    upstream = OpenAIUpstream()
    yield upstream
    upstream.stop()


@pytest.fixture(scope="session")
def anthropic_upstream():
    upstream = AnthropicUpstream()
    yield upstream
    upstream.stop()


@pytest.fixture(scope="session")
def gemini_upstream():
    upstream = GeminiUpstream()
    yield upstream
    upstream.stop()


@pytest.fixture(scope="session")
def responses_upstream():
    upstream = ResponsesUpstream()
    yield upstream
    upstream.stop()


@pytest.fixture(scope="session")
def gateway(tmp_path_factory, openai_upstream, anthropic_upstream, gemini_upstream, responses_upstream):
    sites = openai_site(openai_upstream.url) + anthropic_site(anthropic_upstream.url)
    sites += gemini_site(gemini_upstream.url) + responses_site(responses_upstream.url)
    running = Running(tmp_path_factory.mktemp("gateway"), sites)
    yield running
    running.stop()


@pytest.fixture
def client(world):
    """A raw connection to the gateway of the module's `world`."""
    with RawClient(world.running.port) as client:
        yield client
