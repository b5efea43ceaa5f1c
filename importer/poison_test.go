// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Behind a point that came out of turn all go again that may have overwritten it, however
// their series is written; but not what was refused.
func TestAfter(t *testing.T) {
	d := &delivery{
		batch: &Batch{Points: 5, Text: []byte("m,a=1,b=2 f=1 5\nm,b=2,a=1 f=2 5\nm,a=1,b=2 f=3 6\nm,a=1,b=2 f=x 5\nm,a=1,b=2 f=4 5 \n")},
	}
	if err := d.cut(); err != nil {
		t.Fatal(err)
	}
	d.reject(3, "bad")
	if diff := cmp.Diff([]int32{1, 4}, d.after(0)); diff != "" {
		t.Error(diff)
	}
}
