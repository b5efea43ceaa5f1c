// SPDX-License-Identifier: Apache-2.0

package lpjudge

// Accepted and Refused are the tables of lines, for the tests that ask a server.
var (
	Accepted = map[string]struct{ Text string }{}
	Refused  = refused
)

func init() {
	for name, tt := range accepted {
		Accepted[name] = struct{ Text string }{tt.text}
	}
}
