-- People of the draws (art. 13, 15, 16): the experts register, officers' leave, yearly declarations of interests, and how a
-- declared conflict ends.
--
-- `holder` names a person for good: `users/{user}` of an officer, `experts/{key}` of an expert. A certificate is replaced by a
-- new one in time; what its holder declared stays declared.

-- The key under which a person's private words are sealed, itself sealed under the part's own. Destroying the row makes them
-- unreadable for ever.
create table person_key (
    holder text collate "C" primary key,
    sealed bytea not null
);

-- Experts (专家名录库). The key is a register number: it stands in evidence, and is nobody's identity number.
create table expert (
    key text collate "C" primary key,
    organisation text not null,
    -- Real name and the words of the interests, sealed under the person's key; the name's keyed digest finds it again.
    private bytea not null,
    name_digest text not null,
    employer text collate "C" not null,
    districts text[] not null,
    specialties text[] not null,
    -- Retired from this day on; null while active.
    retired_on date,
    retire_reason text not null default '',
    revision bigint not null,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    changed_by text not null,
    changed_what text not null,
    constraint expert_key_is_a_name check (key ~ '^[0-9A-Za-z:/._-]{1,64}$'),
    constraint expert_key_is_no_identity_number check (key !~ '^([0-9]{15}|[0-9]{17}[0-9Xx])$'),
    constraint expert_has_an_employer check (employer <> ''),
    constraint expert_revision_from_one check (revision >= 1),
    constraint expert_retired_with_reason check ((retired_on is null) = (retire_reason = ''))
);
create index expert_by_organisation on expert (organisation, key);
create index expert_by_name on expert (organisation, name_digest);

-- Every version of every expert (art. 43): nothing is overwritten.
create table expert_version (
    key text collate "C" not null references expert,
    revision bigint not null,
    private bytea not null,
    employer text not null,
    districts text[] not null,
    specialties text[] not null,
    retired_on date,
    retire_reason text not null,
    changed_at timestamptz not null,
    changed_by text not null,
    changed_what text not null,
    primary key (key, revision)
);

-- Officers' leave (请假). Periods are whole days, both ends included.
create table leave (
    id text collate "C" primary key,
    holder text collate "C" not null,
    organisation text not null,
    -- Certificate number when it was entered.
    officer text collate "C" not null,
    first_day date not null,
    last_day date not null,
    kind text not null constraint leave_kind_known check (kind in ('ANNUAL', 'SICK', 'FAMILY', 'TRAINING', 'SECONDED', 'OTHER')),
    -- Sealed under the person's key.
    reason bytea not null,
    creator text not null,
    created_at timestamptz not null,
    constraint leave_has_days check (first_day <= last_day)
);
create index leave_by_holder on leave (holder, last_day);
create index leave_by_organisation on leave (organisation, id);

-- A leave that ended early: another act, beside the first.
create table leave_end (
    leave text collate "C" primary key references leave,
    -- Last day after all; the day before the first when it was never taken.
    last_day date not null,
    actor text not null,
    at timestamptz not null
);

-- Conflicts of officers and experts. What was declared before belongs to whoever holds the certificate now.
alter table conflict add column holder text collate "C" not null default '';
update conflict c set holder = o.user_name from officer o where o.key = c.officer;
-- Counts how often the same conflict was lifted before: one that comes back is declared anew.
alter table conflict add column turn integer not null default 0 constraint conflict_turn_not_negative check (turn >= 0);
alter table conflict drop constraint conflict_declared_once;
alter table conflict add constraint conflict_declared_once unique (organisation, officer, subject, turn);
create index conflict_by_holder on conflict (holder);

-- The end of a conflict (art. 16): asked with a reason, decided by another person, once.
create table conflict_lift (
    id text collate "C" primary key,
    conflict text collate "C" not null references conflict,
    organisation text not null,
    reason text not null,
    creator text not null,
    created_at timestamptz not null,
    -- From here on the columns move with the decision, once.
    state text not null constraint conflict_lift_state_known check (state in ('REQUESTED', 'LIFTED', 'REJECTED')),
    decider text not null default '',
    decided_at timestamptz,
    reject_reason text not null default '',
    constraint conflict_lift_decided_by_somebody check ((state = 'REQUESTED') = (decider = '') and (state = 'REQUESTED') = (decided_at is null)),
    constraint conflict_lift_decided_by_another check (decider <> creator),
    constraint conflict_lift_rejected_with_reason check ((state = 'REJECTED') = (reject_reason <> ''))
);
create unique index conflict_lift_once on conflict_lift (conflict) where state <> 'REJECTED';
create index conflict_lift_by_conflict on conflict_lift (conflict, id);

create function conflict_lift_goes_one_way() returns trigger language plpgsql as $$
begin
    if (new.id, new.conflict, new.organisation, new.reason, new.creator, new.created_at) is distinct from
       (old.id, old.conflict, old.organisation, old.reason, old.creator, old.created_at)
    then
        raise exception 'a request keeps what it was asked with' using errcode = 'restrict_violation', constraint = 'conflict_lift_kept';
    end if;
    if old.state <> 'REQUESTED' then
        raise exception 'a request is decided once' using errcode = 'restrict_violation', constraint = 'conflict_lift_one_way';
    end if;
    return new;
end $$;
create trigger conflict_lift_one_way before update on conflict_lift for each row execute function conflict_lift_goes_one_way();
create trigger conflict_lift_never_removed before delete on conflict_lift for each row execute function refuse_change();

-- Yearly declarations (art. 16): none, or every conflict that stands, as it was on the day.
create table declaration (
    id text collate "C" primary key,
    holder text collate "C" not null,
    organisation text not null,
    -- Certificate or register number when it was declared.
    person text collate "C" not null,
    year integer not null constraint declaration_year_of_the_regulation check (year between 2022 and 2100),
    -- Keys of the subjects; empty for none.
    subjects text[] not null,
    creator text not null,
    created_at timestamptz not null,
    constraint declaration_once_a_year unique (holder, year)
);
create index declaration_by_organisation on declaration (organisation, id);

do $$
declare
    kept text;
begin
    foreach kept in array array['expert_version', 'leave', 'leave_end', 'conflict', 'declaration']
    loop
        execute format('create trigger %I before update or delete on %I for each row execute function refuse_change()',
            kept || '_frozen', kept);
        execute format('create trigger %I before truncate on %I for each statement execute function refuse_change()',
            kept || '_kept', kept);
    end loop;
end $$;
create trigger expert_never_removed before delete on expert for each row execute function refuse_change();
