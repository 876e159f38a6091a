-- Versions of published items (art. 8), who is responsible for each (art. 8), terms of the random-inspection list (art. 12, 18).
alter table item
    add column leader text not null default '',
    add column undertaking_unit text not null default '',
    add column handler text not null default '',
    -- {"ratio_percent_max", "visits_per_year_max", "publish_within_workdays", "withheld", "publication_basis"}
    add column listing jsonb not null default '{}',
    -- Number of the version in force; 0 before the first publication.
    add column version bigint not null default 0,
    -- Why the revision under way was opened, or why the item was retired.
    add column change_reason text not null default '',
    drop constraint item_state_known,
    add constraint item_state_known check (state in ('DRAFT', 'PUBLISHED', 'REVISING', 'RETIRED'));

drop trigger item_published_is_frozen on item;
update item set version = 1 where state = 'PUBLISHED';
alter table item add constraint item_published_has_version check ((state = 'DRAFT') = (version = 0));

-- What is in force is not edited in place, only taken into revision; what is retired stays so (art. 8).
create or replace function item_published_is_frozen() returns trigger language plpgsql as $$
declare
    of_the_act constant text[] := array['state', 'revision', 'drafters', 'changed_by', 'change', 'change_reason'];
begin
    if old.state = 'PUBLISHED' and new.state = 'REVISING' and to_jsonb(old) - of_the_act = to_jsonb(new) - of_the_act then
        return new;
    end if;
    raise exception 'a published item is not edited in place'
        using errcode = 'check_violation', constraint = 'item_published_is_frozen';
end
$$;
create trigger item_published_is_frozen before update on item
    for each row when (old.state in ('PUBLISHED', 'RETIRED')) execute function item_published_is_frozen();

-- Each publication, as it was; the service may add to it and read it, nothing else.
create table item_version (
    item text not null,
    number bigint not null,
    organisation text not null,
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
    grade integer not null,
    random_listed boolean not null,
    checklist jsonb not null,
    leader text not null,
    undertaking_unit text not null,
    handler text not null,
    listing jsonb not null,
    drafters text[] not null,
    -- Revision of the item at its publication.
    revision bigint not null,
    published_by text not null,
    published_at timestamptz not null,
    reason text not null,
    constraint item_version_once primary key (item, number),
    constraint item_version_of_item foreign key (item) references item (name),
    constraint item_version_counts check (number >= 1)
);
insert into item_version
select name, 1, organisation, sort_key, code, title, sub_title, legal_basis, inspecting_body, subject_scope, ratio, frequency,
    method, officer_demand, remark, grade, random_listed, checklist, leader, undertaking_unit, handler, listing, drafters,
    revision, published_by, published_at, ''
from item where state = 'PUBLISHED';
-- Versions from before stay as they are; every later one names those responsible (art. 8).
alter table item_version add constraint item_version_has_responsible
    check (leader <> '' and undertaking_unit <> '' and handler <> '') not valid;
