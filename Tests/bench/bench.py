"""Compares the gateway with nginx: same upstream, same load, interleaved rounds in one run.

The figure that counts is CPU per request (user and system time of the whole process tree divided by requests): it is far
steadier on a shared machine than requests per second. A round with a failed request is void. Printed are the medians of the
per-round ratios and their spread.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
TICKS = os.sysconf("SC_CLK_TCK")
ANSWER = json.dumps({
    "id": "chatcmpl-bench", "object": "chat.completion", "created": 1763690000, "model": "bench-model",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello there. " * 20, "refusal": None},
                 "logprobs": None, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 312, "completion_tokens": 60, "total_tokens": 372,
              "prompt_tokens_details": {"cached_tokens": 0}}}, separators=(",", ":"))


def stream_answer(frames=30):
    head = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1763690000, "model": "bench-model"}
    chunks = [{**head, "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]}]
    chunks += [{**head, "choices": [{"index": 0, "delta": {"content": f" word{n}"}, "finish_reason": None}]}
               for n in range(frames)]
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    chunks.append({**head, "choices": [], "usage": {"prompt_tokens": 312, "completion_tokens": frames,
                                                    "total_tokens": 312 + frames}})
    return "".join(f"data: {json.dumps(chunk, separators=(',', ':'))}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tree(pid):
    found = [pid]
    for child in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = child.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found += tree(int(child.parent.name))
    return found


def cpu_seconds(pid):
    total = 0
    for member in tree(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def resident_megabytes(pid):
    pages = sum(int(Path(f"/proc/{member}/statm").read_text().split()[1]) for member in tree(pid))
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def wait_for(port, path="/", seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


def start_nginx(work, name, body):
    conf = work / f"{name}.conf"
    conf.write_text(f"""
daemon off; worker_processes 1; pid {work}/{name}.pid; error_log {work}/{name}.log error;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 300s; tcp_nodelay on;
  client_body_buffer_size 64k; client_body_temp_path {work}/body-{name}; proxy_temp_path {work}/proxy-{name};
  fastcgi_temp_path {work}/f-{name}; uwsgi_temp_path {work}/u-{name}; scgi_temp_path {work}/s-{name};
  {body}
}}""")
    return subprocess.Popen(["nginx", "-p", str(work), "-c", str(conf), "-e", str(work / f"{name}.log")])


def start_upstream(work, port):
    return start_nginx(work, "upstream", f"""
  server {{ listen 127.0.0.1:{port} backlog=4096;
    location /plain/ {{ default_type application/json; {constant("plain", ANSWER)} }}
    location /stream/ {{ default_type text/event-stream; {constant("stream", stream_answer())} }} }}""")


def constant(name, text, size=2000):
    """nginx directives that answer with a text; one parameter holds less than 4 KiB."""
    text = text.replace("\\", "\\\\").replace("'", "\\'").replace("$", "")
    pieces = [text[start:start + size] for start in range(0, len(text), size)]
    lines = [f"set ${name}{index} '{piece}';" for index, piece in enumerate(pieces)]
    return " ".join([*lines, 'return 200 "' + "".join(f"${name}{index}" for index in range(len(pieces))) + '";'])


def start_proxy(work, port, upstream):
    return start_nginx(work, "proxy", f"""
  upstream up {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 100000000; }}
  server {{ listen 127.0.0.1:{port} backlog=4096; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_set_header Authorization "Bearer sk-upstream"; proxy_buffering off;
    location /plain/ {{ proxy_pass http://up; }} location /stream/ {{ proxy_pass http://up; }} }}""")


def start_gateway(work, binary, port, upstream, loops):
    configs = {}
    for kind in ("plain", "stream"):
        configs[kind] = f"""
  - name: {kind}
    platform: openai
    base_url: http://127.0.0.1:{upstream}/{kind}
    formats: [openai.chat]
    accounts: [ {{ name: main, credential: {{ kind: api_key, api_key: sk-upstream }}, models: [bench-model] }} ]"""
    gateways = {}
    for kind, site in configs.items():
        directory = work / f"gateway-{kind}"
        directory.mkdir()
        (directory / "patchbay.yaml").write_text(f"""
gateway: {{ listen: "127.0.0.1:{port[kind]}", event_loops: {loops} }}
admin: {{ listen: "127.0.0.1:0", token: bench-admin-token-0123456789 }}
egress: {{ allow: ["127.0.0.0/8"] }}
prices: {{ bench-model: {{ input: 0.15, output: 0.6 }} }}
sites:{site}
keys: [ {{ name: bench, key: sk-bench-client-key, models: ["*"] }} ]
""")
        gateways[kind] = subprocess.Popen(
            [binary, "serve", "--config", str(directory / "patchbay.yaml"), "--data", str(directory)],
            stdout=open(directory / "out.log", "w"), stderr=subprocess.STDOUT)
    return gateways


def load(port, path, connections, seconds, stream):
    environment = dict(os.environ, BENCH_STREAM="1" if stream else "0")
    out = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(HERE / "post.lua"), "--latency",
         f"http://127.0.0.1:{port}{path}"], env=environment, capture_output=True, text=True, check=True).stdout
    fields = next(line for line in out.splitlines() if line.startswith("RESULT")).split()[1:]
    requests, broken, bad = (int(value) for value in fields[:3])
    return {"requests": requests, "failed": broken + bad, "seconds": float(fields[3]),
            "p50": float(fields[4]), "p99": float(fields[5])}


def measure(pid, port, path, connections, seconds, stream):
    before = cpu_seconds(pid)
    result = load(port, path, connections, seconds, stream)
    result["cpu_us"] = (cpu_seconds(pid) - before) / max(1, result["requests"]) * 1e6
    result["rps"] = result["requests"] / result["seconds"]
    return result


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def compare(name, rounds, seconds, connections, stream, nginx, gateway, direct_port):
    kind = "stream" if stream else "plain"
    ratios = {"cpu": [], "rps": [], "added": []}
    absolute = {"nginx": [], "gateway": []}
    gateway_path = "/v1/chat/completions"
    nginx_path = f"/{kind}/v1/chat/completions"
    for attempt in range(rounds + 1):
        ours = measure(gateway["pid"], gateway["port"], gateway_path, connections, seconds, stream)
        theirs = measure(nginx["pid"], nginx["port"], nginx_path, connections, seconds, stream)
        direct = load(direct_port, nginx_path, connections, max(1, seconds // 2), stream)
        if attempt == 0:
            continue  # warms up
        if ours["failed"] or theirs["failed"]:
            print(f"  void round: {ours['failed']} and {theirs['failed']} requests failed", flush=True)
            continue
        ratios["cpu"].append(ours["cpu_us"] / theirs["cpu_us"])
        ratios["rps"].append(ours["rps"] / theirs["rps"])
        ratios["added"].append((ours["p50"] - direct["p50"]) / max(1.0, theirs["p50"] - direct["p50"]))
        absolute["nginx"].append(theirs["cpu_us"])
        absolute["gateway"].append(ours["cpu_us"])
    if not ratios["cpu"]:
        print(f"| {name} | every round was void | | | |")
        return None
    print(f"| {name} | {spread(ratios['cpu'])} | {spread(ratios['rps'])} | {spread(ratios['added'])} | "
          f"{statistics.median(absolute['gateway']):.0f} / {statistics.median(absolute['nginx']):.0f} us |", flush=True)
    return statistics.median(ratios["cpu"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--loops", type=int, default=1, help="event loops of the gateway; nginx gets one worker")
    parser.add_argument("--connections", default="1,16,64")
    parser.add_argument("--threshold", type=float, default=1.6, help="highest CPU ratio for a plain request at 64 connections")
    arguments = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="patchbay-bench-"))
    processes = []
    try:
        upstream, proxy = free_port(), free_port()
        ports = {"plain": free_port(), "stream": free_port()}
        processes.append(start_upstream(work, upstream))
        nginx = start_proxy(work, proxy, upstream)
        gateways = start_gateway(work, str(Path(arguments.gateway).resolve()), ports, upstream, arguments.loops)
        processes += [nginx, *gateways.values()]
        for port in (upstream, proxy, *ports.values()):
            wait_for(port)
        time.sleep(1)
        print(f"machine: {os.cpu_count()} cores, {Path('/proc/loadavg').read_text().split()[0]} load; "
              f"{arguments.rounds} rounds of {arguments.seconds} s, medians with the spread; one proxy core each\n")
        print("| request | CPU per request, x nginx | requests per second, x nginx | added p50, x nginx's own | CPU |")
        print("|---|---|---|---|---|")
        verdict = None
        for stream in (False, True):
            kind = "stream" if stream else "plain"
            for connections in map(int, arguments.connections.split(",")):
                ratio = compare(
                    f"{'streamed, 33 events' if stream else 'plain, 1.6 KB'}, c={connections}", arguments.rounds,
                    arguments.seconds, connections, stream, {"pid": nginx.pid, "port": proxy},
                    {"pid": gateways[kind].pid, "port": ports[kind]}, upstream)
                if not stream and connections == 64:
                    verdict = ratio
        print(f"\nresident after the load: gateway {resident_megabytes(gateways['plain'].pid):.0f} MB, "
              f"nginx {resident_megabytes(nginx.pid):.0f} MB")
        if verdict is None or verdict > arguments.threshold:
            sys.exit(f"plain at 64 connections costs {verdict} times nginx's CPU; the threshold is {arguments.threshold}")
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
