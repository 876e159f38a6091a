grant select, insert, update, delete on organisation, item, plan, draw, drawn to {role};
