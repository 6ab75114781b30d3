#!/usr/bin/env python3
"""Compares docs/edge-cases.md with the tests that name its numbers: edge-cases.py [--write]

A test names the edge cases it asserts in its title (`@Test("E-16 ...")`), in a comment directly above it (`/// E-3, E-4`
or `# E-3, E-4`), or in its docstring. Every number of the document has such a test, or says why not. `--write` puts the
names of the tests into the document.
"""

import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "edge-cases.md"
EXCEPTIONS = ROOT / "docs" / "wire-formats.md"
LAST = 118
WITHOUT = "No test: "
NUMBERS = r"E-\d+(?:,? E-\d+)*"
COMMENT = re.compile(rf"^\s*(?:///|#|\"\"\")\s?({NUMBERS})\.?(?:\"\"\")?$")
TITLE = re.compile(rf"^\s*(?:@Test\()?\"({NUMBERS}) ")
SWIFT_TEST = re.compile(r"^\s*(?:@Test\b.*)?\bfunc (\w+)")
PYTHON_TEST = re.compile(r"^\s*(?:async )?def (test_\w+)")
ROW = re.compile(r"^\| E-(\d+) \| (.*?) \| ?(.*?) ?\|$")


def tests():
    """The names of the tests by the number of the edge case."""
    found = collections.defaultdict(list)
    for path in sorted([*ROOT.glob("Tests/*Tests/**/*.swift"), *ROOT.glob("Tests/e2e/test_*.py")]):
        is_python = path.suffix == ".py"
        pattern, pending, name = PYTHON_TEST if is_python else SWIFT_TEST, [], None
        for line in path.read_text().splitlines():
            declared = pattern.match(line)
            if declared:
                name = f"{path.stem if is_python else path.stem.removesuffix('Tests')}.{declared[1]}"
            marks = COMMENT.match(line) or TITLE.match(line)
            if marks:
                pending += [int(number) for number in re.findall(r"\d+", marks[1])]
            is_docstring = marks and line.strip().startswith('"""')
            if (declared or is_docstring) and pending:
                for number in pending:
                    if name not in found[number]:
                        found[number].append(name)
                pending = []
    return found


def main():
    found, rows, problems, lines = tests(), {}, [], []
    text = DOCUMENT.read_text()
    for line in text.splitlines():
        row = ROW.match(line)
        if not row:
            lines.append(line)
            continue
        number, what, where = int(row[1]), row[2], row[3]
        if number in rows:
            problems.append(f"E-{number} is there twice")
        names = ", ".join(f"`{name}`" for name in found[number])
        if not names and not (where.startswith(WITHOUT) and len(where) > len(WITHOUT)):
            problems.append(f"E-{number} has neither a test that names it nor a reason")
        rows[number] = where
        lines.append(f"| E-{number} | {what} | {names or where} |")
    problems += [f"E-{number} is not described" for number in range(1, LAST + 1) if number not in rows]
    problems += [f"E-{number}, which {', '.join(found[number])} names, is no edge case" for number in sorted(found)
                 if found[number] and not 1 <= number <= LAST]
    listed = set(re.findall(r"^\| E-(\d+) \|", EXCEPTIONS.read_text(), re.MULTILINE))
    missing = {str(number) for number, where in rows.items() if where.startswith(WITHOUT)}
    problems += [f"E-{number} is an exception in one of docs/edge-cases.md and docs/wire-formats.md only"
                 for number in sorted(listed ^ missing)]
    written = "\n".join(lines) + "\n"
    if written != text:
        if "--write" in sys.argv:
            DOCUMENT.write_text(written)
        else:
            problems.append("docs/edge-cases.md does not name the tests of today; `make edge-cases` writes them")
    for problem in problems:
        print(f"edge cases: {problem}", file=sys.stderr)
    if problems:
        sys.exit(1)
    reasons = sum(where.startswith(WITHOUT) for where in rows.values())
    print(f"edge cases: {len(rows) - reasons} have tests, {reasons} have a reason")


main()
