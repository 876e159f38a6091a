-- Machine clients are rotated, frozen, retired (art. 22, 27). A client has two secrets at most, so both stand in its row: the newest one
-- where the release before reads it, and the one of before with its end. That release may run beside this one: what it inserts is whole.
alter table machine_client
    add column revision bigint not null default 1,
    -- Why it was frozen or retired.
    add column reason text not null default '',
    add column changed_by text not null default '',
    add column change text not null default 'created',
    -- Null for the first secret, which is as old as its client.
    add column secret_made_at timestamptz,
    add column secret_used_at timestamptz,
    add column secret_used_from text not null default '',
    add column old_digest bytea,
    add column old_made_at timestamptz,
    add column old_ends_at timestamptz,
    add column old_used_at timestamptz,
    add column old_used_from text not null default '',
    -- Of any secret, past ones too.
    add column used_at timestamptz,
    add column used_from text not null default '',
    drop constraint machine_client_state_known,
    add constraint machine_client_state_known check (state in ('ACTIVE', 'FROZEN', 'RETIRED')),
    add constraint machine_client_old_secret_is_whole check (
        (old_digest is null) = (old_ends_at is null) and (old_digest is null) = (old_made_at is null)
        and (old_digest is null or length(old_digest) = 32)),
    add constraint machine_client_secrets_differ check (old_digest is distinct from secret_digest);
update machine_client set changed_by = created_by;
create index machine_client_by_organisation on machine_client (organisation, title);
