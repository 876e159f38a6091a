grant select, insert, update on item, item_list, item_import to {role};
grant select, insert on item_import_problem to {role};
