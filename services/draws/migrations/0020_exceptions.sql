-- Approved exceptions by kind (art. 14-16): kind to reason, each lifting its own refusal.
alter table plan add column exceptions jsonb not null default '{}';

-- The one text of before counted for all four, and goes on doing so for the plans it was approved with, the published ones
-- too: nothing of what they say changes. `approved_exception` stays as it was written, and is not read any more.
alter table plan disable trigger plan_published_stays;
update plan set exceptions = jsonb_build_object('SMALL_STRATUM', approved_exception, 'FEW_OFFICERS', approved_exception,
        'FEW_EXPERTS', approved_exception, 'RECUSALS', approved_exception)
    where approved_exception <> '';
alter table plan enable trigger plan_published_stays;
alter table plan alter column approved_exception set default '';

alter table plan add constraint plan_exceptions_are_known check (
    jsonb_typeof(exceptions) = 'object' and exceptions - array['SMALL_STRATUM', 'FEW_OFFICERS', 'FEW_EXPERTS', 'RECUSALS'] = '{}'
);
alter table plan add constraint plan_excepts_with_reason check (not jsonb_path_exists(exceptions, '$.* ? (@ == "")'));
