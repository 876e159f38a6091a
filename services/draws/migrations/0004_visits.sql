-- Visits (art. 15-17). For now a bare record of each drawn subject that has a team.
create table visit (
    -- `visits/{year}-{number of the draw}-{place in its result}`.
    name text primary key,
    draw text not null references draw,
    place bigint not null,
    plan text not null,
    organisation text not null,
    subject text not null,
    title text not null,
    district text not null,
    officers text[] not null constraint visit_has_a_team check (cardinality(officers) > 0),
    state text not null constraint visit_state_known check (state in ('PENDING')),
    -- Last day of the plan's window, `YYYY-MM-DD`.
    due_date text not null,
    created_at timestamptz not null,
    -- However often a draw is dispatched, a subject is visited once from it.
    constraint visit_once_per_draw unique (draw, subject)
);
create unique index visit_place_once on visit (draw, place);
create index visit_by_organisation on visit (organisation, draw desc, place);
create index visit_by_officer on visit using gin (officers);
