-- Exports of personal data (art. 44): how many people one file holds without another approval, by version, with legal basis. The
-- version in force on the day counts; a wider limit is a new version, after its approval.
create table export_setting (
    version text primary key,
    effective_on date not null constraint export_setting_from_one_day unique,
    -- Field of application.
    field text not null,
    -- Experts in one file at the most. What is read for a file stands in memory while it is written.
    experts_max integer not null constraint export_setting_within_memory check (experts_max between 1 and 20000),
    basis text not null constraint export_setting_has_a_basis check (basis <> '')
);
create trigger export_setting_frozen before update or delete on export_setting for each row execute function refuse_change();
create trigger export_setting_kept before truncate on export_setting for each statement execute function refuse_change();

insert into export_setting (version, effective_on, field, experts_max, basis) values (
    '2022-1', '2022-03-18', '全市专家名录的导出', 500,
    '汴政办〔2022〕14号第四十四条；《中华人民共和国个人信息保护法》第六条（限于实现处理目的的最小范围）'
);
