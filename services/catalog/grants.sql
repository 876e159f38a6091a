grant select, insert, update on item, item_list, item_import to {role};
grant select, insert on item_import_problem, item_version to {role};
grant select, insert on calendar to {role};
grant update (state, reviewer, reviewed_at, reason, revision) on calendar to {role};
