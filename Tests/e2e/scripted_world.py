"""A gateway in front of an upstream that plays scripts."""

import itertools
import re
import time

from fakes.scripted import ScriptedUpstream
from gateway import Running

PLATFORMS = {"chat": "openai", "messages": "anthropic", "responses": "openai"}
ALL_PLATFORMS = {**PLATFORMS, "gemini": "gemini"}


def site(upstream, name, platform, model):
    formats = "\n    formats: [openai.responses]" if name.startswith("responses-") else ""
    return f"""  - name: {name}
    platform: {platform}
    base_url: {upstream.url(name)}{formats}
    accounts: [ {{ name: main, credential: {{ kind: api_key, api_key: sk-scripted-1 }}, models: [{model}] }} ]
"""


class World:
    """One gateway with a fresh site for every test, so that no test suffers from the cool-down of another.

    The site `chat-N` serves `model-chat-N`; `spared-chat-N` is served by it and, when it fails, by the site `spare`.
    """

    def __init__(self, directory, sites=200, options="", keys=None, platforms=PLATFORMS):
        self.upstream = ScriptedUpstream()
        self.numbers = {name: itertools.count() for name in platforms}
        names = [(name, number) for name in platforms for number in range(sites)]
        text = "".join(
            site(self.upstream, f"{name}-{number}", platforms[name], f"model-{name}-{number}") for name, number in names)
        routes = "".join(
            f"  - {{ model: spared-{name}-{number}, channels: [ {{ site: {name}-{number}, account: main, priority: 0 }}, "
            f"{{ site: spare, account: main, priority: 1 }} ] }}\n" for name, number in names)
        # A site that is alone is tried again after a pause; the tests of that are elsewhere.
        options += "retry: { backoff: { base: 1ms, max: 20ms } }, "
        self.running = Tuned(
            directory, text + site(self.upstream, "spare", "openai", "spare"), "routes:\n" + routes, options, keys)

    def stop(self):
        self.running.stop()
        self.upstream.stop()

    def fresh(self, format_name):
        """The name of a site that no test has used."""
        return f"{format_name}-{next(self.numbers[format_name])}"

    def last_row(self, model):
        """The ledger's record of the last request for a model, once it is there."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            rows = self.running.request_rows(model=model)
            if rows:
                return rows[0]
            time.sleep(0.05)
        raise AssertionError(f"no row for {model}")

    def resident(self):
        """Memory of the gateway in MiB."""
        with open(f"/proc/{self.running.gateway.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) / 1024


class Tuned(Running):
    """A gateway with more members in the `gateway` section of its configuration."""

    def __init__(self, directory, sites, extra, options, keys=None):
        self.options = options
        super().__init__(directory, sites, extra, keys)

    def configure(self, text):
        return text.replace("gateway: { listen", f"gateway: {{ {self.options}listen")
