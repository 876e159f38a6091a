#!/bin/sh
# Makes what compose.yaml needs beside it and nothing else: passwords, keys, folders of data. To be repeated: what is there stays.
#
#   deploy/prepare.sh https://qingtian.example [QINGTIAN]
#
# QINGTIAN is the binary that makes the keys, target/release/qingtian unless given. Secrets lie in deploy/secrets, mode 0700: keep a
# copy of them where the machine is not.
#
# Departments' programs come by gRPC with TLS: put certificate (with those above it) and key into deploy/secrets/tls as certificate.pem
# and key.pem and run this once more, which opens port 50443. To renew them, replace both and run this again: the gateway takes them
# within a minute, without a restart.
set -eu
umask 077

[ $# -ge 1 ] || { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0" >&2; exit 2; }
public_url=$1
qingtian=${2:-target/release/qingtian}
case $public_url in
    https://* | http://*) ;;
    *) echo "prepare.sh: $public_url is no address of a site" >&2; exit 2 ;;
esac
[ -x "$qingtian" ] || { echo "prepare.sh: $qingtian is not there: cargo build --release --locked -p qingtian" >&2; exit 1; }
qingtian=$(realpath "$qingtian")
cd "$(dirname "$0")"

password() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
# new FILE: takes standard input, once
new() { [ -e "$1" ] || { cat >"$1.unfinished" && mv "$1.unfinished" "$1"; }; }

mkdir -p secrets/keys secrets/tls data/blobs/incoming data/tmp data/none
chmod 700 secrets
if [ ! -e secrets/database.env ]; then
    superuser=$(password)
    owner=$(password)
    for service in identity catalog draws portal; do
        working=$(password)
        upper=$(printf %s "$service" | tr '[:lower:]' '[:upper:]')
        printf 'PGPASSWORD=%s\n' "$working" >"secrets/$service.env"
        printf 'QINGTIAN_%s_PASSWORD=%s\nQINGTIAN_%s_OWNER_PASSWORD=%s\n' "$upper" "$working" "$upper" "$owner"
    done >secrets/database.env.unfinished
    printf 'POSTGRES_PASSWORD=%s\n' "$superuser" >>secrets/database.env.unfinished
    printf 'PGPASSWORD=%s\n' "$superuser" >secrets/databases.env
    printf 'PGPASSWORD=%s\n' "$owner" >secrets/migrate.env
    mv secrets/database.env.unfinished secrets/database.env
fi
if [ ! -e secrets/all-keys ]; then
    "$qingtian" keys secrets/all-keys
fi
for part in identity catalog draws portal gateway; do
    mkdir -p "secrets/keys/$part"
    # The public keys of all, and the private ones of this part alone.
    cp secrets/all-keys/public.json "secrets/all-keys/$part".* "secrets/keys/$part/"
done
owner=$(id -u):$(id -g)
if [ "$(id -u)" -eq 0 ]; then
    # The parts are nobody; the folders they are given are theirs.
    owner=65532:65532
    chown -R "$owner" secrets/keys secrets/tls data
fi
printf 'QINGTIAN_USER=%s\nPUBLIC_URL=%s\n' "$owner" "$public_url" | new .env
if [ -e secrets/tls/certificate.pem ] && [ -e secrets/tls/key.pem ] && ! grep -q '^FRONT_ADDR=' .env; then
    echo 'FRONT_ADDR=0.0.0.0:50443' >>.env
fi

cat <<END
prepared $(pwd): secrets (mode 0700), data, .env
next:   docker compose -f deploy/compose.yaml up -d     (or, as root: podman-compose ...)
then:   docker compose -f deploy/compose.yaml run --rm identity operator --name NAME --real-name 姓名 --organisation 单位全称
END
