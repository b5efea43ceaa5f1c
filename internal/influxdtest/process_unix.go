// SPDX-License-Identifier: Apache-2.0

//go:build unix

package influxdtest

import (
	"os"
	"syscall"
)

var (
	terminate os.Signal = syscall.SIGTERM
	freeze    os.Signal = syscall.SIGSTOP
	thaw      os.Signal = syscall.SIGCONT
)
