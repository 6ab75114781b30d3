"""Figures become tables: one for people, one for docs/performance.md."""

import os
import re
import statistics
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Figure:
    """One line of the table; less is better. Without `must` it is shown and not judged."""

    name: str
    unit: str
    values: list = field(default_factory=list)
    must: float | None = None
    reach: float | None = None
    detail: str = ""
    skipped: str = ""
    scenario: str = ""

    @property
    def value(self):
        return statistics.median(self.values) if self.values else None

    @property
    def verdict(self):
        if self.skipped or not self.values:
            return "not measured"
        if self.must is None:
            return ""
        if self.reach is not None and self.value <= self.reach:
            return "reached"
        return "met" if self.value <= self.must else "**missed**"

    @property
    def is_missed(self):
        return self.must is not None and (not self.values and not self.skipped or bool(self.values) and self.value > self.must)

    def text(self, value):
        digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
        return f"{value:.{digits}f}"

    def measured(self):
        if not self.values:
            return self.skipped or "every round was void"
        spread = f" ({self.text(min(self.values))}-{self.text(max(self.values))})" if len(self.values) > 1 else ""
        return f"{self.text(self.value)}{spread} {self.unit}"

    def limit(self, value):
        return "" if value is None else f"{value:g} {self.unit}"

    def row(self):
        return [self.name, self.measured(), self.limit(self.must), self.limit(self.reach), self.verdict, self.detail]


HEAD = ["figure", "measured: median (spread)", "must", "reach for", "", "behind it"]


class Report:
    def __init__(self):
        self.figures = []
        self.scenario = ""

    def add(self, figure):
        figure.scenario = self.scenario
        self.figures.append(figure)
        name, measured, must, reach, verdict, detail = figure.row()
        goal = f"must {must}, reach {reach}" if must else ""
        print(f"  {name:<66} {measured:<34} {verdict:<12} {goal:<38} {detail}", flush=True)

    @staticmethod
    def markdown(figures):
        lines = ["| " + " | ".join(HEAD) + " |", "|---" * len(HEAD) + "|"]
        lines += ["| " + " | ".join(figure.row()) + " |" for figure in figures]
        return "\n".join(lines)

    def missed(self):
        return [figure for figure in self.figures if figure.is_missed]


def machine():
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{os.cpu_count()} x {model[1] if model else 'unknown processor'}, load {load_average()}"


def load_average():
    return " ".join(Path("/proc/loadavg").read_text().split()[:3])


def replace_section(path, name, text):
    """Puts a text between `<!-- name: begin -->` and `<!-- name: end -->` of a file."""
    pattern = re.compile(rf"(<!-- {name}: begin[^>]*-->\n).*?(<!-- {name}: end -->)", re.S)
    content = path.read_text()
    if not pattern.search(content):
        raise SystemExit(f"{path} has no markers for {name}")
    path.write_text(pattern.sub(lambda match: match[1] + text + "\n" + match[2], content))
