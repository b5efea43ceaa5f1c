// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"math"
	"sync"
	"time"
)

// latencies is a histogram of durations whose buckets grow by about a twentieth.
type latencies struct {
	mu      sync.Mutex
	buckets [512]int64
	n       int64
	max     time.Duration
}

// Buckets count from a microsecond on.
const (
	smallest = time.Microsecond
	growth   = 1.05
)

var logGrowth = math.Log(growth)

func (l *latencies) add(d time.Duration) {
	i := 0
	if d > smallest {
		i = min(len(l.buckets)-1, int(math.Log(float64(d)/float64(smallest))/logGrowth)+1)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buckets[i]++
	l.n++
	l.max = max(l.max, d)
}

// summary gives the percentiles, each as the upper end of its bucket.
func (l *latencies) summary() Latency {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := func(share float64) float64 {
		rank, seen := int64(math.Ceil(share*float64(l.n))), int64(0)
		for i, n := range l.buckets {
			if seen += n; seen >= rank && seen > 0 {
				upper := float64(smallest) * math.Pow(growth, float64(i))
				return min(upper, float64(l.max)) / float64(time.Second)
			}
		}
		return 0
	}
	return Latency{P50: at(0.5), P90: at(0.9), P99: at(0.99), Max: l.max.Seconds()}
}
