-- The register of subjects in full (art. 13): how a subject's life stands, every version of it, and changes that a second
-- person approves.

-- How somebody who is not in business went; empty while in business, and where nobody knows.
alter table subject add column gone text not null default '';
alter table subject add constraint subject_gone_is_known check (gone in ('', 'SUSPENDED', 'DEREGISTERED', 'REVOKED', 'MOVED_OUT'));
alter table subject add constraint subject_in_business_is_not_gone check (not in_business or gone = '');
-- Why it last changed, and the import or change request that brought it.
alter table subject add column changed_why text not null default '';
alter table subject add column changed_with text not null default '';

-- What was changed by hand before versions were kept has its reason here.
update subject set changed_why = s.reason
    from subject_status s
    where s.organisation = subject.organisation and s.key = subject.key and s.at = subject.changed_at;

-- What lists look through: by name and by time of change; by key it is the primary key.
create index subject_by_title on subject (organisation, title collate "C", key);
create index subject_by_change on subject (organisation, changed_at, key);
-- Parts of names of three characters and more. Where the server comes without pg_trgm, lists read the register instead, and
-- count no further than their bound.
do $$ begin
    if exists (select from pg_available_extensions where name = 'pg_trgm') then
        create extension if not exists pg_trgm;
        create index subject_by_part_of_title on subject using gin (title gin_trgm_ops);
    end if;
end $$;

-- Every version of a subject that another one followed (art. 43): nothing is overwritten. The newest is `subject` itself.
create table subject_version (
    organisation text not null,
    key text collate "C" not null,
    revision bigint not null,
    title text not null,
    district text not null,
    industry text not null,
    address text not null,
    in_business boolean not null,
    gone text not null,
    credit_class text not null,
    changed_at timestamptz not null,
    changed_by text not null,
    changed_what text not null,
    changed_why text not null,
    changed_with text not null,
    primary key (organisation, key, revision)
);
create trigger subject_version_frozen before update or delete on subject_version for each row execute function refuse_change();
create trigger subject_version_kept before truncate on subject_version for each statement execute function refuse_change();

-- One statement a batch, whoever writes it; rows that are new have no version yet and cost nothing here.
create function subject_keeps_versions() returns trigger language plpgsql as $$
begin
    insert into subject_version
        select o.organisation, o.key, o.revision, o.title, o.district, o.industry, o.address, o.in_business, o.gone,
            o.credit_class, o.changed_at, o.changed_by, o.changed_what, o.changed_why, o.changed_with
        from before_rows o join after_rows n on n.organisation = o.organisation and n.key = o.key
        where n.revision <> o.revision;
    return null;
end $$;
create trigger subject_keeps_versions after update on subject
    referencing old table as before_rows new table as after_rows
    for each statement execute function subject_keeps_versions();

-- A change of many subjects at once, or one that waits for a second person because a published plan has not been drawn yet.
create table register_change (
    id text collate "C" primary key,
    organisation text not null,
    kind text not null constraint register_change_kind_is_known check (kind in ('STATUS', 'DISTRICT', 'IMPORT')),
    -- The new status or district; for an import its id.
    value text not null,
    reason text not null,
    -- The published plan that is not drawn yet; empty where none stood in the way.
    plan text not null,
    state text not null constraint register_change_state_is_known check (state in ('PENDING', 'APPLYING', 'APPLIED', 'REJECTED')),
    revision bigint not null,
    creator text not null,
    created_at timestamptz not null,
    decider text not null default '',
    decided_at timestamptz,
    decide_reason text not null default '',
    ended_at timestamptz,
    rows bigint not null,
    changed bigint not null default 0,
    unchanged bigint not null default 0,
    refused bigint not null default 0,
    constraint register_change_not_decided_by_its_creator check (decider <> creator),
    constraint register_change_needs_a_second_person check (plan = '' or state in ('PENDING') or decider <> ''),
    constraint register_change_ended_has_a_time check ((state in ('APPLIED', 'REJECTED')) = (ended_at is not null)),
    constraint register_change_rows_are_bounded check (rows between 1 and 100000 or kind = 'IMPORT')
);
create index register_change_by_organisation on register_change (organisation, id);
create index register_change_under_way on register_change (id) where state = 'APPLYING';
create index register_change_pending on register_change (organisation, id) where state = 'PENDING';

-- Its subjects, each at the revision that was seen when the change was asked for.
create table register_change_row (
    change text collate "C" not null references register_change,
    key text collate "C" not null,
    revision bigint not null,
    outcome text not null default '' constraint register_change_row_outcome_is_known
        check (outcome in ('', 'CHANGED', 'UNCHANGED', 'STALE', 'NOT_FOUND')),
    -- For STALE: who changed it meanwhile, and what.
    note text not null default '',
    primary key (change, key)
);
create index register_change_row_to_do on register_change_row (change, key) where outcome = '';
create index register_change_row_by_key on register_change_row (key);

-- An import that waits for its second person keeps its bytes and how they are to be read.
alter table import add column change text not null default '';
alter table import add column reason text not null default '';
alter table import add column file text not null default '';
alter table import add column manner jsonb;
alter table import drop constraint import_state_is_known;
alter table import add constraint import_state_is_known check (state in ('RUNNING', 'FINISHED', 'INTERRUPTED', 'WAITING', 'APPLYING', 'REJECTED'));
alter table import drop constraint import_ended_has_a_time;
alter table import add constraint import_ended_has_a_time check ((state in ('RUNNING', 'WAITING', 'APPLYING')) = (ended_at is null));
