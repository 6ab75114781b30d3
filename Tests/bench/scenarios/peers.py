"""A peer in the same run: LiteLLM's proxy from PyPI, with one worker, a key and no database."""

import os
import subprocess
import sys

import documents
from lab import KEY, ROOT, free_port, wait_for
from measure import Target, microseconds, private_kilobytes, ratios, rounds, run
from report import Figure

from . import setup

VENV = ROOT / ".build/peers-venv"


def install():
    """LiteLLM in an environment of its own; gives its program, or a sentence that says why not."""
    program = VENV / "bin/litellm"
    if program.exists():
        return program, ""
    try:
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True, capture_output=True)
        subprocess.run([VENV / "bin/pip", "install", "-q", "-r", ROOT / "Tests/bench/peers.txt"], check=True,
                       capture_output=True)
    except subprocess.CalledProcessError as error:
        return None, "LiteLLM cannot be installed here: " + error.stderr.decode(errors="replace").strip()[-200:]
    return program, ""


def start(lab, program, upstream):
    port = free_port()
    path = lab.file("litellm.yaml", f"""
model_list:
  - model_name: bench-model
    litellm_params: {{ model: openai/bench-model, api_base: "http://127.0.0.1:{upstream}/plain/v1", api_key: sk-upstream }}
general_settings: {{ master_key: {KEY} }}
litellm_settings: {{ telemetry: false }}
""")
    process = lab.start([program, "--config", path, "--port", port, "--host", "127.0.0.1", "--num_workers", "1"], "litellm",
                        {"LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "PATH": f"{VENV}/bin:{os.environ['PATH']}"})
    wait_for(port, process, seconds=120)
    return Target("litellm", process, port, setup.CHAT)


def peers(lab, report, settings):
    program, problem = install()
    name = "CPU of a request, 1.5 KB, 16 connections"
    if not program:
        return report.add(Figure(f"LiteLLM: {name}", "x nginx", skipped=problem))
    upstream = lab.upstream(setup.answers())
    body = lab.file("plain.json", documents.chat_request())
    targets = [*setup.pair(lab, upstream, "/plain"), start(lab, program, upstream)]
    run(lab, targets[2], body, connections=16, seconds=3)
    results = rounds(lab, settings.rounds, targets, body, connections=16, seconds=settings.seconds, warm=0.3)
    for target in (targets[0], targets[2]):
        rate = results and sum(found[target.name]["requests"] for found in results) / len(results) / settings.seconds
        report.add(Figure(f"{target.name}: {name}", "x nginx", ratios(results, target.name, "nginx"), detail=
                          f"{microseconds(results, target.name, 'nginx')}; {rate or 0:,.0f} per second; "
                          f"{private_kilobytes(target.pid) / 1024:.0f} MB"))
