-- The life of an account (art. 3, 27): verified before its first use, closed in the end; and what was done to it, kept for ever.
alter table person
    -- How the real name was verified; empty while it was not.
    add column verification text not null default '',
    drop constraint person_state_known,
    add constraint person_state_known check (state in ('PENDING_VERIFICATION', 'ACTIVE', 'FROZEN', 'CLOSED'));
-- Those of before were registered as verified.
update person set verification = '本规则施行前登记';
-- A release of before, which may run beside this one, registers as verified and knows no such column.
alter table person alter column verification set default '登记时核验';

create table user_act (
    person text not null,
    number integer not null,
    kind text not null,
    actor text not null,
    acted_at timestamptz not null,
    reason text not null,
    -- Numbers of qingtian.access.v1.Role, held afterwards.
    roles integer[] not null,
    -- To whom duties went.
    successor text,
    constraint user_act_pkey primary key (person, number),
    constraint user_act_person_exists foreign key (person) references person (name),
    constraint user_act_successor_exists foreign key (successor) references person (name),
    constraint user_act_kind_known check (kind in ('REGISTERED', 'VERIFIED', 'ROLES_SET', 'FROZEN', 'UNFROZEN', 'CERTIFICATE_SET',
        'HANDED_OVER', 'CLOSED')),
    constraint user_act_hands_over_to_another check (successor is distinct from person)
);
create trigger user_act_frozen before update or delete on user_act for each row execute function refuse_change();
create trigger user_act_kept before truncate on user_act for each statement execute function refuse_change();

insert into user_act (person, number, kind, actor, acted_at, reason, roles)
select name, 1, 'REGISTERED', '', created_at, '', roles from person;
