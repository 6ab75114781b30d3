-- Finished requests, imported from the ledger segments. Times are milliseconds since 1970, costs picodollars.

CREATE TABLE requests (
    number             INTEGER PRIMARY KEY,
    id                 TEXT NOT NULL UNIQUE,
    time               INTEGER NOT NULL,
    key                TEXT NOT NULL,
    model              TEXT NOT NULL,
    site               TEXT NOT NULL,
    account            TEXT NOT NULL,
    upstream_model     TEXT NOT NULL,
    status             INTEGER NOT NULL,
    outcome            INTEGER NOT NULL,
    attempts           INTEGER NOT NULL,
    attempt_ms         INTEGER,
    input_tokens       INTEGER,
    output_tokens      INTEGER,
    cached_tokens      INTEGER,
    cache_write_tokens INTEGER,
    reasoning_tokens   INTEGER,
    estimated          INTEGER NOT NULL,
    cost               INTEGER NOT NULL,
    latency_ms         INTEGER NOT NULL,
    first_token_ms     INTEGER,
    stream             INTEGER NOT NULL,
    client_format      TEXT NOT NULL,
    upstream_format    TEXT NOT NULL,
    error_code         TEXT NOT NULL,
    warnings           TEXT
) STRICT;

CREATE INDEX requests_time ON requests (time, number);

-- Only where a request needed more than one plain success; that one is rebuilt from its request row.
CREATE TABLE attempts (
    request        INTEGER NOT NULL REFERENCES requests (number) ON DELETE CASCADE,
    position       INTEGER NOT NULL,
    site           TEXT NOT NULL,
    account        TEXT NOT NULL,
    upstream_model TEXT NOT NULL,
    status         INTEGER NOT NULL,
    fault          TEXT NOT NULL,
    reason         TEXT NOT NULL,
    ms             INTEGER NOT NULL,
    PRIMARY KEY (request, position)
) STRICT, WITHOUT ROWID;

-- How far each segment has been imported, written together with what was imported.
CREATE TABLE ledger_positions (
    segment  TEXT PRIMARY KEY NOT NULL,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Requests that were in flight when the segment of their beginning was removed.
CREATE TABLE ledger_open (
    id     TEXT PRIMARY KEY NOT NULL,
    writer TEXT NOT NULL,
    time   INTEGER NOT NULL,
    key    TEXT NOT NULL,
    model  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
