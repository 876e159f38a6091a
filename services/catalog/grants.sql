grant select, insert, update on item, item_list, item_import to {role};
grant select, insert on item_import_problem, item_version to {role};
grant select, insert on calendar to {role};
grant update (state, reviewer, reviewed_at, reason, revision) on calendar to {role};
grant select on claim_setting to {role};
grant select, insert on claim to {role};
-- What was handed down, to whom and when, stays.
grant update (state, decline_reason, ruling_reason, made_item, revision, changed_by, change) on claim to {role};
grant select, insert, update, delete on organisation to {role};
