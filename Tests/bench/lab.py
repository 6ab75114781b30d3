"""The laboratory of one run: a directory, the small tools compiled from tools/, and the processes that are compared."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
KEY = "sk-bench-client-key"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process=None, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            if process and process.poll() is not None:
                break
            time.sleep(0.02)
    raise SystemExit(f"nothing listens on port {port}")


class Lab:
    """Use as a context: processes are ended and the directory removed at its end."""

    def __init__(self, gateway=None):
        self.work = Path(tempfile.mkdtemp(prefix="patchbay-bench-"))
        self.binary = Path(gateway or ROOT / ".build/release/patchbay").resolve()
        self.processes = []
        self.files = {}

    def __enter__(self):
        (self.work / "tools").mkdir()
        for name in ("load", "upstream"):
            subprocess.run(["cc", "-O2", "-o", self.work / "tools" / name, HERE / "tools" / f"{name}.c"], check=True)
        return self

    def __exit__(self, *_):
        for process in self.processes:
            self.end(process)
        shutil.rmtree(self.work, ignore_errors=True)

    def end(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def directory(self, name):
        path = self.work / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def file(self, name, content):
        path = self.work / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def start(self, arguments, log, environment=None):
        out = open(self.work / f"{log}.log", "ab")
        process = subprocess.Popen([str(part) for part in arguments], stdout=out, stderr=subprocess.STDOUT,
                                   env=dict(os.environ, **(environment or {})), cwd=self.work)
        self.processes.append(process)
        return process

    def upstream(self, answers):
        """The cheap upstream; `answers` maps a path prefix to (content type, bytes). Gives its port."""
        port = free_port()
        arguments = [f"{prefix}={kind}={self.file('answer' + prefix.replace('/', '-'), body)}"
                     for prefix, (kind, body) in answers.items()]
        wait_for(port, self.start([self.work / "tools/upstream", port, *arguments], "upstream"))
        return port

    def gateway(self, name, text, port, wrapper=(), binary=None, environment=None):
        """Starts a gateway with a configuration; gives its process when it listens."""
        directory = self.directory(name)
        path = self.file(f"{name}/patchbay.yaml", text)
        process = self.start([*wrapper, binary or self.binary, "serve", "--config", path, "--data", directory / "data"],
                             name, environment)
        try:
            wait_for(port, process)
        except SystemExit:
            raise SystemExit(f"the gateway did not start:\n{(self.work / f'{name}.log').read_text()}") from None
        return process

    def load(self, port, path, body, *, at_begin=None, at_end=None, key=KEY, **options):
        """Runs the load generator; the two functions are called at the moments between which is measured."""
        arguments = [f"{name}={value}" for name, value in options.items() if value is not None]
        generator = subprocess.Popen(
            [self.work / "tools/load", str(port), path, str(body), *arguments, f"header=authorization: Bearer {key}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            for word, moment in (("begin", at_begin), ("end", at_end)):
                line = generator.stdout.readline().strip()
                if line != word:
                    raise SystemExit(f"the load generator said {line!r} instead of {word!r}")
                if moment:
                    moment()
                generator.stdin.write("\n")
                generator.stdin.flush()
            return json.loads(generator.stdout.readline())
        finally:
            generator.kill()
            generator.wait()


def site(name, base_url, *, platform="openai", formats=("openai.chat",), models=("bench-model",), more=""):
    return f"""
  - name: {name}
    platform: {platform}
    base_url: {base_url}
    formats: [{", ".join(formats)}]
    accounts: [ {{ name: main, credential: {{ kind: api_key, api_key: sk-upstream }}, models: [{", ".join(models)}] }} ]{more}"""


def configuration(port, sites, *, loops=1, keys="", routes="", more=""):
    """The configuration of the benchmark: one key with permissions, a price, the sites."""
    return f"""
gateway: {{ listen: "127.0.0.1:{port}", event_loops: {loops} }}
admin: {{ listen: "127.0.0.1:0", token: bench-admin-token-0123456789 }}
egress: {{ allow: ["127.0.0.0/8"] }}
prices: {{ bench-model: {{ input: 0.15, output: 0.6 }} }}
sites:{"".join(sites)}
keys:
  - {{ name: bench, key: {KEY}, models: ["*"] }}{keys}
{routes}{more}"""
