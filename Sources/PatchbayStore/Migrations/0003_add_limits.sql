-- Settings that are whole numbers: a JSON object by the id of the setting, such as {"timeouts.connect":5000}.

ALTER TABLE sites ADD COLUMN policy TEXT NOT NULL DEFAULT '{}';
ALTER TABLE sites ADD COLUMN concurrency TEXT NOT NULL DEFAULT '{}';
ALTER TABLE sites ADD COLUMN pool TEXT NOT NULL DEFAULT '{}';
ALTER TABLE accounts ADD COLUMN max_concurrency INTEGER;
ALTER TABLE keys ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';
ALTER TABLE routes ADD COLUMN policy TEXT NOT NULL DEFAULT '{}';
ALTER TABLE routes ADD COLUMN concurrency TEXT NOT NULL DEFAULT '{}';

-- Keys that share limits. A key may name a group that is declared nowhere: it has no limits then.
CREATE TABLE key_groups (
    name   TEXT PRIMARY KEY NOT NULL,
    limits TEXT NOT NULL
) STRICT, WITHOUT ROWID;
