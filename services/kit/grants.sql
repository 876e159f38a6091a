grant select, insert, delete on outbox to {role};
grant select, insert on log, head to {role};
grant select, insert, update, delete on idempotency, follower to {role};
-- Read by the health of the part: is the database migrated to what the binary knows?
grant select on _kit_migrations, _sqlx_migrations to {role};
grant select, insert, update, delete on upload, upload_piece to {role};
