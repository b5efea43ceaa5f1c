#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `make demo` shows: a volume that was recorded from a real server, looked at, checked and
# exported with no server running. The program may be named; bin/shardlift is what `make build` makes.
set -eu
cd "$(dirname "$0")/.."
program=${1:-bin/shardlift}
volume=testdata/volumes/demo/volume
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM HUP

echo "A volume of InfluxDB 1.x, as copied from a disk: $volume"
find "$volume" -type f -name '*.tsm' -o -name '*.tombstone' -o -name '*.wal' -o -name meta.db | sort | sed 's/^/    /'
echo
echo "\$ shardlift inspect $volume --timeline on"
"$program" inspect "$volume" --timeline on
echo
echo "\$ shardlift verify $volume"
"$program" verify "$volume"
echo
echo "\$ shardlift export $volume --compress --out demo.lp.gz"
"$program" export "$volume" --compress --out "$dir/demo.lp.gz"
echo
echo '$ gzip -dc demo.lp.gz | head -n 12'
gzip -dc "$dir/demo.lp.gz" | head -n 12
echo
points=$(gzip -dc "$dir/demo.lp.gz" | sed '1,/^# DML$/d' | grep -vc '^#')
echo "$points points, one line each. What the server answered when the volume was recorded lies beside it, in"
echo 'testdata/volumes/demo/want.lp.gz; the tests compare the two value by value.'
