-- Requests lie in the order of time and need no index: `number` is the millisecond since 1970, shifted by 20 bits, and
-- below it a hash of the id (see RequestNumber). Of requests from before, their position within the millisecond.

CREATE TABLE ordered_requests (
    number             INTEGER PRIMARY KEY,
    id                 TEXT NOT NULL,
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

CREATE TEMP TABLE renumbered AS
    SELECT number AS old, (time << 20) + row_number() OVER (PARTITION BY time ORDER BY number) - 1 AS new FROM requests;

CREATE UNIQUE INDEX temp.renumbered_old ON renumbered (old);

INSERT INTO ordered_requests
SELECT new, id, key, model, site, account, upstream_model, status, outcome, attempts, attempt_ms, input_tokens,
    output_tokens, cached_tokens, cache_write_tokens, reasoning_tokens, estimated, cost, latency_ms, first_token_ms,
    stream, client_format, upstream_format, error_code, warnings
FROM requests JOIN renumbered ON old = number
ORDER BY new;

-- Only where a request needed more than one plain success; that one is rebuilt from its request row.
CREATE TABLE ordered_attempts (
    request        INTEGER NOT NULL REFERENCES ordered_requests (number) ON DELETE CASCADE,
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

INSERT INTO ordered_attempts
SELECT new, position, site, account, upstream_model, status, fault, reason, ms
FROM attempts JOIN renumbered ON old = request;

DROP TABLE attempts;
DROP TABLE requests;
DROP TABLE renumbered;
ALTER TABLE ordered_requests RENAME TO requests;
ALTER TABLE ordered_attempts RENAME TO attempts;
