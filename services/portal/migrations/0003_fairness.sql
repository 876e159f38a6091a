-- What can be told of draws' fairness (art. 10, 11). `fairness` is the contract's message without what follows from the draw itself.
alter table draw add column fairness bytea;
-- Subjects in the pool.
alter table draw add column subjects bigint not null default 0;
alter table draw add column no_choice bigint not null default 0;
create index draw_of_organisation on draw (organisation, year desc, number desc);
