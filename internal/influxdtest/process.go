// SPDX-License-Identifier: Apache-2.0

package influxdtest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// process is a child whose end is awaited by one goroutine.
type process struct {
	cmd   *exec.Cmd
	done  chan struct{} // closed once the process is gone
	err   error         // how it ended; read it after done
	guard *watchdog
}

// startProcess runs cmd with its output in the file log.
func startProcess(cmd *exec.Cmd, log string) (*process, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close() //nolint:errcheck // the child has its own descriptor
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, done: make(chan struct{}), guard: startWatchdog(cmd.Process.Pid)}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// end signals the process and waits until it is gone; one that does not go is killed
// and reported.
func (p *process) end(sig os.Signal) error {
	p.guard.dismiss()
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(stopTimeout):
	}
	_ = p.cmd.Process.Kill()
	<-p.done
	return fmt.Errorf("influxd was still there %s after %v", stopTimeout, sig)
}

// watchdog kills a process when the one that started it dies without a word, as a
// test does at its time limit: the pipe that it reads from is then closed.
type watchdog struct {
	cmd  *exec.Cmd
	hold io.WriteCloser
}

// startWatchdog gives nil where there is no shell to run it.
func startWatchdog(pid int) *watchdog {
	cmd := exec.Command("sh", "-c", `read -r _; kill -9 "$1" 2>/dev/null`, "watchdog", strconv.Itoa(pid))
	hold, err := cmd.StdinPipe()
	if err != nil {
		return nil
	}
	if err := cmd.Start(); err != nil {
		return nil
	}
	return &watchdog{cmd: cmd, hold: hold}
}

func (w *watchdog) dismiss() {
	if w == nil {
		return
	}
	_ = w.cmd.Process.Kill() // before the pipe closes, or it would strike
	_ = w.cmd.Wait()
	_ = w.hold.Close()
}
