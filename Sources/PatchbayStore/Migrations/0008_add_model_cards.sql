-- What people say of the model of a route: its name for people, and what it can do as a JSON object by the id of the
-- member, such as {"capabilities.context_window":200000}.

ALTER TABLE routes ADD COLUMN display_name TEXT;
ALTER TABLE routes ADD COLUMN capabilities TEXT NOT NULL DEFAULT '{}';
