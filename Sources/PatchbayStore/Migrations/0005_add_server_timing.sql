-- Which keys are told where the time of their requests went.

ALTER TABLE keys ADD COLUMN server_timing INTEGER NOT NULL DEFAULT 0;
