"""Where the microseconds of a request go, stage by stage.

Runs the release gateway with one event loop under callgrind, which counts instructions and is the same from run to run, and once
more without it to see the CPU time by thread. Every function belongs to a stage by its name (STAGES below); what belongs to none
(the runtime, NIO's writes, malloc) is charged to those who call it.
"""

import argparse
import re
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import callgrind
import documents
from lab import TICKS, Lab, configuration, free_port, site
from report import replace_section
from scenarios import setup

LOOP = "event loop and reading sockets"
# The first pattern that is found in a function's name says its stage. The order matters.
STAGES = [(stage, re.compile(pattern)) for stage, pattern in [
    ("ledger, append", r"LedgerWriter|LedgerEncoder|LedgerWords|plainWords|LedgerSegment\b|Exchange\.(settle|finish\w*Record|recordCompleted)"),
    ("parse request head", r"ClientConnection\.(readHead|headReceived)|HTTPRequestHeadParser|HTTPRequestLine|Endpoint\b"),
    ("authenticate and permit", r"Exchange\.(begin\(\)|authenticate)|SHA256|KeyPermissions|[Ll]imiter|Quota"),
    ("read and scan body", r"RequestFields|JSONFieldScanner|ClientConnection\.(readBody|bodyReceived)"),
    ("route", r"Exchange\.(route|nextAttempt|choose)|CandidateSlot|LoopContext\.slot|\bRouter\b|RoutingTable|HealthTable|HealthCell|SeededRandom|Egress"),
    ("prepare (platform plugin)", r"Exchange\.(prepare\b|prepareAttempt)|PluginInstance\.(prepare|with)|RequestDraft|Platform\w+"),
    ("convert (format plugins)", r"requestToCanonical|requestFromCanonical|responseToCanonical|responseFromCanonical|StreamEncoder"
                                 r"|RequestReader|RequestWriter|ResponseReader|ResponseWriter|MessagesReader|BlockReader|BlockWriter"),
    ("tap usage (format plugin)", r"responseTap|tapResponse|ResponseTap|TapReceiver|ChatUsage|JSONReader|Exchange\.(tap|ownAnswer)|CodecViews|Stream(Decoder|Tap)|ConversationDecoder|TypedDecoder"
                                  r"|Exchange\.(decode|learn|takeKnownFrames)|SSEFrameSplitter|FrameShortcut|FrameMatcher"),
    ("write upstream request", r"Exchange\.(upstreamRequest|writeHead|headCapacity|writeForwardedFields|writeTarget|send\()"
                               r"|HeadWriter|SecretTemplate|SecretBytes|UpstreamRequest\b|UpstreamURL|ForwardedFields|UpstreamPool|UpstreamDestination"
                               r"|UpstreamConnection\.(start|send|write)"),
    ("write answer to client", r"Exchange\.(answerDocument|sendDocument|writeAnswer\w*|deliver|commit|beginHolding|finishStream"
                               r"|streamEnded|take|streamBytes)|ClientConnection\.(answered|write|send|flush)|ResponseHead\."
                               r"|StreamEdit"),
    ("parse upstream response", r"UpstreamConnection|UpstreamExchange|UpstreamResponseReader|HTTPResponseHeadParser"
                                r"|HTTPChunkedDecoder|Exchange\.upstreamDid|Exchange\.documentReceived"),
    ("exchange, the rest", r"\bExchange\b|ClientConnection"),
    (LOOP, r"SelectableEventLoop|\bSelector\b|BaseSocketChannel\.readable0|readFromSocket|fireChannelRead|invokeChannelRead"),
    ("ledger, import: read segments", r"LedgerImport\b|LedgerImporter\.(start|run)|LedgerSegmentReader|LedgerDecoder"),
    ("ledger, import: write to SQLite", r"DatabaseThreads|LedgerBatch|RequestInsertion|sqlite3"),
]]


FRAMES = 1500  # of a paced stream: 30 s
# Threads that do something for requests; the others look after plugins, settings and memory from time to time.
DATA_PLANE = re.compile(r"SelectableEventLoop|LedgerImport|DatabaseThreads")
ELSEWHERE = re.compile(r"MemoryTrim")


def stage_of(function):
    for stage, pattern in STAGES:
        if pattern.search(function):
            return stage
    return None


def without_debug_information(lab):
    """Copies of the binaries that this version of valgrind can read (it stumbles over DWARF 5)."""
    target = lab.directory("bin")
    release = lab.binary.parent
    for path in [lab.binary, *release.glob("*.so")]:
        subprocess.run(["strip", "-g", "-o", target / path.name, path], check=True)
    for path in release.glob("*.resources"):
        shutil.copytree(path, target / path.name)
    shim = lab.work / "sigsuspend.so"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", shim, Path(__file__).parent / "tools/sigsuspend.c"], check=True)
    return target / lab.binary.name, {"LD_PRELOAD": str(shim)}


def cases(upstream):
    """name -> (site, path, body): what is profiled."""
    def chat(kind):
        return site("alpha", f"http://127.0.0.1:{upstream}/{kind}")

    def messages(kind):
        return site("alpha", f"http://127.0.0.1:{upstream}/messages-{kind}", platform="anthropic",
                    formats=("anthropic.messages",))

    path = "/v1/chat/completions"
    return {
        "plain": (chat("plain"), path, documents.chat_request()),
        "stream": (chat("stream"), path, documents.chat_request(True)),
        "large": (chat("plain"), path, documents.chat_request(size=300_000)),
        "convert": (messages("plain"), path, documents.chat_request()),
        "convert-stream": (messages("stream"), path, documents.chat_request(True)),
        "messages": (messages("plain"), "/v1/messages", documents.messages_request()),
        "messages-stream": (messages("stream"), "/v1/messages", documents.messages_request(True)),
        "unconvert": (chat("plain"), "/v1/messages", documents.messages_request()),
        "unconvert-stream": (chat("stream"), "/v1/messages", documents.messages_request(True)),
        "chunks": (chat(f"paced-20-{FRAMES}"), path, documents.chat_request(True)),
    }


def answers():
    return {"/plain": ("application/json", documents.chat_answer()), "/stream": ("text/event-stream", documents.chat_stream()),
            "/messages-plain": ("application/json", documents.messages_answer()),
            "/messages-stream": ("text/event-stream", documents.messages_stream())}


def count_instructions(lab, name, case, requests, connections, binary, environment):
    """One profile for each thread, and how many requests (or chunks of paced streams) they stand for."""
    (text, path, body), port = case, free_port()
    gateway = lab.gateway(
        f"callgrind-{name}", setup.governed(lab, configuration(port, [text])), port, binary=binary, environment=environment,
        wrapper=["valgrind", "--tool=callgrind", "--instr-atstart=no", "--separate-threads=yes",
                 f"--callgrind-out-file={lab.work}/{name}.out"])
    body = lab.file(f"{name}.json", body)

    def instrument(word):
        subprocess.run(["callgrind_control", "-i", word, str(gateway.pid)], check=True, capture_output=True)

    if name == "chunks":
        result = lab.load(port, path, body, connections=20, frames=FRAMES, ramp=1000, warm=1, seconds=4, leave=1,
                          at_begin=lambda: instrument("on"), at_end=lambda: instrument("off"))
        count = result["frames"]
    else:
        check(name, lab.load(port, path, body, connections=connections, requests=max(200, requests // 4)))
        instrument("on")
        result = lab.load(port, path, body, connections=connections, requests=requests)
        time.sleep(1.5)  # the ledger is imported
        instrument("off")
        count = result["requests"]
    check(name, result)
    lab.end(gateway)
    profiles = callgrind.load(lab.work, f"{name}.out")
    return [profile for profile in profiles if any(DATA_PLANE.search(function) for function in profile.own)
            and not any(ELSEWHERE.search(function) for function in profile.own)], count


def check(name, result):
    if result["failed"] or result["bad"]:
        raise SystemExit(f"{name}: {result['failed'] + result['bad']} requests failed")


def thread_times(pid):
    times = {}
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        head, _, rest = stat.read_text().rpartition(")")
        fields = rest.split()
        times[stat.parent.name] = (head.split("(", 1)[1], int(fields[11]), int(fields[12]))
    return times


def measure_time(lab, name, case, connections, seconds):
    """Microseconds of each thread: name -> (user, system) for one request."""
    (text, path, body), port = case, free_port()
    gateway = lab.gateway(f"timed-{name}", setup.governed(lab, configuration(port, [text])), port)
    moments = []

    def moment():
        moments.append(thread_times(gateway.pid))

    options = {"connections": connections}
    if name == "chunks":
        options = {"connections": 500, "frames": FRAMES, "ramp": 1000, "leave": 1}
    result = lab.load(port, path, lab.file(f"{name}.json", body), **options, seconds=seconds, warm=1,
                      at_begin=moment, at_end=moment)
    check(name, result)
    count = result["frames"] if name == "chunks" else result["requests"]
    lab.end(gateway)
    sums = defaultdict(lambda: [0.0, 0.0])
    for thread, (label, user, system) in moments[1].items():
        before = moments[0].get(thread, (label, 0, 0))
        sums[label][0] += (user - before[1]) / TICKS * 1e6 / count
        sums[label][1] += (system - before[2]) / TICKS * 1e6 / count
    return dict(sums)


def stage_table(profiles, requests):
    """stage -> instructions for one request, over all threads."""
    total = defaultdict(float)
    for profile in profiles:
        for stage, cost in callgrind.shares(profile, stage_of).items():
            total[stage or "unassigned"] += cost / requests
    return dict(total)


def markdown(tables, times):
    names = list(tables)
    order = [stage for stage, _ in STAGES] + ["unassigned"]
    scale = {name: sum(user for user, _ in times[name].values()) / sum(tables[name].values()) for name in names}
    lines = ["| stage | " + " | ".join(f"{name}: instructions | us" for name in names) + " |",
             "|---|" + "--:|--:|" * len(names)]
    for stage in dict.fromkeys(order):
        cells = []
        for name in names:
            cost = tables[name].get(stage, 0)
            cells.append(f"{cost:,.0f} | {cost * scale[name]:.1f}" if cost >= 1 else " | ")
        if any(tables[name].get(stage, 0) >= 1 for name in names):
            lines.append(f"| {stage} | " + " | ".join(cells) + " |")
    lines.append("| **together, user time** | " + " | ".join(
        f"**{sum(tables[name].values()):,.0f}** | **{sum(user for user, _ in times[name].values()):.1f}**"
        for name in names) + " |")
    lines.append("| system time (kernel) | " + " | ".join(
        f" | {sum(system for _, system in times[name].values()):.1f}" for name in names) + " |")
    return "\n".join(lines)


def print_functions(profiles, requests, count):
    own, calls = defaultdict(int), defaultdict(int)
    for profile in profiles:
        for function, cost in profile.own.items():
            own[function] += cost
        for (_, callee), (number, _) in profile.arcs.items():
            calls[callee] += number
    print(f"{'instructions':>12} {'calls':>8}  function (self cost for one request, all threads)")
    for function, cost in sorted(own.items(), key=lambda item: -item[1])[:count]:
        print(f"{cost / requests:12,.0f} {calls[function] / requests:8.2f}  {function[:140]}")


def print_tree(profiles, requests, count):
    inclusive = defaultdict(int)
    for function, cost in profiles[0].own.items():
        inclusive[function] += cost
    for (caller, callee), (_, cost) in profiles[0].arcs.items():
        if caller != callee:
            inclusive[caller] += cost
    print(f"{'inclusive':>12}  function (with what it calls, for one request, event loop)")
    for function, cost in sorted(inclusive.items(), key=lambda item: -item[1])[:count]:
        print(f"{cost / requests:12,.0f}  {function[:140]}")


def print_callers(profiles, requests, pattern):
    """Who calls the functions whose name contains a text, and what it costs them."""
    for (caller, callee), (calls, cost) in sorted(
            ((arc, sums) for profile in profiles for arc, sums in profile.arcs.items()), key=lambda item: -item[1][1]):
        if pattern in callee and cost / requests >= 1:
            print(f"{cost / requests:12,.0f} {calls / requests:8.2f}  {callee[:70]}  <-  {caller[:100]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=["plain", "stream"], help="plain, stream, large, convert, ...")
    parser.add_argument("--gateway", help="the release binary; its plugins are beside it")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=3, help="length of the run that is timed; 0 leaves it out")
    parser.add_argument("--top", type=int, default=40, help="how many functions to print")
    parser.add_argument("--tree", type=int, default=0, help="how many functions to print by inclusive cost")
    parser.add_argument("--callers", default="", help="print who calls the functions with this text in their names")
    parser.add_argument("--write", help="write the table between the profile markers of this file")
    arguments = parser.parse_args()
    tables, times = {}, {}
    with Lab(arguments.gateway) as lab:
        binary, environment = without_debug_information(lab)
        upstream = lab.upstream(answers())
        known = cases(upstream)
        for name in arguments.cases:
            profiles, requests = count_instructions(lab, name, known[name], arguments.requests, arguments.connections, binary,
                                                    environment)
            tables[name] = stage_table(profiles, requests)
            times[name] = {"all": (0, 0)}
            if arguments.seconds:
                times[name] = measure_time(lab, name, known[name], arguments.connections, arguments.seconds)
            print(f"\n== {name}: {sum(tables[name].values()):,.0f} instructions for one "
                  f"{'chunk' if name == 'chunks' else 'request'}; by thread: "
                  + ", ".join(f"{profile.total / requests:,.0f}" for profile in profiles[:3]))
            print_functions(profiles, requests, arguments.top)
            if arguments.tree:
                print_tree(profiles, requests, arguments.tree)
            if arguments.callers:
                print_callers(profiles, requests, arguments.callers)
            sys.stdout.flush()
    table = markdown(tables, times)
    print("\n" + table)
    for name in times:
        print(f"\n{name}, microseconds by thread (user + system): " + ", ".join(
            f"{thread} {user:.1f} + {system:.1f}" for thread, (user, system) in
            sorted(times[name].items(), key=lambda item: -sum(item[1])) if user + system >= 0.05))
    if arguments.write:
        replace_section(Path(arguments.write), "profile", table)


if __name__ == "__main__":
    main()
