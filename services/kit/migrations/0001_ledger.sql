-- What happened is written with the change, in the same transaction. One sequencer moves committed rows into the log.
create table outbox (
    id bigint generated always as identity primary key,
    type text not null,
    bytes bytea not null
);

-- Append-only, gapless, hash-chained: hash = SHA-256(previous hash, bytes). The service's role cannot change or delete a row.
create table log (
    position bigint primary key,
    hash bytea not null constraint log_hash_is_sha256 check (length(hash) = 32),
    type text not null,
    bytes bytea not null,
    constraint log_position_from_one check (position >= 1)
);
create index log_by_type on log (type, position);

-- Signed heads: whoever holds one notices a later rewrite.
create table head (
    position bigint primary key,
    hash bytea not null,
    signed_at timestamptz not null,
    kid text not null,
    signature text not null
);

-- First answers to repeated requests (AIP-155), kept seven days.
create table idempotency (
    actor text not null,
    method text not null,
    request_id text not null,
    content bytea not null,
    answer bytea,
    made_at timestamptz not null,
    primary key (actor, method, request_id)
);
create index idempotency_by_age on idempotency (made_at);

-- Where this service stands in the logs it follows, written in the transaction in which an event is applied.
create table follower (
    peer text primary key,
    position bigint not null,
    hash text not null
);
