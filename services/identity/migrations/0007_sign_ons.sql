-- Accounts at a provider outside that stand for people here (art. 27). One stands for one person; nobody changes a row, a link is taken
-- away and made anew, both in the audit.
create table sign_on_link (
    id text primary key,
    person text not null,
    issuer text not null,
    subject text not null,
    created_by text not null,
    created_at timestamptz not null,
    constraint sign_on_link_once unique (issuer, subject),
    constraint sign_on_link_person_exists foreign key (person) references person (name),
    constraint sign_on_link_subject_given check (subject <> '' and issuer <> '')
);
create index sign_on_link_by_person on sign_on_link (person, id);

-- Sign-ons under way, for ten minutes. Taking the row away is using it, so none is used twice. What is stored here opens nothing without
-- the code that the provider gives the browser, and without the secret of the platform.
create table sign_on_attempt (
    state_digest bytea primary key,
    -- Of the cookie of the browser that began.
    browser text not null,
    nonce text not null,
    verifier text not null,
    ends_at timestamptz not null,
    constraint sign_on_state_is_sha256 check (length(state_digest) = 32)
);
create index sign_on_attempt_by_end on sign_on_attempt (ends_at);
