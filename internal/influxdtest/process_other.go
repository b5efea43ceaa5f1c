// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package influxdtest

import "os"

var (
	terminate = os.Kill
	freeze    os.Signal // no such thing here
	thaw      os.Signal
)
