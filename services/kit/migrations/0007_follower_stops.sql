-- Where a follower stands before an event that it cannot apply: what it is, why not, and since when. It tries again by itself;
-- a person may have it passed over.
alter table follower add column stopped_position bigint;
alter table follower add column stopped_hash text not null default '';
alter table follower add column stopped_event text not null default '';
alter table follower add column problem text not null default '';
alter table follower add column stopped_at timestamptz;
alter table follower add constraint follower_stop_is_whole
    check ((stopped_position is null) = (stopped_at is null) and (stopped_position is null) = (problem = ''));

-- Events that were passed over by a person's decision. The hash: another event at the same position of a restored log is not meant.
-- The model: a release that builds anew tries them again.
create table parked_event (
    peer text not null,
    position bigint not null,
    hash text not null,
    model integer not null,
    event text not null,
    problem text not null,
    reason text not null,
    parked_by text not null,
    parked_at timestamptz not null,
    primary key (peer, position, hash, model),
    constraint parked_event_has_a_reason check (reason <> '' and parked_by <> '')
);
