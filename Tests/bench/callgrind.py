"""Reads callgrind's output: self cost of every function, and the cost of every call from one function to another."""

import re
import subprocess
from collections import defaultdict
from pathlib import Path

POSITION = re.compile(r"^[+\-*0-9]")


class Profile:
    """Costs of one thread, in instructions."""

    def __init__(self):
        self.own = defaultdict(int)
        self.arcs = defaultdict(lambda: [0, 0])  # (caller, callee) -> [calls, inclusive cost]

    def add(self, path):
        names = {}
        function = callee = None
        calls = None

        def name(text):
            number, _, rest = text.partition(")")
            if rest:
                names[number] = rest.strip()
            return names[number]

        for line in path.read_text(errors="replace").splitlines():
            if line.startswith("fn="):
                function = name(line[3:])
            elif line.startswith("cfn="):
                callee = name(line[4:])
            elif line.startswith("calls="):
                calls = int(line[6:].split()[0])
            elif line and POSITION.match(line):
                cost = int(line.split()[1]) if " " in line else 0
                if calls is None:
                    self.own[function] += cost
                else:
                    arc = self.arcs[(function, callee)]
                    arc[0] += calls
                    arc[1] += cost
                    calls = None

    @property
    def total(self):
        return sum(self.own.values())

    def renamed(self, table):
        """Cycle marks (`'2`) are dropped and mangled names replaced."""
        result = Profile()

        def plain(text):
            text = re.sub(r"'\d+$", "", text)
            return table.get(text, text)

        for function, cost in self.own.items():
            result.own[plain(function)] += cost
        for (caller, callee), (calls, cost) in self.arcs.items():
            arc = result.arcs[(plain(caller), plain(callee))]
            arc[0] += calls
            arc[1] += cost
        return result


def load(directory, stem):
    """One profile for each thread's file, costliest first."""
    profiles = []
    for path in sorted(Path(directory).glob(f"{stem}-*")):
        profile = Profile()
        profile.add(path)
        if profile.total:
            profiles.append(profile)
    mangled = {re.sub(r"'\d+$", "", function) for profile in profiles for function in profile.own}
    mangled |= {re.sub(r"'\d+$", "", name) for profile in profiles for arc in profile.arcs for name in arc}
    table = demangled(sorted(mangled))
    return sorted((profile.renamed(table) for profile in profiles), key=lambda profile: -profile.total)


def demangled(names):
    out = subprocess.run(["swift-demangle", "--simplified", "--compact"], input="\n".join(names), capture_output=True,
                         text=True, check=True).stdout.splitlines()
    return {name: text for name, text in zip(names, out) if name.startswith(("$s", "_$s"))}


def shares(profile, stage_of):
    """Instructions for each stage: a function that belongs to no stage is charged to those who call it.

    `stage_of(name)` gives a stage or None. A function without a stage hands its whole cost up along its call arcs, in
    proportion to their inclusive cost (exact for leaves, as in gprof otherwise).
    """
    callers = defaultdict(list)
    for (caller, callee), (_, cost) in profile.arcs.items():
        if caller != callee and cost:
            callers[callee].append((caller, cost))
    stages = {function: stage_of(function) for function in set(profile.own) | {c for c, _ in profile.arcs}}
    mix = {function: ({stage: 1.0} if stage else {}) for function, stage in stages.items()}
    for _ in range(60):
        for function, stage in stages.items():
            if stage or not callers[function]:
                continue
            total = sum(cost for _, cost in callers[function])
            mixed = defaultdict(float)
            for caller, cost in callers[function]:
                for name, share in mix.get(caller, {}).items():
                    mixed[name] += share * cost / total
            mix[function] = mixed
    result = defaultdict(float)
    for function, cost in profile.own.items():
        left = 1.0
        for stage, share in mix[function].items():
            result[stage] += share * cost
            left -= share
        result[None] += max(0.0, left) * cost
    return result
