-- What a certificate said from each revision of its holder on, who set it and why (art. 13, 43). Never changed.
create table certificate_past (
    person text not null,
    revision bigint not null,
    -- Null where the certificate was taken away.
    certificate text,
    expires date,
    districts text[] not null,
    specialties text[] not null,
    -- Empty for the one a person was registered with.
    reason text not null,
    changed_by text not null,
    changed_at timestamptz not null,
    constraint certificate_past_pkey primary key (person, revision),
    constraint certificate_past_person_exists foreign key (person) references person (name)
);

-- Until now a certificate stayed as it was registered.
insert into certificate_past (person, revision, certificate, expires, districts, specialties, reason, changed_by, changed_at)
select name, 1, certificate, certificate_expires, certificate_districts, certificate_specialties, '', '', created_at
from person where certificate is not null;

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'a row of % is never changed or removed', tg_table_name
        using errcode = 'restrict_violation', constraint = tg_table_name || '_frozen';
end $$;
create trigger certificate_past_frozen before update or delete on certificate_past for each row execute function refuse_change();
create trigger certificate_past_kept before truncate on certificate_past for each statement execute function refuse_change();
