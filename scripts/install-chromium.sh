#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Puts Chromium in place for the tests of the page that `shardlift inspect --html` writes, on
# Debian and Ubuntu, as root or with sudo that asks for no password. Where it cannot it says
# why in one line and ends well, for those tests then skip; with CI=true it fails.
set -u

give_up() {
	echo "install-chromium: $1; the tests of the HTML page in a browser will be skipped (on Debian: apt-get install chromium; or name a browser in SHARDLIFT_CHROMIUM)" >&2
	[ "${CI:-}" = true ] && exit 1
	exit 0
}

have() {
	for name in ${SHARDLIFT_CHROMIUM:-chromium chromium-browser google-chrome google-chrome-stable headless_shell}; do
		command -v "$name" >/dev/null && return 0
	done
	return 1
}

have && exit 0
command -v apt-get >/dev/null || give_up 'Chromium is not installed and there is no apt-get here'
as_root=
if [ "$(id -u)" -ne 0 ]; then
	sudo -n true 2>/dev/null || give_up 'Chromium is not installed, and installing it needs root or sudo without a password'
	as_root=sudo
fi
log=$(mktemp) || give_up 'mktemp failed'
trap 'rm -f "$log"' EXIT
trap 'exit 1' INT TERM HUP
apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 "$@" >>"$log" 2>&1; }

echo 'install-chromium: installing chromium for the tests' >&2
apt update # an old list may do
apt install --no-install-recommends chromium || give_up "apt-get install failed: $(grep '^E:' "$log" | head -n 1)"
have || give_up 'the package came without chromium'
