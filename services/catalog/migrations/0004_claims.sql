-- Items handed down from the state or the province, claimed by departments within a period (art. 6, 41).

-- How long a department has, by version with legal basis; a claim keeps the version of its start.
create table claim_setting (
    version text primary key,
    effective_on date not null constraint claim_setting_from_one_day unique,
    -- Field of application.
    field text not null,
    -- Working days.
    days integer not null constraint claim_setting_days_fit check (days between 1 and 250),
    basis text not null constraint claim_setting_rests_on_law check (basis <> '')
);
create function claim_setting_stays() returns trigger language plpgsql as $$
begin
    raise exception 'a version of a setting stays as it is' using errcode = 'restrict_violation', constraint = 'claim_setting_stays';
end
$$;
create trigger claim_setting_stays before update or delete on claim_setting for each row execute function claim_setting_stays();
insert into claim_setting (version, effective_on, field, days, basis) values
    ('2022-1', '2022-03-18', '全市监管事项认领', 20, '汴政办〔2022〕14号第六条（及时认领），期限由市“互联网+监管”牵头协调机构确定');

-- Organisations as identity announced them.
create table organisation (
    name text primary key,
    title text not null
);

create table claim (
    name text primary key,
    organisation text not null,
    code text not null,
    title text not null,
    sub_title text not null,
    -- The item as it was handed down: a qingtian.catalog.v1.Item.
    item bytea not null,
    -- Number of qingtian.catalog.v1.ItemLevel.
    level integer not null,
    state text not null,
    decline_reason text not null default '',
    ruling_reason text not null default '',
    made_item text,
    renewal boolean not null,
    issuer text not null,
    issued_at timestamptz not null,
    revision bigint not null,
    changed_by text not null,
    change text not null,
    constraint claim_state_known check (state in ('TO_CLAIM', 'CLAIMED', 'DECLINED', 'ORDERED', 'WITHDRAWN')),
    constraint claim_makes_an_item check ((state = 'CLAIMED') = (made_item is not null)),
    constraint claim_declined_with_reason check (state not in ('DECLINED', 'ORDERED') or decline_reason <> ''),
    constraint claim_ruled_with_reason check (state not in ('ORDERED', 'WITHDRAWN') or ruling_reason <> ''),
    constraint claim_of_item foreign key (made_item) references item (name)
);
-- A department is asked once at a time for one thing.
create unique index claim_open_once on claim (organisation, code, title, sub_title)
    where state in ('TO_CLAIM', 'DECLINED', 'ORDERED');
create index claim_by_organisation on claim (organisation, issued_at desc, name desc);
create index claim_by_time on claim (issued_at desc, name desc);
create index claim_made on claim (organisation, code) where state = 'CLAIMED';
