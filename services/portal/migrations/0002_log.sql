-- The logs of recusals after a draw (art. 16), line by line as the events told them; the head is signed over the lines up to it.
create table log_line (
    draw text not null references draw (name) on delete cascade,
    n bigint not null,
    -- Without its LF.
    line text not null,
    -- RFC 8785 bytes.
    head text not null,
    primary key (draw, n)
);
