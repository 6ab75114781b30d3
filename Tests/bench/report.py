"""Figures become tables: one for people, one for docs/performance.md."""

import re


def replace_section(path, name, text):
    """Puts a text between `<!-- name: begin -->` and `<!-- name: end -->` of a file."""
    pattern = re.compile(rf"(<!-- {name}: begin[^>]*-->\n).*?(<!-- {name}: end -->)", re.S)
    content = path.read_text()
    if not pattern.search(content):
        raise SystemExit(f"{path} has no markers for {name}")
    path.write_text(pattern.sub(lambda match: match[1] + text + "\n" + match[2], content))
