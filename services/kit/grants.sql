grant select, insert, delete on outbox to {role};
grant select, insert on log, head to {role};
grant select, insert, update, delete on idempotency, follower to {role};
-- Read by the health of the part: is the database migrated to what the binary knows?
grant select on _kit_migrations, _sqlx_migrations to {role};
grant select, insert, update, delete on upload, upload_piece to {role};
grant select, insert, delete on workday_year to {role};
grant select, insert on clock, clock_act to {role};
grant update (unit, responsible, days, anchor_on, anchor_days, due_on, provisional, stamp, paused_on, ended_on, warned, warn_on, acts)
    on clock to {role};
-- A decision stays: what was passed over is known for ever.
grant select, insert on parked_event to {role};
grant select, insert, update, delete on clock_handover to {role};
