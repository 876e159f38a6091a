grant select, insert on organisation, certificate_past, machine_client, user_act to {role};
-- Whose a machine client is, what for and since when stays.
grant update (state, reason, revision, changed_by, change, secret_digest, secret_made_at, secret_used_at, secret_used_from, old_digest,
    old_made_at, old_ends_at, old_used_at, old_used_from, used_at, used_from) on machine_client to {role};
grant select, insert, update on person to {role};
grant select, insert, update, delete on sign_in, attempt to {role};
grant select, insert, delete on sign_on_attempt, sign_on_link to {role};
