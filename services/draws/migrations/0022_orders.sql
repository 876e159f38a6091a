-- Lists in the orders they are offered in (art. 13, 15-17), where there may be a million rows: of one organisation, and of all
-- for those who see the city.
create index visit_by_title on visit (organisation, title collate "C", name collate "C");
create index visit_by_due_date on visit (organisation, due_date collate "C", name collate "C");
create index visit_of_the_city on visit (draw desc, place);
create index visit_of_the_city_by_title on visit (title collate "C", name collate "C");
create index visit_of_the_city_by_due_date on visit (due_date collate "C", name collate "C");

create index conflict_listed_by_officer on conflict (organisation, officer, id);
create index conflict_listed_by_subject on conflict (organisation, subject, id);
