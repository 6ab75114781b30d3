"""What several scenarios set up in the same way."""

import subprocess

import documents
import proxies
from lab import configuration, free_port, site
from measure import Target

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
KEY_LIMITS = """
  - { name: bench, key: sk-bench-client-key, models: ["*"], limits: { rpm: 1000000000, tpm: 1000000000, concurrency: 100000 } }"""

CONNECTIONS = """
limits: { connections_per_address: 1000000 }
"""


def answers():
    return {"/plain": ("application/json", documents.chat_answer()),
            "/stream": ("text/event-stream", documents.chat_stream()),
            "/messages-plain": ("application/json", documents.messages_answer()),
            "/messages-stream": ("text/event-stream", documents.messages_stream())}


def understands(lab, text):
    """Whether this build accepts a configuration."""
    path = lab.file("probe.yaml", text)
    return subprocess.run([lab.binary, "check-config", path], capture_output=True).returncode == 0


def governed(lab, text):
    """The configuration with limits on the key, none of which is reached, and room for all connections of the load generator.

    What this build does not know is left out, and said so once.
    """
    limited = text.replace('\n  - { name: bench, key: sk-bench-client-key, models: ["*"] }', KEY_LIMITS)
    assert limited != text
    for candidate, missing in ((limited + CONNECTIONS, ""), (limited, "no limit of connections of an address"),
                               (text, "no limits of keys: measured without")):
        if understands(lab, candidate):
            break
    if missing and not getattr(lab, "said_missing", False):
        lab.said_missing = True
        print(f"  (this build knows {missing})", flush=True)
    return candidate


def gateway(lab, name, sites, *, loops=1, environment=None):
    """A gateway with one key; gives (port, process)."""
    port = free_port()
    text = governed(lab, configuration(port, sites, loops=loops))
    return port, lab.gateway(name, text, port, environment=environment)


def pair(lab, upstream, prefix, *, loops=1, name=""):
    """The gateway and nginx in front of one path of the upstream."""
    port, process = gateway(lab, f"gateway{name}{prefix.replace('/', '-')}",
                            [site("alpha", f"http://127.0.0.1:{upstream}{prefix}")], loops=loops)
    nginx_port, nginx = proxies.proxy(lab, upstream, workers=loops, name=f"proxy{name}{prefix.replace('/', '-')}")
    return [Target("gateway", process, port, CHAT), Target("nginx", nginx, nginx_port, prefix + CHAT)]


def direct(upstream, prefix):
    return Target("direct", None, upstream, prefix + CHAT)
