// SPDX-License-Identifier: Apache-2.0

package influxdtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Timeouts are long: a test machine may be busy, and nothing waits for them in vain.
const (
	startTimeout   = 5 * time.Minute
	stopTimeout    = 5 * time.Minute
	busyTimeout    = 5 * time.Minute // with a snapshot, or a drop
	requestTimeout = 5 * time.Minute
)

// Server is one influxd. Its methods end the test through the TB given to Start
// where something fails, except those that return an error. They may be used from
// several goroutines as far as the TB allows, but not while Stop, Kill or Restart runs.
type Server struct {
	URL  string // http://127.0.0.1:port, the same after a restart
	Dir  string // holds data, wal and meta
	Data string // Dir/data
	WAL  string // Dir/wal
	Meta string // Dir/meta

	tb       TB
	opts     Options
	influxd  string
	influx   string
	httpAddr string
	rpcAddr  string
	client   *http.Client
	ports    []net.PacketConn // hold both ports, see reserve
	proc     *process         // nil while stopped
}

// Start runs a server and returns once it answers. It calls Require first. The
// server is killed when the test ends.
func Start(tb TB, opts Options) *Server {
	tb.Helper()
	influxd, influx, err := Find()
	if err != nil {
		missing(tb, err)
	}
	if opts.Dir == "" {
		opts.Dir = filepath.Join(tb.TempDir(), "influxdb")
	}
	s := &Server{
		Dir:     opts.Dir,
		Data:    filepath.Join(opts.Dir, "data"),
		WAL:     filepath.Join(opts.Dir, "wal"),
		Meta:    filepath.Join(opts.Dir, "meta"),
		tb:      tb,
		opts:    opts,
		influxd: influxd,
		influx:  influx,
		client:  &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}, Timeout: requestTimeout},
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		tb.Fatalf("make directory for influxd: %v", err)
	}
	tb.Cleanup(func() {
		if err := s.halt(os.Kill); err != nil {
			tb.Logf("kill influxd: %v", err)
		}
		s.freePorts()
	})
	if err := s.startAnywhere(); err != nil {
		tb.Fatalf("start influxd: %v\n%s", err, s.LogTail())
	}
	if opts.Auth {
		s.createAdmin()
	}
	return s
}

// startAnywhere picks free ports until the server comes up on them.
func (s *Server) startAnywhere() error {
	var err error
	for range 5 {
		s.freePorts()
		s.httpAddr, s.rpcAddr = s.reserve(), s.reserve()
		s.URL = "http://" + s.httpAddr
		if err = s.run(); err == nil || !s.portTaken() {
			return err
		}
	}
	return err
}

// reserve gives a loopback address that nothing listens on and that no other server gets
// until freePorts, also not while this one is down: the others, of whatever process, would
// listen there when it comes back, or answer in its place. What holds the port is the UDP
// port of the same number, which influxd has no use for. The ports lie below the usual
// ephemeral range, so that no outgoing connection takes one in between.
func (s *Server) reserve() string {
	for {
		addr := fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000))
		held, err := net.ListenPacket("udp", addr)
		if err != nil {
			continue
		}
		l, err := net.Listen("tcp", addr)
		if err != nil {
			_ = held.Close()
			continue
		}
		_ = l.Close()
		s.ports = append(s.ports, held)
		return addr
	}
}

func (s *Server) freePorts() {
	for _, held := range s.ports {
		_ = held.Close()
	}
	s.ports = nil
}

func (s *Server) portTaken() bool { return strings.Contains(s.LogTail(), "address already in use") }

// run starts the process and waits until it answers.
func (s *Server) run() error {
	config := filepath.Join(s.Dir, "influxd.conf")
	toml := renderTOML(s.opts.settings(s.httpAddr, s.rpcAddr))
	if err := os.WriteFile(config, []byte(toml), 0o644); err != nil {
		return err
	}
	cmd := exec.Command(s.influxd, "-config", config)
	cmd.Env = withoutInflux(os.Environ())
	proc, err := startProcess(cmd, s.logPath())
	if err != nil {
		return err
	}
	if err := s.await(proc); err != nil {
		return errors.Join(err, proc.end(os.Kill))
	}
	s.proc = proc
	return nil
}

// withoutInflux leaves out the variables that would override the configuration.
func withoutInflux(env []string) []string {
	kept := make([]string, 0, len(env))
	for _, e := range env {
		if !strings.HasPrefix(e, "INFLUX") {
			kept = append(kept, e)
		}
	}
	return kept
}

func (s *Server) await(proc *process) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/ping", http.NoBody)
		if err != nil {
			return err
		}
		if resp, err := s.client.Do(req); err == nil {
			_ = resp.Body.Close()
			return nil
		}
		select {
		case <-proc.done:
			return fmt.Errorf("influxd ended: %w", proc.err)
		case <-ctx.Done():
			return fmt.Errorf("no answer from %s in %s", s.URL, startTimeout)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (s *Server) createAdmin() {
	s.tb.Helper()
	err := s.TryExec(fmt.Sprintf(`CREATE USER "%s" WITH PASSWORD '%s' WITH ALL PRIVILEGES`, User, Password))
	if err != nil {
		s.tb.Fatalf("create administrator: %v", err)
	}
}

// Running reports whether the process is there.
func (s *Server) Running() bool { return s.proc != nil }

// Stop ends the server with SIGTERM and waits for it. Stopping twice is harmless.
func (s *Server) Stop() {
	s.tb.Helper()
	if err := s.halt(terminate); err != nil {
		s.tb.Fatalf("stop influxd: %v\n%s", err, s.LogTail())
	}
}

// Kill ends the server with SIGKILL, as a crash does, and waits for it.
func (s *Server) Kill() {
	s.tb.Helper()
	if err := s.halt(os.Kill); err != nil {
		s.tb.Fatalf("kill influxd: %v", err)
	}
}

func (s *Server) halt(sig os.Signal) error {
	if s.proc == nil {
		return nil
	}
	s.client.CloseIdleConnections()
	err := s.proc.end(sig)
	s.proc = nil
	return err
}

// Restart stops the server if it runs and starts it on the same directories and
// ports. Each edit may change the options first, all but Dir.
func (s *Server) Restart(edits ...func(*Options)) {
	s.tb.Helper()
	s.Stop()
	for _, edit := range edits {
		edit(&s.opts)
	}
	s.opts.Dir = s.Dir
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		err := s.run()
		if err == nil {
			return
		}
		// A client that kept asking for the server may have got its port for the other end.
		if !s.portTaken() || time.Since(began) > busyTimeout {
			s.tb.Fatalf("restart influxd: %v\n%s", err, s.LogTail())
		}
	}
}

func (s *Server) logPath() string { return filepath.Join(s.Dir, "influxd.log") }

// LogTail gives the last few kilobytes of what the present process wrote.
func (s *Server) LogTail() string {
	const most = 4 << 10
	b, err := os.ReadFile(s.logPath())
	if err != nil {
		return "no log: " + err.Error()
	}
	if len(b) > most {
		b = b[len(b)-most:]
	}
	return string(bytes.ToValidUTF8(b, []byte("?")))
}
