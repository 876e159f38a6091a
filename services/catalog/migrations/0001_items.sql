-- Supervision items with their checklists (art. 7-9, 12).
create table item (
    name text primary key,
    organisation text not null,
    -- Codes in the order people count in ("2" before "10"), then the order of arrival; also the key of pages.
    sort_key text collate "C" not null,
    code text not null,
    title text not null,
    sub_title text not null,
    legal_basis text not null,
    inspecting_body text not null,
    subject_scope text not null,
    ratio text not null,
    frequency text not null,
    method text not null,
    officer_demand text not null,
    remark text not null,
    -- Number of qingtian.catalog.v1.ItemGrade.
    grade integer not null,
    random_listed boolean not null,
    -- [{"content", "method", "penalty_basis"}]
    checklist jsonb not null,
    state text not null,
    -- Everybody who wrote or changed the draft: none of them may publish it (art. 27).
    drafters text[] not null,
    published_by text,
    published_at timestamptz,
    revision bigint not null,
    created_at timestamptz not null,
    changed_by text not null,
    change text not null,
    -- What makes the import of the same list repeatable without doubles.
    constraint item_once unique (organisation, code, title, sub_title),
    constraint item_title_given check (title <> ''),
    constraint item_state_known check (state in ('DRAFT', 'PUBLISHED')),
    constraint item_published_has_basis check (state <> 'PUBLISHED' or legal_basis <> ''),
    constraint item_published_has_checklist check (state <> 'PUBLISHED' or jsonb_array_length(checklist) > 0),
    constraint item_published_by_another
        check (state <> 'PUBLISHED' or published_at is not null and not published_by = any (drafters))
);
create unique index item_by_sort_key on item (organisation, sort_key);

-- A published item is not edited in place (art. 8): not by a mistake of the program either.
create function item_published_is_frozen() returns trigger language plpgsql as $$
begin
    raise exception 'a published item is not edited in place'
        using errcode = 'check_violation', constraint = 'item_published_is_frozen';
end
$$;
create trigger item_published_is_frozen before update on item
    for each row when (old.state = 'PUBLISHED') execute function item_published_is_frozen();

-- How often each organisation has published: the revision of its list, and the lock under which the list changes.
create table item_list (
    organisation text primary key,
    revision bigint not null
);

-- Uploads of item tables, and what became of them.
create table item_import (
    name text primary key,
    organisation text not null,
    file_name text not null,
    state text not null,
    encoding text not null,
    created bigint not null default 0,
    updated bigint not null default 0,
    unchanged bigint not null default 0,
    returned bigint not null default 0,
    problems bigint not null default 0,
    created_at timestamptz not null,
    -- Last time rows went in: an upload that stands still is given up.
    progressed_at timestamptz not null,
    ended_at timestamptz,
    creator text not null,
    constraint item_import_state_known check (state in ('RUNNING', 'FINISHED', 'INTERRUPTED')),
    constraint item_import_ends_once check ((state = 'RUNNING') = (ended_at is null))
);
create index item_import_running on item_import (progressed_at) where state = 'RUNNING';

-- Every value that was returned.
create table item_import_problem (
    import text not null,
    number bigint not null,
    line bigint not null,
    field text not null,
    value text not null,
    reason text not null,
    zh text not null,
    en text not null,
    primary key (import, number),
    constraint item_import_problem_of_import foreign key (import) references item_import (name)
);
