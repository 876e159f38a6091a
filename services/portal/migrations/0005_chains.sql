-- How draws hang together (art. 14-17): the draw another one follows, and drawn subjects that got no visit from it.
alter table draw add column follows text not null default '';
create index draw_follows on draw (follows) where follows <> '';
alter table draw add column deferred bigint not null default 0;
-- The other visit for which a drawn subject was deferred; empty: it was not.
alter table drawn add column deferred_for text not null default '';
alter table drawn add column deferred_reason text not null default '';
create index drawn_by_key on drawn (key, draw);
