-- What people declare through the admin API. Lists of models and of words are JSON arrays as text, in the order given.

CREATE TABLE sites (
    name                 TEXT PRIMARY KEY NOT NULL,
    platform             TEXT NOT NULL,
    base_url             TEXT NOT NULL,
    formats              TEXT NOT NULL,
    plugin_configuration TEXT NOT NULL,
    enabled              INTEGER NOT NULL
) STRICT;

-- The value of a header may be a secret, so it lies in `secrets` (owner 'sites', field 'header:<position>').
CREATE TABLE site_headers (
    site     TEXT NOT NULL REFERENCES sites (name) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    name     TEXT NOT NULL,
    PRIMARY KEY (site, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
    site              TEXT NOT NULL REFERENCES sites (name) ON DELETE CASCADE,
    name              TEXT NOT NULL,
    credential_kind   TEXT NOT NULL,
    models            TEXT,
    enabled           INTEGER NOT NULL,
    PRIMARY KEY (site, name)
) STRICT, WITHOUT ROWID;

-- The plain parts of a credential; its secret parts lie in `secrets` (owner 'accounts', field 'credential:<name>').
CREATE TABLE account_fields (
    site    TEXT NOT NULL,
    account TEXT NOT NULL,
    name    TEXT NOT NULL,
    value   TEXT NOT NULL,
    PRIMARY KEY (site, account, name),
    FOREIGN KEY (site, account) REFERENCES accounts (site, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    site        TEXT NOT NULL,
    account     TEXT NOT NULL,
    name        TEXT NOT NULL,
    token_group TEXT,
    price_ratio REAL NOT NULL,
    models      TEXT,
    enabled     INTEGER NOT NULL,
    PRIMARY KEY (site, account, name),
    FOREIGN KEY (site, account) REFERENCES accounts (site, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
    name           TEXT PRIMARY KEY NOT NULL,
    digest         BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    display_prefix TEXT NOT NULL,
    models         TEXT NOT NULL,
    key_group      TEXT NOT NULL,
    enabled        INTEGER NOT NULL
) STRICT;

CREATE TABLE routes (
    model TEXT PRIMARY KEY NOT NULL
) STRICT;

-- A channel may name a site that the configuration file declares, so it refers to no table.
CREATE TABLE route_channels (
    model          TEXT NOT NULL REFERENCES routes (model) ON DELETE CASCADE,
    position       INTEGER NOT NULL,
    site           TEXT NOT NULL,
    account        TEXT,
    token          TEXT,
    upstream_model TEXT,
    priority       INTEGER NOT NULL,
    weight         INTEGER NOT NULL,
    PRIMARY KEY (model, position)
) STRICT, WITHOUT ROWID;

-- Sealed values. The row they belong to is authenticated with them, so they cannot be moved.
CREATE TABLE secrets (
    owner     TEXT NOT NULL,
    owner_row TEXT NOT NULL,
    field     TEXT NOT NULL,
    sealed    BLOB NOT NULL,
    PRIMARY KEY (owner, owner_row, field)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER sites_forget_secrets AFTER DELETE ON sites BEGIN
    DELETE FROM secrets WHERE owner = 'sites' AND owner_row = old.name;
END;

CREATE TRIGGER accounts_forget_secrets AFTER DELETE ON accounts BEGIN
    DELETE FROM secrets WHERE owner = 'accounts' AND owner_row = old.site || '/' || old.name;
END;

CREATE TRIGGER tokens_forget_secrets AFTER DELETE ON tokens BEGIN
    DELETE FROM secrets
    WHERE owner = 'tokens' AND owner_row = old.site || '/' || old.account || '/' || old.name;
END;

CREATE TABLE settings (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What was last seen of an account, also of one that the configuration file declares.
CREATE TABLE account_state (
    account         TEXT PRIMARY KEY NOT NULL,
    balance         INTEGER,
    last_error      TEXT,
    checked_at      INTEGER,
    models          TEXT,
    models_at       INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE plugin_kv (
    plugin     TEXT NOT NULL,
    scope      TEXT NOT NULL,
    key        TEXT NOT NULL,
    value      BLOB NOT NULL,
    revision   INTEGER NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (plugin, scope, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX plugin_kv_expiry ON plugin_kv (expires_at) WHERE expires_at IS NOT NULL;
