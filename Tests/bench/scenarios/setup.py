"""What several scenarios set up in the same way."""

import subprocess

import documents
import proxies
from lab import configuration, free_port, site
from measure import Target

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
KEY_LIMITS = """
  - { name: bench, key: sk-bench-client-key, models: ["*"], limits: { rpm: 100000000, tpm: 100000000000, concurrency: 100000 } }"""


def answers():
    return {"/plain": ("application/json", documents.chat_answer()),
            "/stream": ("text/event-stream", documents.chat_stream()),
            "/messages-plain": ("application/json", documents.messages_answer()),
            "/messages-stream": ("text/event-stream", documents.messages_stream())}


def understands(lab, text):
    """Whether this build accepts a configuration."""
    path = lab.file("probe.yaml", text)
    return subprocess.run([lab.binary, "check-config", path], capture_output=True).returncode == 0


def gateway(lab, name, sites, *, loops=1, environment=None):
    """A gateway whose key has limits where the build knows them; gives (port, process)."""
    port = free_port()
    text = configuration(port, sites, loops=loops)
    limited = text.replace('\n  - { name: bench, key: sk-bench-client-key, models: ["*"] }', KEY_LIMITS)
    assert limited != text
    if understands(lab, limited):
        text = limited
    elif not getattr(lab, "said_limits", False):
        lab.said_limits = True
        print("  (this build knows no limits of keys: measured without)", flush=True)
    return port, lab.gateway(name, text, port, environment=environment)


def pair(lab, upstream, prefix, *, loops=1, name=""):
    """The gateway and nginx in front of one path of the upstream."""
    port, process = gateway(lab, f"gateway{name}{prefix.replace('/', '-')}",
                            [site("alpha", f"http://127.0.0.1:{upstream}{prefix}")], loops=loops)
    nginx_port, nginx = proxies.proxy(lab, upstream, workers=loops, name=f"proxy{name}{prefix.replace('/', '-')}")
    return [Target("gateway", process, port, CHAT), Target("nginx", nginx, nginx_port, prefix + CHAT)]


def direct(upstream, prefix):
    return Target("direct", None, upstream, prefix + CHAT)
