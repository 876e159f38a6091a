grant select, insert, delete on outbox to {role};
grant select, insert on log, head to {role};
grant select, insert, update, delete on idempotency, follower to {role};
