-- One-time codes by which a firm gets its own line of a draw (art. 10). A code is nowhere kept, only its SHA-256. Which code of a
-- subject counts follows from the numbers: the newest.
create table proof_code (
    draw text not null references draw_reveal,
    -- Counts the codes of a draw, from 1; taken while the draw's row is locked.
    number bigint not null constraint proof_code_from_one check (number >= 1),
    subject text collate "C" not null,
    title text not null,
    digest text not null constraint proof_code_digest check (digest ~ '^[0-9a-f]{64}$'),
    creator text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null constraint proof_code_lives check (expires_at > created_at),
    primary key (draw, number),
    constraint proof_code_once unique (digest)
);
create index proof_code_by_subject on proof_code (draw, subject, number desc);

-- A code is used once.
create table proof_use (
    draw text not null,
    number bigint not null,
    used_at timestamptz not null,
    constraint proof_use_once primary key (draw, number),
    constraint proof_use_of_code foreign key (draw, number) references proof_code
);

do $$
declare
    frozen text;
begin
    foreach frozen in array array['proof_code', 'proof_use']
    loop
        execute format('create trigger %I before update or delete on %I for each row execute function refuse_change()',
            frozen || '_frozen', frozen);
        execute format('create trigger %I before truncate on %I for each statement execute function refuse_change()',
            frozen || '_kept', frozen);
    end loop;
end $$;
