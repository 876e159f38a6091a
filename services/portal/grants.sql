grant select, insert, update, delete on organisation, item, plan, draw, drawn, log_line to {role};
