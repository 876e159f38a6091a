-- The public read model (art. 9, 10, 26, 33). Every row follows from the other parts' events, so nothing here is frozen: it
-- can be cleared and built anew. `message` is the contract's message without account names, as it is shown.
create table organisation (
    name text primary key,
    title text not null,
    title_en text not null
);

create table item (
    name text primary key,
    -- Organisation and number, digits padded, so that 2 comes before 10.
    place text collate "C" not null,
    code text not null,
    title text not null,
    sub_title text not null,
    message bytea not null
);
create index item_place on item (place);

create table plan (
    name text primary key,
    year integer not null,
    organisation text not null,
    title text not null,
    published_at timestamptz not null,
    items text[] not null,
    message bytea not null
);
create index plan_newest on plan (published_at, name);

create table draw (
    name text primary key,
    year integer not null,
    number integer not null,
    organisation text not null,
    plan text not null,
    plan_title text not null,
    replaces text not null,
    state integer not null,
    drawn bigint not null,
    message bytea not null,
    entries_signature text not null default '',
    -- From the reveal on.
    revealed_at timestamptz,
    evidence_blob bytea,
    evidence_size bigint not null default 0,
    names_blob bytea,
    subjects_blob bytea,
    left_out_blob bytea,
    -- Result and evidence are public from this day on (art. 18); null: from the reveal on.
    publish_after date,
    without_team bigint not null default 0,
    -- So many officers (load_officers[i]) have so many subjects (load_subjects[i]).
    load_subjects integer[] not null default '{}',
    load_officers integer[] not null default '{}',
    visits bigint not null default 0,
    -- Abandoned or failed.
    ended_at timestamptz,
    constraint draw_number_once unique (year, number)
);
create index draw_plan on draw (plan);
create index draw_replaces on draw (replaces) where replaces <> '';

-- Who was drawn, in the order of result.tsv.
create table drawn (
    draw text not null references draw (name) on delete cascade,
    place integer not null,
    key text collate "C" not null,
    title text not null,
    stratum text not null,
    district text not null,
    ticket text not null,
    officers text[] not null,
    experts text[] not null,
    primary key (draw, place),
    constraint drawn_once unique (draw, key)
);
