// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"fmt"
	"strings"
	"testing"
)

func TestKnownPoison(t *testing.T) {
	for n, want := range map[int]bool{0: false, 1: false, 99: false, 100: true, 101: false} {
		var line strings.Builder
		line.WriteString(`m\ x\,y`)
		for i := range n {
			fmt.Fprintf(&line, `,t%03d=a\ \,b`, i)
		}
		line.WriteString(` f="a,b=c" 1`)
		if got := knownPoison([]byte(line.String())); got != want {
			t.Errorf("%d tags: %v, want %v", n, got, want)
		}
	}
}
