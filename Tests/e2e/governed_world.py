"""A gateway whose sites, keys and routes have settings of their own, in front of an upstream that plays scripts."""

import re
import time

import httpx
from fakes.scripted import ScriptedUpstream
from gateway import Running

PLATFORMS = {"chat": "openai", "messages": "anthropic"}


class Governed(Running):
    """Sites by name, each with one account and the model of the same name unless the text says otherwise.

    `sites` maps a name to further members of the site; a name that begins with `messages` speaks Messages. `spare` is a
    site that every route of `routed` falls back to.
    """

    def __init__(self, directory, sites, keys=None, settings="", routes="", gateway=""):
        self.upstream = ScriptedUpstream()
        self.gateway_options = gateway
        text = "".join(self.site(name, options) for name, options in sites.items())
        extra = settings + ("\nroutes:\n" + routes if routes else "")
        super().__init__(directory, text, extra, keys)

    def site(self, name, options):
        platform = PLATFORMS[name.split("-")[0]] if name.split("-")[0] in PLATFORMS else "openai"
        accounts = "" if "accounts:" in options else (
            f"    accounts: [ {{ name: main, credential: {{ kind: api_key, api_key: sk-scripted-1 }}, models: [{name}] }} ]\n")
        members = "".join(f"    {line}\n" for line in options.strip().splitlines())
        return (f"  - name: {name}\n    platform: {platform}\n    base_url: {self.upstream.url(name)}\n"
                + accounts + members)

    def configure(self, text):
        return text.replace("gateway: { listen", f"gateway: {{ {self.gateway_options}listen")

    def stop(self):
        super().stop()
        self.upstream.stop()

    def play(self, name, *steps):
        self.upstream.play(name, *steps)
        return name

    def play_each(self, name, *scripts):
        self.upstream.play_in_turn(name, *scripts)
        return name

    def calls(self, name):
        return len(self.upstream.calls(name))

    def last_row(self, model):
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            rows = self.request_rows(model=model)
            if rows:
                return rows[0]
            time.sleep(0.05)
        raise AssertionError(f"no row for {model}")

    def metric(self, name, **labels):
        """The sum of the samples of a metric whose labels fit."""
        text = httpx.get(f"http://127.0.0.1:{self.admin_port}/metrics").text
        total = 0.0
        for line in text.splitlines():
            found = re.match(r"(\w+)(?:\{(.*)\})? (\S+)$", line)
            if found and found[1] == name:
                have = dict(re.findall(r'(\w+)="([^"]*)"', found[2] or ""))
                if all(have.get(label) == value for label, value in labels.items()):
                    total += float(found[3])
        return total

    def explain(self, model, key=None, format="openai.chat"):
        answer = self.admin.post("/explain", json={"model": model, "key": key, "format": format})
        assert answer.status_code == 200, answer.text
        return answer.json()


def key(name, **limits):
    inner = ", ".join(f"{limit}: {value}" for limit, value in limits.items() if limit != "group")
    group = f", group: {limits['group']}" if "group" in limits else ""
    return f'- {{ name: {name}, key: sk-{name}-0123456789{group}, limits: {{ {inner} }} }}'


def secret(name):
    return f"sk-{name}-0123456789"
