-- A request is a row of numbers. What it is called by stands once for all requests that are called the same: the name
-- of its key, and the way it went. The view `requests` has a column for everything, as the table before had.

CREATE TABLE request_keys (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE request_paths (
    id              INTEGER PRIMARY KEY,
    model           TEXT NOT NULL,
    site            TEXT NOT NULL,
    account         TEXT NOT NULL,
    upstream_model  TEXT NOT NULL,
    client_format   TEXT NOT NULL,
    upstream_format TEXT NOT NULL,
    error_code      TEXT NOT NULL,
    UNIQUE (model, site, account, upstream_model, client_format, upstream_format, error_code)
) STRICT;

-- `key` and `path` are ids of the tables above. `marks` is
-- (status << 16) | (attempts << 8) | (estimated << 5) | (stream << 4) | outcome, see RequestMarks.
-- There is a row for every request, so NOT NULL, STRICT and foreign keys are left out: their checks would make each a
-- tenth to a third dearer. Only RequestStatement writes here.
CREATE TABLE request_rows (
    number             INTEGER PRIMARY KEY,
    id                 TEXT,
    key                INTEGER,
    path               INTEGER,
    marks              INTEGER,
    cost               INTEGER,
    latency_ms         INTEGER,
    attempt_ms         INTEGER,
    first_token_ms     INTEGER,
    input_tokens       INTEGER,
    output_tokens      INTEGER,
    cached_tokens      INTEGER,
    reasoning_tokens   INTEGER,
    cache_write_tokens INTEGER,
    warnings           TEXT
);

INSERT INTO request_keys (name) SELECT DISTINCT key FROM requests ORDER BY key;

INSERT INTO request_paths (model, site, account, upstream_model, client_format, upstream_format, error_code)
SELECT DISTINCT model, site, account, upstream_model, client_format, upstream_format, error_code FROM requests
ORDER BY 1, 2, 3, 4, 5, 6, 7;

INSERT INTO request_rows
SELECT r.number, r.id, k.id, p.id,
    (r.status << 16) | (min(r.attempts, 255) << 8) | (r.estimated << 5) | (r.stream << 4) | r.outcome,
    r.cost, r.latency_ms, r.attempt_ms, r.first_token_ms, r.input_tokens, r.output_tokens, r.cached_tokens,
    r.reasoning_tokens, r.cache_write_tokens, r.warnings
FROM requests AS r
CROSS JOIN request_keys AS k ON k.name = r.key
CROSS JOIN request_paths AS p ON (
    p.model, p.site, p.account, p.upstream_model, p.client_format, p.upstream_format, p.error_code
) = (r.model, r.site, r.account, r.upstream_model, r.client_format, r.upstream_format, r.error_code)
ORDER BY r.number;

-- Only where a request needed more than one plain success; that one is rebuilt from its request row.
CREATE TABLE split_attempts (
    request        INTEGER NOT NULL REFERENCES request_rows (number) ON DELETE CASCADE,
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

INSERT INTO split_attempts
SELECT request, position, site, account, upstream_model, status, fault, reason, ms FROM attempts;

DROP TABLE attempts;
DROP TABLE requests;
ALTER TABLE split_attempts RENAME TO attempts;

-- Left joins, because SQLite leaves out those that a query has no use for.
CREATE VIEW requests AS
SELECT
    r.number             AS number,
    r.id                 AS id,
    k.name               AS key,
    p.model              AS model,
    p.site               AS site,
    p.account            AS account,
    p.upstream_model     AS upstream_model,
    r.marks >> 16        AS status,
    r.marks & 15         AS outcome,
    (r.marks >> 8) & 255 AS attempts,
    r.attempt_ms         AS attempt_ms,
    r.input_tokens       AS input_tokens,
    r.output_tokens      AS output_tokens,
    r.cached_tokens      AS cached_tokens,
    r.cache_write_tokens AS cache_write_tokens,
    r.reasoning_tokens   AS reasoning_tokens,
    (r.marks >> 5) & 1   AS estimated,
    r.cost               AS cost,
    r.latency_ms         AS latency_ms,
    r.first_token_ms     AS first_token_ms,
    (r.marks >> 4) & 1   AS stream,
    p.client_format      AS client_format,
    p.upstream_format    AS upstream_format,
    p.error_code         AS error_code,
    r.warnings           AS warnings
FROM request_rows AS r
LEFT JOIN request_keys AS k ON k.id = r.key
LEFT JOIN request_paths AS p ON p.id = r.path;
