-- Files that are sent in pieces (art. 24). A piece and the offset up to which its file is kept are committed together, so that
-- neither a crash nor a second sender leaves bytes without an offset, or an offset without bytes. The bytes are sealed under a key
-- of the part, and go with the session.
create table upload (
    name text collate "C" primary key,
    organisation text not null,
    -- Whoever opened it: nobody else sees it or adds to it.
    creator text not null,
    file_name text not null,
    media_type text not null,
    -- Bytes of the whole file; null while nobody knows.
    length bigint,
    -- Bytes that are counted against the edges of caller and part: the length, or the most a file may have.
    reserved bigint not null,
    -- Of the whole file, hexadecimal: announced, or found when all was there.
    sha256 text not null,
    stored bigint not null default 0,
    state text not null default 'OPEN',
    -- The import that was made from it last.
    import text not null default '',
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint upload_state_is_known check (state in ('OPEN', 'COMPLETE', 'USED')),
    constraint upload_length_is_not_exceeded check (stored >= 0 and stored <= coalesce(length, reserved)),
    constraint upload_complete_is_whole check (state = 'OPEN' or (stored = length and sha256 <> '')),
    constraint upload_used_by_an_import check (state <> 'USED' or import <> '')
);
create index upload_by_creator on upload (creator) where state <> 'USED';
create index upload_by_end on upload (expires_at);

create table upload_piece (
    upload text collate "C" not null references upload (name) on delete cascade,
    -- Bytes of the file before it.
    start bigint not null,
    sealed bytea not null,
    primary key (upload, start)
);
-- What is sealed cannot be compressed; trying costs time.
alter table upload_piece alter column sealed set storage external;
