#!/bin/sh
# Run once by PostgreSQL's own image, when the database is made: the roles of every part, with their passwords from the environment.
# What they may do is given by `qingtian databases` and `qingtian migrate`.
set -eu

for service in identity catalog draws portal; do
    for role in "qingtian_$service" "qingtian_${service}_owner"; do
        # By \getenv: every user of a machine can read the arguments of its programs.
        variable=$(printf '%s_PASSWORD' "$role" | tr '[:lower:]' '[:upper:]')
        printenv "$variable" >/dev/null || { echo "roles.sh: $variable is not set" >&2; exit 1; }
        psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --set role="$role" --username "${POSTGRES_USER:-postgres}" --dbname postgres <<SQL
\getenv password $variable
create role :"role" login password :'password';
SQL
    done
done
