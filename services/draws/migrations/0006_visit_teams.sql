-- Who goes to a subject after a recusal (art. 16): every team a line of the draw's log led to, kept for ever. The visit repeats
-- the newest; it changes by a line of the log alone, whoever asks.
create table visit_team (
    draw text not null,
    subject text not null,
    -- The line that led to it.
    n bigint not null,
    officers text[] not null,
    experts text[] not null,
    empty_places integer not null,
    primary key (draw, subject, n),
    constraint visit_team_of_a_visit foreign key (draw, subject) references visit (draw, subject),
    constraint visit_team_by_a_line foreign key (draw, n) references recusal_line
);
create trigger visit_team_frozen before update or delete on visit_team for each row execute function refuse_change();
create trigger visit_team_kept before truncate on visit_team for each statement execute function refuse_change();

create function visit_team_by_the_log() returns trigger language plpgsql as $$
begin
    if (new.officers, new.experts, new.empty_places) is distinct from (old.officers, old.experts, old.empty_places)
        and not exists (
            select from visit_team t where t.draw = new.draw and t.subject = new.subject
                and (t.officers, t.experts, t.empty_places) = (new.officers, new.experts, new.empty_places)
                and t.n = (select max(n) from recusal_line l where l.draw = new.draw))
    then
        raise exception 'a visit''s team changes by a line of its draw''s log alone'
            using errcode = 'insufficient_privilege', constraint = 'visit_team_by_the_log';
    end if;
    return new;
end $$;
create trigger visit_team_by_the_log before update on visit for each row execute function visit_team_by_the_log();
