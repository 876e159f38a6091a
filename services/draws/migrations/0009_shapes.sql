-- Shapes of a draw (art. 14, 15, 17, 18): experts, what the law forbids to publish, unannounced visits, quotas by credit class.

-- Quotas by credit class, and why a register divided by class is not published: by version, with legal basis. A plan takes the
-- version in force when it is drafted, and keeps it.
create table class_setting (
    version text primary key,
    effective_on date not null constraint class_setting_from_one_day unique,
    -- Field of application.
    field text not null,
    -- Stratum to amount, as in a plan; ranges in use: A up to 5 %, B 5-20 %, C 21-60 %, D 61-100 %.
    quotas jsonb not null,
    quota_basis text not null,
    withhold_basis text not null
);
create trigger class_setting_frozen before update or delete on class_setting for each row execute function refuse_change();
create trigger class_setting_kept before truncate on class_setting for each statement execute function refuse_change();

insert into class_setting (version, effective_on, field, quotas, quota_basis, withhold_basis) values (
    '2022-1', '2022-03-18', '全市随机抽查',
    '{"A": {"ppm": 30000}, "B": {"ppm": 100000}, "C": {"ppm": 400000}, "D": {"ppm": 1000000}, "UNCLASSIFIED": {"ppm": 100000}}',
    '汴政办〔2022〕14号第十四条、第十七条第三款；国市监信发〔2022〕6号（按信用风险分类确定抽查比例，未分类的比照B类）',
    '国市监信发〔2022〕6号：信用风险分类结果作为配置监管资源的内部参考，不作为对企业的信用评价'
);

-- What a plan says of it. A published plan cannot be changed: `plan_published_stays` compares every column.
alter table plan add column shape jsonb not null default '{}';
alter table plan add constraint plan_by_class_withholds_its_register check (
    stratification not in ('STRATIFICATION_CREDIT_CLASS', 'STRATIFICATION_DISTRICT_AND_CREDIT_CLASS')
    or coalesce(shape ->> 'register_basis', '') <> '' or coalesce(shape -> 'withheld' -> 'files' ? 'subjects.tsv', false)
);
alter table plan add constraint plan_withholds_with_basis check (
    coalesce(jsonb_typeof(shape -> 'withheld'), 'null') = 'null' or shape -> 'withheld' ->> 'basis' <> ''
);
alter table plan add constraint plan_public_after_its_visits check (
    coalesce((shape -> 'publish_after' ->> 'date')::date > end_on, true)
);

-- How many of a plan's scope were left out of a draw's pool, and why: counted when it is stated.
create table draw_left_out (
    draw text not null references draw_statement,
    reason text not null,
    subjects bigint not null constraint draw_left_out_counts_somebody check (subjects > 0),
    primary key (draw, reason)
);
create trigger draw_left_out_frozen before update or delete on draw_left_out for each row execute function refuse_change();
create trigger draw_left_out_kept before truncate on draw_left_out for each statement execute function refuse_change();
