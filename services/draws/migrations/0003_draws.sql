-- Draws (art. 10, 11, 15). What was stated, given and revealed stands in tables of its own that nobody may change: the
-- service's role has no right to (grants.sql), and a trigger refuses it to the owner too.

-- Counters whose row is locked while a number is taken, so that numbers have no gaps and none is given twice:
-- `draws/2026` for the draws of a year, `lottery:demo` for the demonstration's issues.
create table draw_counter (
    name text primary key,
    last bigint not null constraint draw_counter_from_one check (last >= 1)
);

create table draw (
    name text primary key,
    year integer not null,
    number bigint not null constraint draw_number_from_one check (number >= 1),
    plan text not null,
    plan_title text not null,
    organisation text not null,
    -- Last part of the organisation's name: the drawing unit of the protocol.
    unit text not null,
    -- Empty: there is a beacon.
    beacon_waived text not null,
    entries_close timestamptz not null,
    beacon_time timestamptz,
    reveal_by timestamptz not null,
    -- Failed draw this one succeeds.
    replaces text references draw,
    creator text not null,
    created_at timestamptz not null,
    -- From here on the columns move with the state.
    state text not null constraint draw_state_known check (state in
        ('CREATED', 'STATED', 'CONTRIBUTING', 'REVEALED', 'DISPATCHED', 'DONE', 'ABANDONED', 'FAILED')),
    revision bigint not null constraint draw_revision_from_one check (revision >= 1),
    -- Calendar quarter in Kaifeng, such as `2026-4`: of the creation, from the statement on of the statement.
    quarter text not null,
    -- Who changed it last, and by which act, for whoever comes too late.
    changed_by text not null,
    changed_act text not null,
    end_reason text not null default '',
    -- Places of the result whose visits were made.
    dispatched bigint not null default 0,
    constraint draw_number_once unique (year, number),
    constraint draw_times_in_order check (entries_close < reveal_by and (beacon_time is null or
        (entries_close < beacon_time and beacon_time < reveal_by))),
    constraint draw_beacon_or_reason check ((beacon_time is null) = (beacon_waived <> '')),
    constraint draw_ended_with_reason check ((state in ('ABANDONED', 'FAILED')) = (end_reason <> ''))
);
-- One unfinished draw per plan and calendar quarter.
create unique index draw_unfinished_once on draw (plan, quarter)
    where state in ('CREATED', 'STATED', 'CONTRIBUTING', 'REVEALED');
-- A failed draw has one successor; an abandoned one does not count.
create unique index draw_replaced_once on draw (replaces) where state <> 'ABANDONED';
-- What the jobs look through, and the lists, newest first.
create index draw_going_on on draw (name) where state in ('STATED', 'CONTRIBUTING', 'REVEALED');
create index draw_by_organisation on draw (organisation, year desc, number desc);

create table draw_contributor (
    draw text not null references draw,
    index integer not null constraint draw_contributor_from_one check (index >= 1),
    contributor text not null,
    kind text not null constraint draw_contributor_kind_known check (kind in ('DEPARTMENT', 'WITNESS', 'BEACON')),
    unit text,
    primary key (draw, index),
    constraint draw_contributor_once unique (draw, contributor),
    -- One entry of one unit; the beacon has none.
    constraint draw_unit_contributes_once unique (draw, unit),
    constraint draw_beacon_without_unit check ((kind = 'BEACON') = (unit is null))
);
create index draw_contributor_by_unit on draw_contributor (unit, draw);

-- The statement and everything it fixes. One row a draw, for ever.
create table draw_statement (
    draw text primary key references draw,
    stated_at timestamptz not null constraint draw_statement_whole_second check (stated_at = date_trunc('second', stated_at, 'UTC')),
    -- `statement.json` and `rules.json`, byte for byte.
    statement bytea not null,
    digest text not null constraint draw_statement_digest check (digest = encode(sha256(statement), 'hex')),
    rules bytea not null,
    kid text not null,
    signature text not null,
    -- AES-256-GCM with the draw's name as associated data: 12 bytes nonce, 32 bytes ciphertext, 16 bytes tag.
    sealed bytea not null constraint draw_secret_sealed check (length(sealed) = 60),
    subjects bigint not null,
    -- Last day of the plan's window, for the visits.
    due_date text not null,
    constraint draw_stated_once unique (digest)
);

-- Frozen files by name, as blobs: the six of the protocol and `names.tsv`.
create table draw_file (
    draw text not null references draw_statement,
    file text not null,
    blob text not null constraint draw_file_blob_digest check (blob ~ '^[0-9a-f]{64}$'),
    bytes bigint not null,
    primary key (draw, file)
);

create table draw_stratum (
    draw text not null references draw_statement,
    stratum text not null,
    subjects bigint not null,
    drawn bigint not null,
    primary key (draw, stratum),
    constraint draw_stratum_holds_drawn check (drawn between 0 and subjects)
);

create table draw_entry (
    draw text not null references draw_statement,
    index integer not null,
    value text not null constraint draw_entry_value check (value ~ '^[0-9A-Za-z .,:-]{1,200}$'),
    given_at timestamptz not null,
    -- Who gave it; never shown to the public.
    given_by text not null,
    constraint draw_entry_once primary key (draw, index),
    constraint draw_entry_of_contributor foreign key (draw, index) references draw_contributor
);

-- The entries but the beacon's, closed and signed.
create table draw_closing (
    draw text primary key references draw_statement,
    closed_at timestamptz not null,
    kid text not null,
    signature text not null
);

-- Lottery numbers as each account typed them; the newest of an account counts.
create table draw_beacon_report (
    id bigint generated always as identity primary key,
    draw text not null references draw_statement,
    actor text not null,
    unit text not null,
    value text not null,
    reported_at timestamptz not null
);
create index draw_beacon_report_by_draw on draw_beacon_report (draw, id);

-- The demonstration's lottery: each issue belongs to one draw, and its numbers are drawn once.
create table demonstration_issue (
    issue bigint primary key,
    draw text not null constraint demonstration_issue_of_one_draw unique references draw,
    constraint demonstration_issue_from_one check (issue >= 1)
);
create table demonstration_value (
    issue bigint constraint demonstration_value_once primary key references demonstration_issue,
    value text not null,
    drawn_at timestamptz not null
);

-- The instant of the reveal, fixed before anything is computed, so that a repetition after a crash yields the same bytes.
create table draw_reveal_time (
    draw text primary key references draw_closing,
    revealed_at timestamptz not null constraint draw_reveal_whole_second check (revealed_at = date_trunc('second', revealed_at, 'UTC'))
);

create table draw_reveal (
    draw text primary key references draw_reveal_time,
    seed text not null,
    draw_json bytea not null,
    kid text not null,
    signature text not null,
    evidence_blob text not null,
    evidence_bytes bigint not null,
    result_blob text not null,
    strata_blob text not null,
    drawn bigint not null,
    without_team bigint not null
);

create table draw_threshold (
    draw text not null references draw_reveal,
    stratum text not null,
    -- Null when none is drawn.
    threshold text,
    primary key (draw, stratum),
    constraint draw_threshold_of_stratum foreign key (draw, stratum) references draw_stratum
);

create table draw_result (
    draw text not null references draw_reveal,
    place bigint not null constraint draw_place_from_one check (place >= 1),
    subject text not null,
    title text not null,
    stratum text not null,
    district text not null,
    ticket text not null,
    officers text[] not null,
    experts text[] not null,
    primary key (draw, place),
    constraint draw_subject_once unique (draw, subject)
);

-- Whoever tries to change what was published is told so, whatever rights the role has.
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'a row of % is never changed or removed', tg_table_name
        using errcode = 'restrict_violation', constraint = tg_table_name || '_frozen';
end $$;

do $$
declare
    frozen text;
begin
    foreach frozen in array array['draw_contributor', 'draw_statement', 'draw_file', 'draw_stratum', 'draw_entry', 'draw_closing',
        'draw_beacon_report', 'demonstration_issue', 'demonstration_value', 'draw_reveal_time', 'draw_reveal', 'draw_threshold',
        'draw_result']
    loop
        execute format('create trigger %I before update or delete on %I for each row execute function refuse_change()',
            frozen || '_frozen', frozen);
        execute format('create trigger %I before truncate on %I for each statement execute function refuse_change()',
            frozen || '_kept', frozen);
    end loop;
end $$;

-- A draw keeps what it was created with, and its state goes one way.
create function draw_goes_one_way() returns trigger language plpgsql as $$
begin
    if (new.name, new.year, new.number, new.plan, new.plan_title, new.organisation, new.unit, new.beacon_waived, new.entries_close,
        new.beacon_time, new.reveal_by, new.replaces, new.creator, new.created_at) is distinct from
       (old.name, old.year, old.number, old.plan, old.plan_title, old.organisation, old.unit, old.beacon_waived, old.entries_close,
        old.beacon_time, old.reveal_by, old.replaces, old.creator, old.created_at)
    then
        raise exception 'a draw keeps what it was created with' using errcode = 'restrict_violation', constraint = 'draw_kept';
    end if;
    if new.state <> old.state and (old.state, new.state) not in (
        ('CREATED', 'STATED'), ('CREATED', 'ABANDONED'),
        ('STATED', 'CONTRIBUTING'), ('STATED', 'ABANDONED'), ('STATED', 'FAILED'),
        ('CONTRIBUTING', 'REVEALED'), ('CONTRIBUTING', 'FAILED'),
        ('REVEALED', 'DISPATCHED'), ('DISPATCHED', 'DONE'))
    then
        raise exception 'no draw goes from % to %', old.state, new.state
            using errcode = 'restrict_violation', constraint = 'draw_one_way';
    end if;
    return new;
end $$;
create trigger draw_one_way before update on draw for each row execute function draw_goes_one_way();
create trigger draw_never_removed before delete on draw for each row execute function refuse_change();
