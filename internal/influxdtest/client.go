// SPDX-License-Identifier: Apache-2.0

package influxdtest

import (
	"net"
	"os/exec"
)

// Import runs `influx -import` on a file with times in nanoseconds, gzip or plain,
// and gives what it printed. It ends the test where the client is missing or fails.
// A client that ends well has not always written every point: ask the server.
func (s *Server) Import(path string, compressed bool) string {
	s.tb.Helper()
	if s.influx == "" {
		s.tb.Fatalf("no influx client on this machine: apt-get install influxdb-client, or name one in SHARDLIFT_INFLUX")
	}
	host, port, err := net.SplitHostPort(s.httpAddr)
	if err != nil {
		s.tb.Fatalf("address of influxd: %v", err)
	}
	args := []string{"-import", "-path=" + path, "-precision=ns", "-host=" + host, "-port=" + port}
	if compressed {
		args = append(args, "-compressed")
	}
	if s.opts.Auth {
		args = append(args, "-username="+User, "-password="+Password)
	}
	cmd := exec.Command(s.influx, args...)
	cmd.Env = withoutInflux(cmd.Environ())
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.tb.Fatalf("influx -import %s: %v\n%s", path, err, out)
	}
	return string(out)
}
