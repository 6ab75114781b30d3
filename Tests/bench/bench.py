"""Compares the gateway with nginx doing the same proxying: same upstream, same load, interleaved rounds in one run.

The figure that counts is CPU time (user and system, of the whole process, the ledger's import into SQLite included) divided by
requests or chunks: it is far steadier on a shared machine than requests per second. A round with a failed request is void. Printed
are medians of the per-round ratios and their spread, the goal, and what is behind them. The exit status is 1 when a goal that
must be met is missed, unless the run is --informational.
"""

import argparse
import sys
import time
from pathlib import Path

from lab import ROOT, Lab
from report import Report, load_average, machine, replace_section
from scenarios import EXTRAS, SCENARIOS


# Scenarios with a table of their own in docs/performance.md.
SECTIONS = {"formats": "formats", "peers": "peers"}


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="scenarios:\n" + "\n".join(f"  {name:<12} {text}" for name, (text, _) in {**SCENARIOS, **EXTRAS}.items()))
    parser.add_argument("scenario", nargs="*", help="all of them without a name")
    parser.add_argument("--gateway", help="the release binary; its plugins are beside it")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="length of one round of one proxy")
    parser.add_argument("--informational", action="store_true", help="missed goals do not make the run fail")
    parser.add_argument("--write", action="store_true", help="write the table into docs/performance.md")
    parsed = parser.parse_args()
    unknown = set(parsed.scenario) - set(SCENARIOS) - set(EXTRAS)
    if unknown:
        parser.error(f"no scenario is named {', '.join(sorted(unknown))}")
    parsed.is_quick = parsed.rounds < 5
    return parsed


def main():
    settings = arguments()
    report, before = Report(), machine()
    print(f"{before}; {settings.rounds} rounds of {settings.seconds:g} s each; one loop of the gateway, one worker of nginx\n")
    for name in settings.scenario or SCENARIOS:
        started = time.monotonic()
        title, measure = {**SCENARIOS, **EXTRAS}[name]
        report.scenario = name
        print(f"{name}: {title}", flush=True)
        with Lab(settings.gateway) as lab:
            measure(lab, report, settings)
        print(f"  ({time.monotonic() - started:.0f} s; load {load_average()})\n", flush=True)
    note = f"\n\nMeasured on {before} at the beginning, load {load_average()} at the end; " \
           f"{settings.rounds} interleaved rounds of {settings.seconds:g} s."
    print(report.markdown(report.figures) + note)
    if settings.write:
        for section in {SECTIONS.get(figure.scenario, "bench") for figure in report.figures}:
            figures = [figure for figure in report.figures if SECTIONS.get(figure.scenario, "bench") == section]
            replace_section(Path(ROOT) / "docs/performance.md", section, report.markdown(figures) + note)
    missed = report.missed()
    if missed:
        print("\nmissed: " + "; ".join(figure.name for figure in missed))
        sys.exit(0 if settings.informational else 1)


if __name__ == "__main__":
    main()
