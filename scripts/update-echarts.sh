#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Puts another version of Apache ECharts into the page of `shardlift inspect --html`:
#
#	sh scripts/update-echarts.sh 6.1.0
#
# The script is the one of the npm package, byte for byte, compressed; npm checks the package
# against the registry's hash. VERSION tells the version and the SHA-256 of the script as it
# was before compression, which a test holds it to. The licences come along: of ECharts, with
# those of its parts, and of zrender, which is built into it.
set -eu
cd "$(dirname "$0")/.."
version=${1:?name a version, as in: sh scripts/update-echarts.sh 6.1.0}
out=$(pwd)/inspector/page/echarts
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM HUP

unpack() { # name version
	mkdir "$dir/$1"
	(cd "$dir/$1" && npm pack --silent "$1@$2" >/dev/null && tar -xzf "$1-$2.tgz")
}

unpack echarts "$version"
package=$dir/echarts/package
zrender=$(sed -n 's/.*"zrender": *"\([0-9.]*\)".*/\1/p' "$package/package.json" | head -n 1)
unpack zrender "$zrender"

gzip -9 -n -c "$package/dist/echarts.min.js" >"$out/echarts.min.js.gz"
cp "$package/LICENSE" "$package/NOTICE" "$out/"
cp "$package/licenses/LICENSE-d3" "$out/LICENSE-d3"
cp "$dir/zrender/package/LICENSE" "$out/LICENSE-zrender"
printf '%s %s\n' "$version" "$(sha256sum <"$package/dist/echarts.min.js" | cut -d ' ' -f 1)" >"$out/VERSION"
cat "$out/VERSION"
