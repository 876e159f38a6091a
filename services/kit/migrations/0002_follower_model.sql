-- What was built from the peer's events: a release that takes more from them than the one before it knows by a larger number that
-- it has to read them anew.
alter table follower add column model integer not null default 0;
