grant select, insert on organisation, machine_client, certificate_past to {role};
grant select, insert, update on person to {role};
grant select, insert, update, delete on sign_in, attempt to {role};
