#!/bin/sh
# Installs what the tests need and the machine lacks, with apt when that may be done; else says in one line what to install.
set -eu

want=""
need() { # need PACKAGE CHECK…: the package is wanted unless the check succeeds
	package=$1
	shift
	"$@" >/dev/null 2>&1 || want="$want $package"
}

has_postgres() { ls /usr/lib/postgresql/*/bin/initdb; }
has_font() { fc-list | grep -qi dejavu; }
has_libc() { test -e /usr/include/stdio.h; }

need gcc command -v gcc # the race detector links with it
need libc6-dev has_libc
need chromium command -v chromium
need fonts-dejavu-core has_font
need zbar-tools command -v zbarimg
need poppler-utils command -v pdftoppm # prints of posters are looked at as paper
need npm command -v npm # the EVM node comes by it
need postgresql has_postgres

test -n "$want" || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "installing:$want"
	export DEBIAN_FRONTEND=noninteractive
	log=$(mktemp)
	if ! { apt-get update && apt-get install -y --no-install-recommends $want; } >"$log" 2>&1; then
		tail -n 20 "$log"
		exit 1
	fi
	rm -f "$log"
else
	echo "The tests need these packages; please install them:$want"
	exit 1
fi
