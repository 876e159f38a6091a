-- Recusal after the draw (art. 16). A request waits for its decision; what is upheld becomes a line of the draw's log, which
-- nobody may change: the service's role has no right to (grants.sql), and a trigger refuses it to the owner too.
create table recusal (
    -- `recusals/{year}-{number of the draw}-{number}`.
    name text primary key,
    draw text not null references draw,
    -- From 1, in the order asked; taken while the draw's row is locked.
    number bigint not null constraint recusal_number_from_one check (number >= 1),
    visit text not null references visit,
    organisation text not null,
    subject text not null,
    title text not null,
    -- Certificate number of an officer, or register number of an expert.
    person text not null,
    ground text not null constraint recusal_ground_known check (ground in ('INTEREST', 'KINSHIP', 'ILLNESS', 'TRANSFER', 'OTHER')),
    -- Private.
    note text not null,
    -- The account, never public, and how the public log names it.
    creator text not null,
    asked_as text not null,
    created_at timestamptz not null,
    -- From here on the columns move with the decision, once.
    state text not null constraint recusal_state_known check (state in ('REQUESTED', 'UPHELD', 'REJECTED')),
    revision bigint not null constraint recusal_revision_from_one check (revision >= 1),
    decider text not null default '',
    decided_at timestamptz,
    reject_reason text not null default '',
    constraint recusal_number_once unique (draw, number),
    constraint recusal_decided_by_somebody check ((state = 'REQUESTED') = (decider = '') and (state = 'REQUESTED') = (decided_at is null)),
    constraint recusal_decided_by_another check (decider <> creator),
    constraint recusal_rejected_with_reason check ((state = 'REJECTED') = (reject_reason <> ''))
);
-- One open request about a person and a subject.
create unique index recusal_open_once on recusal (draw, subject, person) where state = 'REQUESTED';
create index recusal_by_organisation on recusal (organisation, created_at desc, name desc);
create index recusal_by_person on recusal (person);
create index recusal_by_creator on recusal (creator);

-- The draws' logs, one line for each request upheld, with the head signed over it.
create table recusal_line (
    draw text not null references draw_reveal,
    n bigint not null constraint recusal_line_from_one check (n >= 1),
    recusal text not null constraint recusal_line_once unique references recusal,
    act text not null constraint recusal_act_known check (act in ('WITHDRAW', 'EXCHANGE')),
    -- Empty: nobody joined, and no other subject.
    person_in text not null,
    other_subject text not null,
    -- Byte for byte, without its LF.
    line text not null,
    -- RFC 8785 bytes.
    head text not null,
    primary key (draw, n)
);

create trigger recusal_line_frozen before update or delete on recusal_line for each row execute function refuse_change();
create trigger recusal_line_kept before truncate on recusal_line for each statement execute function refuse_change();

-- A request keeps what it was asked with, and is decided once.
create function recusal_goes_one_way() returns trigger language plpgsql as $$
begin
    if (new.name, new.draw, new.number, new.visit, new.organisation, new.subject, new.title, new.person, new.ground, new.note,
        new.creator, new.asked_as, new.created_at) is distinct from
       (old.name, old.draw, old.number, old.visit, old.organisation, old.subject, old.title, old.person, old.ground, old.note,
        old.creator, old.asked_as, old.created_at)
    then
        raise exception 'a recusal keeps what it was asked with' using errcode = 'restrict_violation', constraint = 'recusal_kept';
    end if;
    if old.state <> 'REQUESTED' then
        raise exception 'a recusal is decided once' using errcode = 'restrict_violation', constraint = 'recusal_one_way';
    end if;
    return new;
end $$;
create trigger recusal_one_way before update on recusal for each row execute function recusal_goes_one_way();
create trigger recusal_never_removed before delete on recusal for each row execute function refuse_change();

-- A visit's team is who goes now; the draw's result stays as it is.
alter table visit add column experts text[] not null default '{}';
alter table visit add column empty_places integer not null default 0
    constraint visit_empty_places_not_negative check (empty_places >= 0);
update visit v set experts = r.experts from draw_result r where r.draw = v.draw and r.subject = v.subject;
alter table visit drop constraint visit_has_a_team;
-- Whoever left without anybody to follow leaves a place that stays empty and is shown.
alter table visit add constraint visit_has_a_team check (cardinality(officers) > 0 or empty_places > 0);
create index visit_by_expert on visit using gin (experts);
