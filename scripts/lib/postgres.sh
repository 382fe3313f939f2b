# A private PostgreSQL server for a script that sources this: start_postgres
# starts a cluster that is removed when the script ends, and sets
# BOXOFFICE_TEST_DATABASE_URL to it, and restart_postgres to a command that
# stops it at once, as a crash does, and starts it again. Its
# binaries are installed with apt where they are missing and that is possible.
# shellcheck shell=bash

postgres_bin() {
	local dir
	# shellcheck disable=SC2012 # the names have nothing strange in them, and -V sorts versions
	for dir in "$(pg_config --bindir 2>/dev/null || true)" $(ls -d /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin 2>/dev/null | sort -rV); do
		[ -n "$dir" ] && [ -x "$dir/initdb" ] && { echo "$dir"; return; }
	done
	return 1
}

install_postgres() {
	if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
		echo "installing PostgreSQL (apt-get)" >&2
		apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null
	fi
}

# initdb refuses to run as root, so a cluster started by root belongs to somebody else.
as_owner() {
	if [ "$(id -u)" = 0 ]; then setpriv --reuid="$owner" --regid="$(id -g "$owner")" --clear-groups "$@"; else "$@"; fi
}

start_postgres() {
	local port options
	bin=$(postgres_bin) || { install_postgres; bin=$(postgres_bin); } || {
		echo "$0: PostgreSQL is missing: install it (apt install postgresql, brew install postgresql), or set BOXOFFICE_TEST_DATABASE_URL to a server" >&2
		exit 1
	}
	owner=$(id postgres >/dev/null 2>&1 && echo postgres || echo nobody)
	cluster=$(mktemp -d "${TMPDIR:-/tmp}/boxoffice-pg.XXXXXX")
	[ "$(id -u)" = 0 ] && chown "$owner" "$cluster"
	trap stop_postgres EXIT
	(cd "$cluster" && as_owner "$bin/initdb" -D "$cluster/data" -U boxoffice -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$cluster/initdb.log")
	port=$(python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])' 2>/dev/null || echo $((20000 + RANDOM % 20000)))
	# Not synced to disk: a crash of the server loses nothing by that, one of the
	# machine loses the cluster, which is thrown away.
	options="-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$cluster -c max_connections=600 -c fsync=off"
	(cd "$cluster" && as_owner "$bin/pg_ctl" -D "$cluster/data" -w -l "$cluster/server.log" \
		-o "$options" start >/dev/null)
	export BOXOFFICE_TEST_DATABASE_URL="postgres://boxoffice@127.0.0.1:$port/postgres?sslmode=disable"
	restart_postgres="$cluster/restart"
	{
		echo '#!/usr/bin/env bash'
		echo "set -euo pipefail; owner=$owner; cd '$cluster'"
		declare -f as_owner
		echo "as_owner '$bin/pg_ctl' -D '$cluster/data' -m immediate -w stop >/dev/null"
		echo "as_owner '$bin/pg_ctl' -D '$cluster/data' -w -l '$cluster/server.log' -o '$options' start >/dev/null"
	} >"$restart_postgres"
	chmod +x "$restart_postgres"
}

stop_postgres() {
	local status=$?
	(cd "$cluster" && as_owner "$bin/pg_ctl" -D "$cluster/data" -m immediate stop >/dev/null 2>&1) || true
	rm -rf "$cluster"
	exit "$status"
}
