-- What conversions have to know of the models of a site, a JSON object; and who wants nothing lost in them.

ALTER TABLE sites ADD COLUMN conversion TEXT NOT NULL DEFAULT '{}';
ALTER TABLE keys ADD COLUMN strict_conversion INTEGER NOT NULL DEFAULT 0;
ALTER TABLE routes ADD COLUMN strict_conversion INTEGER NOT NULL DEFAULT 0;
