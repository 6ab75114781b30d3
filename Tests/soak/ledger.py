"""Compares the ledger with what the clients saw and what the upstreams answered."""

import sqlite3
from collections import Counter

TEXT = "".join(f"word-{number} " for number in range(12))
OUTCOMES = {1: "completed", 2: "failed", 3: "truncated", 4: "cancelled", 5: "interrupted"}


def rows_by_id(database):
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        return {row["id"]: row for row in connection.execute(
            "SELECT id, outcome, status, site, output_tokens, stream, attempts, warnings FROM requests")}
    finally:
        connection.close()


def is_continued(row):
    """The answer was written by several attempts, whose tokens are added up."""
    return "stream.continued" in (row["warnings"] or "")


def is_text(text):
    """The text of one upstream, once or several times."""
    return text != "" and text == TEXT * (len(text) // len(TEXT))


def compare(database, sent, sites):
    """Sentences about everything that does not fit."""
    rows = rows_by_id(database)
    problems, answered = Counter(), {site.name: site.answered for site in sites}
    examples, kinds = {}, Counter()

    def note(problem, request):
        problems[problem] += 1
        examples.setdefault(problem, request)

    known = [request for request in sent if request.request_id]
    for request in sent:
        kinds["hung" if request.hung else "complete" if request.complete else "told" if request.told else "left"] += 1
        if request.hung:
            note("a client waited in vain", request)
        if request.complete and request.told:
            note("an answer had both an error and its end", request)
        if request.status == 200 and not request.complete and not request.told and request.manner in ("plain", "slow"):
            note("a stream ended without a word", request)
    for request in known:
        row = rows.get(request.request_id)
        if row is None:
            # Mistakes and strangers are refused before there is anything to book, and so is a model that rests.
            if request.status == 200:
                note("a request that was answered is not in the ledger", request)
            continue
        outcome = OUTCOMES[row["outcome"]]
        if request.complete and outcome != "completed":
            note(f"the client has a whole answer, the ledger says {outcome}", request)
        if request.complete and request.stream and not is_text(request.text):
            note("a whole stream has not the text of the upstreams", request)
        if outcome == "completed":
            told = request.tokens if request.complete and is_continued(row) else request.number
            if row["output_tokens"] != told and not (is_continued(row) and not request.complete):
                note("the ledger has the tokens of somebody else", request)
            if not answered[row["site"]].get(request.number):
                note("the ledger names a site that did not answer", request)
        if request.complete and request.tokens != request.number and not is_continued(row):
            note("the client was told the tokens of somebody else", request)
        if request.told and outcome == "completed":
            note("the client got an error, the ledger says completed", request)
    outcomes = Counter(OUTCOMES[rows[request.request_id]["outcome"]] for request in known if request.request_id in rows)
    print(f"  clients: {dict(kinds)}\n  ledger: {dict(outcomes)}, "
          f"failed over: {sum(rows[r.request_id]['attempts'] > 1 for r in known if r.request_id in rows)}, "
          f"continued: {sum(is_continued(rows[r.request_id]) for r in known if r.request_id in rows)}")
    totals(rows, sent, answered, note)
    return [f"{count} x {problem}, as {examples[problem]}" for problem, count in problems.items()]


def totals(rows, sent, answered, note):
    """Every whole answer of an upstream was given for one request that the ledger knows, and nobody answered twice."""
    numbers = {request.number for request in sent}
    completed = Counter(row["output_tokens"] for row in rows.values()
                        if OUTCOMES[row["outcome"]] == "completed" and not is_continued(row))
    for number, count in completed.items():
        if number in numbers and count > 1:
            note("one request is completed twice", number)
    for site, given in answered.items():
        for number, count in given.items():
            if count > 1:
                note("one site answered a request twice", (site, number))
    interrupted = sum(row["outcome"] == 5 for row in rows.values())
    if interrupted:
        note("requests are booked as interrupted although the gateway ran", interrupted)
