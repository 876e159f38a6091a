-- Organisations of the city (art. 5, 37, 38). Never deleted: what they did stays theirs.
create table organisation (
    -- The whole resource name, so that every scope in a query compares like with like.
    name text primary key,
    title text not null,
    title_en text not null,
    kind integer not null,
    district text not null,
    parent text,
    responsible text not null,
    enforcing boolean not null,
    revision bigint not null,
    created_at timestamptz not null,
    constraint organisation_name_is_short check (name ~ '^organisations/[a-z0-9-]{2,40}$'),
    constraint organisation_district_has_six_digits check (district ~ '^[0-9]{6}$'),
    constraint organisation_parent_exists foreign key (parent) references organisation (name)
);

-- Natural persons with an account, under their real names (art. 27).
create table person (
    name text primary key,
    -- As typed at the sign-in, in small letters.
    username text not null,
    real_name text not null,
    organisation text not null,
    -- Numbers of qingtian.access.v1.Role.
    roles integer[] not null,
    state text not null,
    -- argon2id, PHC string.
    password_hash text not null,
    -- Key into `attempt`, stored to list who is locked out.
    attempt_key bytea not null,
    -- Enforcement certificate (art. 13); null for those who hold none.
    certificate text,
    certificate_expires date,
    certificate_districts text[] not null default '{}',
    certificate_specialties text[] not null default '{}',
    freeze_reason text not null default '',
    revision bigint not null,
    created_at timestamptz not null,
    -- Who changed the row last and what, told to whoever comes with an old etag.
    changed_by text not null,
    change text not null,
    constraint person_username_once unique (username),
    constraint person_certificate_once unique (certificate),
    constraint person_organisation_exists foreign key (organisation) references organisation (name),
    constraint person_state_known check (state in ('ACTIVE', 'FROZEN')),
    constraint person_has_a_role check (cardinality(roles) > 0),
    constraint person_real_name_given check (length(real_name) >= 2),
    -- ROLE_OFFICER = 7: nobody enforces without a certificate (art. 13).
    constraint person_officer_certified check (not 7 = any (roles) or certificate is not null and certificate_expires is not null)
);
create index person_by_organisation on person (organisation, username);

-- Departments' machine clients (art. 22).
create table machine_client (
    name text primary key,
    title text not null,
    organisation text not null,
    -- SHA-256 of 32 random bytes: nothing a dictionary could find, so no slow hash is needed.
    secret_digest bytea not null,
    state text not null default 'ACTIVE',
    created_by text not null,
    created_at timestamptz not null,
    constraint machine_client_organisation_exists foreign key (organisation) references organisation (name),
    constraint machine_client_state_known check (state in ('ACTIVE', 'FROZEN')),
    constraint machine_client_secret_is_sha256 check (length(secret_digest) = 32)
);

-- Open and ended sign-ins. The handle is kept by the gateway; here is only its digest.
create table sign_in (
    digest bytea primary key,
    -- Named in tokens, so that a user who changes the password keeps the sign-in it was changed from.
    id text not null,
    person text not null,
    address text not null,
    opened_at timestamptz not null,
    used_at timestamptz not null,
    ended_at timestamptz,
    constraint sign_in_digest_is_sha256 check (length(digest) = 32),
    constraint sign_in_person_exists foreign key (person) references person (name)
);
create index sign_in_by_person on sign_in (person) where ended_at is null;
create index sign_in_by_age on sign_in (opened_at);

-- Failed attempts by digest of the name typed, whether anybody has that name or not: an unknown name locks like a known
-- one, so that a lock does not tell who exists. Digests, because people type passwords into the wrong field.
create table attempt (
    key bytea primary key,
    failures integer not null,
    locked_until timestamptz,
    failed_at timestamptz not null,
    constraint attempt_key_is_sha256 check (length(key) = 32)
);
create index attempt_by_age on attempt (failed_at);
