-- Changes of the register of experts that wait for a second person (art. 13): from the publication of a plan that wants experts
-- to the reveal of its draw. Each is a register change of its own kind; its rows are the experts.
alter table register_change drop constraint register_change_kind_is_known;
alter table register_change add constraint register_change_kind_is_known check (kind in ('STATUS', 'DISTRICT', 'IMPORT', 'EXPERTS'));

-- What is asked of each expert, whose row in `register_change_row` holds the revision that was seen; 0 for a new one.
create table expert_change (
    change text collate "C" not null,
    key text collate "C" not null,
    act text not null constraint expert_change_act_is_known check (act in ('REGISTER', 'CHANGE', 'RETIRE', 'TAKE_BACK')),
    -- The whole expert as asked for, sealed under the person's key; empty where only the state changes.
    content bytea not null,
    primary key (change, key),
    constraint expert_change_of_a_row foreign key (change, key) references register_change_row,
    constraint expert_change_says_what check ((act in ('REGISTER', 'CHANGE')) = (length(content) > 0))
);
create trigger expert_change_frozen before update or delete on expert_change for each row execute function refuse_change();
create trigger expert_change_kept before truncate on expert_change for each statement execute function refuse_change();
