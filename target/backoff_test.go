// SPDX-License-Identifier: Apache-2.0

package target_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shardlift/shardlift/target"
)

func TestBackoff(t *testing.T) {
	asked := fmt.Errorf("write: %w", &target.Error{Class: target.Overloaded, RetryAfter: 5 * time.Second})
	for name, c := range map[string]struct {
		err      error
		tries    int
		from, to time.Duration // to is exclusive
	}{
		"first":       {&target.Error{Class: target.Temporary}, 1, 0, 200 * time.Millisecond},
		"third":       {&target.Error{Class: target.Temporary}, 3, 0, 800 * time.Millisecond},
		"longest":     {&target.Error{Class: target.Temporary}, 7, 0, 10 * time.Second},
		"thousandth":  {&target.Error{Class: target.Temporary}, 1000, 0, 10 * time.Second},
		"asked for":   {asked, 1, 5 * time.Second, 5200 * time.Millisecond},
		"asked again": {asked, 9, 5 * time.Second, 6*time.Second + 1},
	} {
		t.Run(name, func(t *testing.T) {
			least, most := time.Hour, time.Duration(0)
			for range 2000 {
				wait := target.Backoff(c.err, c.tries, 10*time.Second)
				least, most = min(least, wait), max(most, wait)
			}
			if least < c.from || most >= c.to {
				t.Errorf("from %v to %v, want from %v to less than %v", least, most, c.from, c.to)
			}
			if spread := c.to - c.from; least > c.from+spread/10 || most < c.to-spread/10 {
				t.Errorf("from %v to %v does not spread from %v to %v", least, most, c.from, c.to)
			}
		})
	}
}

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := target.Pause(t.Context(), time.Minute); err != nil || time.Since(began) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		why := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(why) })
		began = time.Now()
		if err := target.Pause(ctx, time.Minute); !errors.Is(err, why) || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}
