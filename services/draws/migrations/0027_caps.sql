-- Frequency caps (art. 17): planned visits a subject, authority and calendar year, by credit class; versions with legal basis.
create table cap (
    id text primary key,
    organisation text not null,
    -- `organisations/{organisation}` whose visits it bounds; empty for those of all together.
    authority text not null,
    year integer not null,
    -- Class, or `*`, to visits.
    limits jsonb not null constraint cap_limits_something check (jsonb_typeof(limits) = 'object' and limits <> '{}'),
    basis text not null constraint cap_rests_on_law check (basis <> ''),
    effective_on date not null constraint cap_effective_in_its_year check (extract(year from effective_on) = year),
    state text not null constraint cap_state_known check (state in ('DRAFT', 'PUBLISHED', 'REJECTED')),
    revision bigint not null,
    creator text not null,
    created_at timestamptz not null,
    decider text not null default '',
    decided_at timestamptz,
    reject_reason text not null default '',
    constraint cap_decided check ((state = 'DRAFT') = (decider = '') and (state = 'DRAFT') = (decided_at is null)),
    constraint cap_published_by_another check (state <> 'PUBLISHED' or decider <> creator),
    constraint cap_rejected_with_reason check ((state = 'REJECTED') = (reject_reason <> ''))
);
-- Two versions of one authority never take effect on one day, so that which one counts is never a question.
create unique index cap_day_once on cap (authority, effective_on) where state = 'PUBLISHED';
create index cap_by_organisation on cap (organisation, created_at desc, id desc);

create function cap_keeps_what_it_says() returns trigger language plpgsql as $$
begin
    if old.state <> 'DRAFT' or (new.id, new.organisation, new.authority, new.year, new.limits, new.basis, new.effective_on,
            new.creator, new.created_at)
        is distinct from (old.id, old.organisation, old.authority, old.year, old.limits, old.basis, old.effective_on,
            old.creator, old.created_at)
    then
        raise exception 'a version of caps keeps what it says, and is decided once'
            using errcode = 'restrict_violation', constraint = 'cap_kept';
    end if;
    return new;
end $$;
create trigger cap_kept before update on cap for each row execute function cap_keeps_what_it_says();
create trigger cap_never_removed before delete on cap for each row execute function refuse_change();
create trigger cap_never_emptied before truncate on cap for each statement execute function refuse_change();

-- The versions in force on a day, one an authority.
create function cap_limits(day date) returns table (authority text, limits jsonb) language sql stable as $$
    select distinct on (c.authority) c.authority, c.limits from cap c
    where c.state = 'PUBLISHED' and c.effective_on <= day and c.year = extract(year from day)
    order by c.authority, c.effective_on desc
$$;
-- What a version says of a credit class, empty for none; null where it says nothing.
create function cap_of(limits jsonb, class text) returns integer language sql immutable as $$
    select coalesce(limits ->> (case when class is null or class = '' then 'UNCLASSIFIED' else class end), limits ->> '*')::integer
$$;

-- What a visit is for, and whether somebody may know of it: both say how it counts.
alter table visit add column kind text not null default 'PLANNED'
    constraint visit_kind_known check (kind in ('PLANNED', 'FOR_CAUSE', 'RECHECK'));
alter table visit add column unannounced boolean not null default false;
update visit set unannounced = true
    where second_visit_reason = '公布日期之前不公开的检查，不占用本季度 unannounced until its day of publication';

-- Visits by authority (empty: all together), subject and year. Nobody writes it but the trigger below: a visit cannot be made
-- without taking its place here, and beyond the cap in force there is none, however many draws are dispatched at once.
create table visit_use (
    year integer not null,
    authority text not null,
    subject text not null,
    used integer not null default 0,
    -- For cause, and rechecks: never refused.
    apart integer not null default 0,
    -- Whom a published reason would name before its day.
    unannounced integer not null default 0,
    -- The cap in force at the last planned visit; null for none.
    cap integer,
    constraint visit_use_of_a_subject primary key (year, authority, subject),
    constraint cap_not_exceeded check (cap is null or used <= cap)
);

insert into visit_use (year, authority, subject, used, unannounced)
    select left(v.quarter, 4)::integer, a.name, v.subject,
        count(*) filter (where not v.unannounced), count(*) filter (where v.unannounced)
    from visit v cross join lateral (values (v.organisation), ('')) a (name) group by 1, 2, 3;

create function visit_takes_its_place() returns trigger language plpgsql as $$
begin
    -- In the order in which dispatch locks the rows beforehand.
    insert into visit_use as u (year, authority, subject, used, apart, unannounced, cap)
        select left(m.quarter, 4)::integer, a.name, m.subject,
            count(*) filter (where m.kind = 'PLANNED' and not m.unannounced), count(*) filter (where m.kind <> 'PLANNED'),
            count(*) filter (where m.kind = 'PLANNED' and m.unannounced),
            min(cap_of(c.limits, s.credit_class)) filter (where m.kind = 'PLANNED' and not m.unannounced)
        from made m join plan p on p.name = m.plan
            left join subject s on s.organisation = p.organisation and s.key = m.subject
            cross join lateral (values (m.organisation), ('')) a (name)
            left join lateral cap_limits((m.created_at at time zone 'Asia/Shanghai')::date) c on c.authority = a.name
        group by 1, 2, 3 order by m.subject collate "C", a.name collate "C"
    on conflict on constraint visit_use_of_a_subject do update set used = u.used + excluded.used, apart = u.apart + excluded.apart,
        unannounced = u.unannounced + excluded.unannounced, cap = case when excluded.used > 0 then excluded.cap else u.cap end;
    return null;
end $$;
create trigger visit_takes_its_place after insert on visit referencing new table as made
    for each statement execute function visit_takes_its_place();

-- A drawn subject may also be deferred because the year's visits are used up; then there is no other visit to name.
alter table draw_deferred drop constraint draw_deferred_reason_known;
alter table draw_deferred add constraint draw_deferred_reason_known check (reason in ('VISITED_THIS_QUARTER', 'BUDGET_SPENT'));
alter table draw_deferred alter column other_visit drop not null;
alter table draw_deferred add constraint draw_deferred_for_a_visit check ((reason = 'VISITED_THIS_QUARTER') = (other_visit is not null));
