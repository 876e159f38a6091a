-- Whoever leaves, or changes post, hands over what he answers for (art. 27, 35): noted as identity announces it, done by the job of
-- clocks, then gone from here. Read again from zero it changes nothing: what was assigned later stays.
create table clock_handover (
    responsible text collate "C" not null,
    successor text collate "C" not null,
    handed_at timestamptz not null,
    primary key (responsible, handed_at),
    constraint clock_handover_to_another check (successor <> responsible)
);
create index clock_by_responsible on clock (responsible) where ended_on is null and responsible <> '';
