#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Puts strace in place for the test that looks at how sources are opened, on Debian and Ubuntu, as
# root or with sudo that asks for no password. Where it cannot it says why in one line
# and ends well, for that test then skips; with CI=true it fails.
set -u

give_up() {
	echo "install-strace: $1; the test of how sources are opened will be skipped (on Debian and Ubuntu: apt-get install strace)" >&2
	[ "${CI:-}" = true ] && exit 1
	exit 0
}

[ "$(uname -s)" = Linux ] || exit 0
command -v strace >/dev/null && exit 0
command -v apt-get >/dev/null || give_up 'strace is not installed and there is no apt-get here'
as_root=
if [ "$(id -u)" -ne 0 ]; then
	sudo -n true 2>/dev/null || give_up 'strace is not installed, and installing it needs root or sudo without a password'
	as_root=sudo
fi
log=$(mktemp) || give_up 'mktemp failed'
trap 'rm -f "$log"' EXIT
apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 "$@" >>"$log" 2>&1; }

echo 'install-strace: installing strace for the tests' >&2
apt update # an old list may do
apt install --no-install-recommends strace || give_up "apt-get install failed: $(grep '^E:' "$log" | head -n 1)"
command -v strace >/dev/null || give_up 'the package came without strace'
