-- Official calendars that came after this was built, or correct one it was built with: what clocks are counted by (art. 18, 31).
create table workday_year (
    year integer primary key,
    -- Version at their owner, from 1.
    version bigint not null,
    -- As `workdays` parses it, header included.
    content text not null,
    -- Larger with every change: a provisional clock that was counted by a smaller one is counted anew, once.
    stamp bigint generated always as identity
);

-- Deadlines. A clock starts in the transaction of its cause.
create table clock (
    name text collate "C" primary key,
    aggregate text collate "C" not null,
    kind text collate "C" not null,
    organisation text collate "C" not null,
    unit text not null,
    responsible text not null,
    started_on date not null,
    day_kind text not null,
    -- In all, extensions included.
    days integer not null,
    -- The last day is the `anchor_days`th after `anchor_on`: the start, or the day it was resumed.
    anchor_on date not null,
    anchor_days integer not null,
    due_on date not null,
    provisional boolean not null,
    -- Of the newest calendar it was counted by.
    stamp bigint not null,
    setting text not null,
    paused_on date,
    ended_on date,
    -- Percent of the last warning.
    warned integer not null default 0,
    -- First day of the next warning; none when all were given, or it stands or has ended.
    warn_on date,
    acts integer not null,
    constraint clock_day_kind_known check (day_kind in ('WORKING', 'CALENDAR')),
    constraint clock_warned_known check (warned in (0, 70, 90, 100)),
    constraint clock_rests_on_setting check (setting <> '')
);
-- What is owed once is owed by one clock at a time.
create unique index clock_once on clock (aggregate, kind) where ended_on is null;
create index clock_by_warning on clock (warn_on, name) where warn_on is not null;
create index clock_provisional on clock (stamp, name) where provisional and ended_on is null;
create index clock_running on clock (organisation, due_on, name) where ended_on is null;

-- Every act on a clock, with its basis. Append-only.
create table clock_act (
    clock text collate "C" not null references clock (name),
    number integer not null,
    act text not null,
    actor text not null,
    basis text not null,
    acted_at timestamptz not null,
    due_before date,
    due_after date not null,
    primary key (clock, number),
    constraint clock_act_has_basis check (basis <> '' or act in ('ENDED', 'ASSIGNED'))
);
-- The last act of a clock must be there when the transaction ends.
alter table clock add constraint clock_last_act foreign key (name, acts) references clock_act (clock, number)
    deferrable initially deferred;

-- Nothing but an act of its own moves a deadline: no edit, not by a mistake of the program either.
create function clock_moves_by_act_alone() returns trigger language plpgsql as $$
begin
    raise exception 'a deadline moves by an act of its own alone'
        using errcode = 'check_violation', constraint = 'clock_moves_by_act_alone';
end
$$;
create trigger clock_moves_by_act_alone before update on clock for each row
    when ((old.due_on, old.days, old.anchor_on, old.anchor_days, old.started_on, old.day_kind)
        is distinct from (new.due_on, new.days, new.anchor_on, new.anchor_days, new.started_on, new.day_kind)
        and new.acts <> old.acts + 1)
    execute function clock_moves_by_act_alone();
