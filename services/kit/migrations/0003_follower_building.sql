-- Whether what was built from the peer's events was cleared and is not whole again yet. Until it is, nobody is told from it that
-- something is not there.
alter table follower add column building boolean not null default false;
