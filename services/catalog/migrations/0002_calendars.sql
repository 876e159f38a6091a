-- Versions of the years' official calendars (art. 18, 31).
create table calendar (
    name text collate "C" primary key,
    year integer not null,
    version bigint not null,
    state text not null,
    content text not null,
    -- The notices, for searching and showing.
    bases text[] not null,
    creator text not null,
    created_at timestamptz not null,
    reviewer text not null default '',
    reviewed_at timestamptz,
    reason text not null default '',
    revision bigint not null default 1,
    constraint calendar_version_once unique (year, version),
    constraint calendar_state_known check (state in ('IN_REVIEW', 'OFFICIAL', 'REPLACED', 'REJECTED')),
    constraint calendar_has_basis check (cardinality(bases) > 0),
    -- Whoever approves is not who asked (art. 27); those of the delivery nobody entered.
    constraint calendar_in_force_by_another check (state not in ('OFFICIAL', 'REPLACED') or reviewer <> creator)
);
create unique index calendar_in_force on calendar (year) where state = 'OFFICIAL';
create unique index calendar_waits_once on calendar (year) where state = 'IN_REVIEW';
