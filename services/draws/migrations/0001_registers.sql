-- Registers (art. 13). Keys sort by bytes everywhere, as the draw's frozen files do.

-- Organisations as identity announced them.
create table organisation (
    name text primary key,
    title text not null,
    title_en text not null,
    district text not null,
    enforcing boolean not null
);

-- Enforcement officers as identity announced them; `key` is the certificate number.
create table officer (
    key text collate "C" primary key,
    user_name text not null,
    organisation text not null,
    expire_on date not null,
    districts text[] not null,
    specialties text[] not null,
    active boolean not null
);
create index officer_by_organisation on officer (organisation, key);
create index officer_by_user on officer (user_name);

-- Items as catalog announced them: what a plan may name (art. 9, 12).
create table item (
    name text primary key,
    title text not null,
    published boolean not null,
    random_listed boolean not null,
    has_checklist boolean not null
);

-- Subjects of each organisation's register. The primary key is the order in which a draw reads its pool.
create table subject (
    organisation text not null,
    key text collate "C" not null,
    title text not null,
    district text not null,
    industry text not null,
    address text not null,
    in_business boolean not null,
    old_number boolean not null,
    credit_class text not null default '',
    revision bigint not null default 1,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    changed_by text not null,
    changed_what text not null,
    primary key (organisation, key),
    constraint subject_key_is_a_name check (key ~ '^[0-9A-Za-z:/._-]{1,64}$'),
    constraint subject_has_a_title check (title <> ''),
    constraint subject_district_is_six_digits check (district ~ '^[0-9]{6}$'),
    constraint subject_credit_class_is_known check (credit_class in ('', 'A', 'B', 'C', 'D'))
);

-- Why a subject's status was changed by hand: append-only (art. 43).
create table subject_status (
    id bigint generated always as identity primary key,
    organisation text not null,
    key text collate "C" not null,
    in_business boolean not null,
    reason text not null,
    actor text not null,
    at timestamptz not null
);

-- Declared conflicts of interest (art. 16). Append-only: a declaration is not taken back by whoever made it.
create table conflict (
    id text collate "C" primary key,
    organisation text not null,
    officer text collate "C" not null,
    subject text collate "C" not null,
    reason text not null,
    creator text not null,
    created_at timestamptz not null,
    constraint conflict_declared_once unique (organisation, officer, subject)
);
create index conflict_by_organisation on conflict (organisation, id);
create index conflict_by_officer on conflict (officer);

-- File imports (art. 13, 24). `problems` holds the first hundred; all of them are in the blob `report`.
create table import (
    id text collate "C" primary key,
    organisation text not null,
    file_name text not null,
    state text not null,
    encoding text not null default '',
    rows bigint not null default 0,
    created bigint not null default 0,
    updated bigint not null default 0,
    unchanged bigint not null default 0,
    returned bigint not null default 0,
    old_numbers bigint not null default 0,
    problems jsonb not null default '[]',
    report text not null default '',
    creator text not null,
    created_at timestamptz not null,
    touched_at timestamptz not null,
    ended_at timestamptz,
    constraint import_state_is_known check (state in ('RUNNING', 'FINISHED', 'INTERRUPTED')),
    constraint import_ended_has_a_time check ((state = 'RUNNING') = (ended_at is null)),
    constraint import_counts_add_up check (created + updated + unchanged + returned = rows)
);
create index import_by_organisation on import (organisation, id);
create index import_running on import (touched_at) where state = 'RUNNING';
