-- A witness's one-time links (art. 11, 15). A link's secret and the permit it was exchanged for are nowhere kept: only their
-- SHA-256. Which link counts follows from the numbers: a witness's newest.
create table witness_link (
    draw text not null references draw_statement,
    -- Counts the links of a draw, from 1.
    number bigint not null constraint witness_link_from_one check (number >= 1),
    index integer not null,
    token_digest text not null constraint witness_link_digest check (token_digest ~ '^[0-9a-f]{64}$'),
    issued_at timestamptz not null,
    issued_by text not null,
    primary key (draw, number),
    constraint witness_link_once unique (token_digest),
    constraint witness_link_of_contributor foreign key (draw, index) references draw_contributor
);

-- A link is opened once.
create table witness_opening (
    draw text not null,
    number bigint not null,
    permit_digest text not null constraint witness_opening_digest check (permit_digest ~ '^[0-9a-f]{64}$'),
    opened_at timestamptz not null,
    constraint witness_opening_once primary key (draw, number),
    constraint witness_permit_once unique (permit_digest),
    constraint witness_opening_of_link foreign key (draw, number) references witness_link
);

do $$
declare
    frozen text;
begin
    foreach frozen in array array['witness_link', 'witness_opening']
    loop
        execute format('create trigger %I before update or delete on %I for each row execute function refuse_change()',
            frozen || '_frozen', frozen);
        execute format('create trigger %I before truncate on %I for each statement execute function refuse_change()',
            frozen || '_kept', frozen);
    end loop;
end $$;
