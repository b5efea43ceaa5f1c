#!/bin/sh
# Measures the whole command on volumes of its own, or on BENCH_VOLUME. BENCH_RUNS sets how often.
set -eu
cd "$(dirname "$0")/.."
exec go run ./internal/bench -bin bin/shardlift -runs "${BENCH_RUNS:-5}" "$@"
