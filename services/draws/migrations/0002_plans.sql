-- Inspection plans (art. 9, 14).

-- The last number given in each year. Its row is locked while a plan takes its number, so numbers have no gaps.
create table plan_year (
    year integer primary key,
    last integer not null
);

create table plan (
    year integer not null,
    number integer not null,
    name text not null,
    organisation text not null,
    title text not null,
    kind text not null,
    state text not null,
    items text[] not null,
    districts text[] not null,
    stratification text not null,
    quotas jsonb not null,
    teams jsonb not null,
    cover_district boolean not null,
    start_on date,
    end_on date,
    method text not null,
    frequency text not null,
    approved_exception text not null,
    return_reason text not null default '',
    late boolean not null default false,
    revision bigint not null,
    creator text not null,
    -- Everybody who wrote or submitted it: none of them may publish or return it.
    authors text[] not null,
    publisher text not null default '',
    created_at timestamptz not null,
    published_at timestamptz,
    changed_at timestamptz not null,
    changed_by text not null,
    changed_what text not null,
    primary key (year, number),
    constraint plan_name_once unique (name),
    constraint plan_state_is_known check (state in ('DRAFT', 'IN_REVIEW', 'PUBLISHED', 'FINISHED')),
    constraint plan_published_has_time_and_publisher check (
        (state in ('PUBLISHED', 'FINISHED')) = (published_at is not null and publisher <> '')
    ),
    constraint plan_not_published_by_an_author check (not (publisher = any(authors))),
    constraint plan_days_in_order check (start_on <= end_on)
);
create index plan_by_organisation on plan (organisation, year desc, number desc);

-- What was published stays: only its ending may still be written.
create function plan_published_stays() returns trigger language plpgsql as $$
begin
    if old.state in ('PUBLISHED', 'FINISHED')
        and (to_jsonb(new) - '{state,revision,changed_at,changed_by,changed_what}'::text[]) is distinct from
            (to_jsonb(old) - '{state,revision,changed_at,changed_by,changed_what}'::text[]) then
        raise exception 'a published plan cannot be changed' using errcode = 'restrict_violation', constraint = 'plan_published_stays';
    end if;
    if (old.state, new.state) not in (
        ('DRAFT', 'DRAFT'), ('DRAFT', 'IN_REVIEW'), ('IN_REVIEW', 'DRAFT'), ('IN_REVIEW', 'PUBLISHED'),
        ('PUBLISHED', 'FINISHED')
    ) then
        raise exception 'a plan does not go from % to %', old.state, new.state
            using errcode = 'restrict_violation', constraint = 'plan_transition';
    end if;
    return new;
end $$;
create trigger plan_published_stays before update on plan for each row execute function plan_published_stays();
