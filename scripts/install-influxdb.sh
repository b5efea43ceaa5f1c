#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Puts influxd and influx in place for the tests that need a real server, on Debian and
# Ubuntu, as root or with sudo that asks for no password. The service is neither started
# nor enabled. Says nothing where both are there already. Where it cannot install it says
# why in one line and ends well, for those tests then skip; with CI=true it fails.
set -u

give_up() {
	echo "install-influxdb: $1; tests against a real server will be skipped (on Debian and Ubuntu: apt-get install influxdb influxdb-client; or set SHARDLIFT_INFLUXD)" >&2
	[ "${CI:-}" = true ] && exit 1
	exit 0
}

if command -v "${SHARDLIFT_INFLUXD:-influxd}" >/dev/null && command -v "${SHARDLIFT_INFLUX:-influx}" >/dev/null; then
	exit 0
fi
command -v apt-get >/dev/null || give_up 'influxd is not installed and there is no apt-get here'
as_root=
if [ "$(id -u)" -ne 0 ]; then
	sudo -n true 2>/dev/null || give_up 'influxd is not installed, and installing it needs root or sudo without a password'
	as_root=sudo
fi

log=$(mktemp) || give_up 'mktemp failed'
policy=/usr/sbin/policy-rc.d
made_policy=
cleanup() {
	[ -z "$made_policy" ] || $as_root rm -f "$policy"
	rm -f "$log"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

# Maintainer scripts ask this program whether they may start a service: 101 is no.
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null && $as_root chmod 755 "$policy" && made_policy=yes
fi

apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 "$@" >>"$log" 2>&1; }

echo 'install-influxdb: installing influxdb and influxdb-client for the tests' >&2
apt update # an old list may do
if ! apt install --no-install-recommends influxdb influxdb-client; then
	give_up "apt-get install failed: $(grep '^E:' "$log" | head -n 1)"
fi
if [ -d /run/systemd/system ]; then
	$as_root systemctl disable --now influxdb >/dev/null 2>&1
fi
command -v influxd >/dev/null && command -v influx >/dev/null || give_up 'the packages came without influxd or influx'
