#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Records testdata/volumes anew with the influxd of this machine (make deps installs one).
set -eu
cd "$(dirname "$0")/.."
exec "${GO:-go}" run ./internal/influxdtest/record testdata/volumes
