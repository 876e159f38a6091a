-- Chains of draws (art. 14-17): draws that follow draws, subjects given teams later, and one planned visit a quarter.

-- What a plan foresees beyond its own draw: supplementary draws, counties that inspect, a second visit in one quarter.
alter table plan add column foresees jsonb not null default '{}';

-- Kind of a draw, the draw it follows, and what a following draw was given at its creation.
alter table draw add column kind text not null default 'ORIGINAL'
    constraint draw_kind_known check (kind in ('ORIGINAL', 'SUPPLEMENTARY', 'TEAMS'));
alter table draw add column follows text references draw;
alter table draw add column quotas jsonb not null default '{}';
alter table draw add column teams jsonb not null default '[]';
alter table draw add column cover_district boolean not null default false;
alter table draw add constraint draw_follows_by_kind check ((kind = 'ORIGINAL') = (follows is null));
create index draw_by_followed on draw (follows) where follows is not null;

create function draw_chain_kept() returns trigger language plpgsql as $$
begin
    if (new.kind, new.follows, new.quotas, new.teams, new.cover_district) is distinct from
       (old.kind, old.follows, old.quotas, old.teams, old.cover_district)
    then
        raise exception 'a draw keeps what it was created with' using errcode = 'restrict_violation', constraint = 'draw_chain_kept';
    end if;
    return new;
end $$;
create trigger draw_chain_kept before update on draw for each row execute function draw_chain_kept();

-- One unfinished draw per plan and calendar quarter. Draws of teams choose no subject: of them there may be one for each
-- organisation and earlier draw, so that counties draw side by side.
drop index draw_unfinished_once;
create unique index draw_unfinished_once on draw
        (plan, quarter, (case when kind = 'TEAMS' then follows || ' ' || organisation else '' end))
    where state in ('CREATED', 'STATED', 'CONTRIBUTING', 'REVEALED');

-- Subjects in the pool of a stated draw of teams: none is given teams by two draws that follow the same one. Statements that
-- follow one draw take its counter in draw_counter, so that each sees the ones before it.
create table draw_team_subject (
    draw text not null references draw_statement,
    follows text not null references draw,
    subject text collate "C" not null,
    primary key (draw, subject)
);
create index draw_team_subject_by_followed on draw_team_subject (follows, subject);
create trigger draw_team_subject_frozen before update or delete on draw_team_subject for each row execute function refuse_change();
create trigger draw_team_subject_kept before truncate on draw_team_subject for each statement execute function refuse_change();
create index draw_result_without_team on draw_result (draw, district) where cardinality(officers) = 0;

-- One planned visit a subject and calendar quarter, unless the plan gives a published reason for another (art. 17).
alter table visit add column quarter text;
update visit v set quarter = d.quarter from draw d where d.name = v.draw;
alter table visit alter column quarter set not null;
alter table visit add column second_visit_reason text not null default '';
update visit v set second_visit_reason = '本条规则施行前已派发'
    where exists (select from visit o where o.subject = v.subject and o.quarter = v.quarter and (o.created_at, o.name) < (v.created_at, v.name));
create unique index visit_once_a_quarter on visit (quarter, subject) where second_visit_reason = '';

-- What became of a drawn subject that got no visit although it has a team: never silently nothing.
create table draw_deferred (
    draw text not null references draw_reveal,
    place bigint not null,
    subject text not null,
    reason text not null constraint draw_deferred_reason_known check (reason in ('VISITED_THIS_QUARTER')),
    -- The visit for which it was deferred.
    other_visit text not null references visit,
    primary key (draw, place),
    constraint draw_deferred_of_the_result foreign key (draw, place) references draw_result
);
create index draw_deferred_by_subject on draw_deferred (draw, subject);
create trigger draw_deferred_frozen before update or delete on draw_deferred for each row execute function refuse_change();
create trigger draw_deferred_kept before truncate on draw_deferred for each statement execute function refuse_change();
