// SPDX-License-Identifier: Apache-2.0

package target

import (
	"errors"
	"io"
	"net/http/httptrace"
	"sync/atomic"
	"testing"
	"time"
)

func TestWanted(t *testing.T) {
	const slow, fast = time.Second, time.Millisecond // for a megabyte
	const mega = 1 << 20
	tests := map[string]struct {
		mode     Encoding
		loopback bool
		took     []time.Duration
		refused  int
		size     int
		want     bool
	}{
		"off":               {EncodeNone, false, nil, 0, mega, false},
		"on":                {EncodeGzip, false, nil, 0, mega, true},
		"on, loopback":      {EncodeGzip, true, nil, 0, mega, true},
		"on, tiny":          {EncodeGzip, false, nil, 0, tinyBody - 1, false},
		"on, once refused":  {EncodeGzip, false, nil, 1, mega, true},
		"on, twice refused": {EncodeGzip, false, nil, 2, mega, false},
		"auto, unknown":     {EncodeAuto, false, nil, 0, mega, false},
		"auto, slow":        {EncodeAuto, false, []time.Duration{slow}, 0, mega, true},
		"auto, slow, tiny":  {EncodeAuto, false, []time.Duration{slow}, 0, tinyBody - 1, false},
		"auto, slow, small": {EncodeAuto, false, []time.Duration{slow}, 0, tinyBody, true},
		"auto, fast":        {EncodeAuto, false, []time.Duration{fast, fast}, 0, mega, false},
		"auto, became slow": {EncodeAuto, false, []time.Duration{fast, slow}, 0, mega, true},
		"auto, loopback":    {EncodeAuto, true, []time.Duration{slow}, 0, mega, false},
		"auto, refused":     {EncodeAuto, false, []time.Duration{slow}, 2, mega, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var p packing
			p.init(tt.mode, tt.loopback)
			for _, d := range tt.took {
				p.learn(mega, d)
			}
			for range tt.refused {
				p.answered(answer{status: 415, packed: true}, &Error{Class: Temporary})
			}
			if got := p.wanted(tt.size); got != tt.want {
				t.Errorf("wanted: %t", got)
			}
		})
	}
}

// While bodies are compressed, large plain ones look whether the way is still slow.
func TestProbes(t *testing.T) {
	var p packing
	p.init(EncodeAuto, false)
	p.learn(1<<20, time.Second)
	var plain []int
	for i := range 200 {
		if !p.wanted(1 << 20) {
			plain = append(plain, i)
			p.learn(1<<20, time.Second)
		}
	}
	if len(plain) != 3 || plain[0] != 16 || plain[1] != 49 || plain[2] != 114 {
		t.Errorf("probes at %v", plain)
	}
	for range 100 {
		p.learn(1<<20, time.Millisecond)
	}
	if p.wanted(1 << 20) {
		t.Error("a way that has become fast is not noticed")
	}
}

func TestMeasure(t *testing.T) {
	ctx := t.Context()
	p := packing{mode: EncodeAuto}
	large := payload{bytes: make([]byte, measuredBody)}
	trace := httptrace.ContextClientTrace(p.measure(ctx, large))
	trace.WroteHeaders()
	trace.WroteRequest(httptrace.WroteRequestInfo{Err: errors.New("reset")})
	if p.pace != 0 {
		t.Error("learned from a request that broke off")
	}
	trace.WroteRequest(httptrace.WroteRequestInfo{})
	if p.pace <= 0 {
		t.Error("learned nothing")
	}
	loopback := packing{mode: EncodeAuto, loopback: true}
	for name, got := range map[string]bool{
		"packed":   httptrace.ContextClientTrace(p.measure(ctx, payload{bytes: large.bytes, packed: true})) != nil,
		"small":    httptrace.ContextClientTrace(p.measure(ctx, payload{bytes: large.bytes[1:]})) != nil,
		"loopback": httptrace.ContextClientTrace(loopback.measure(ctx, large)) != nil,
	} {
		if got {
			t.Errorf("%s: measures", name)
		}
	}
}

func TestIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.9.9.9": true, "::1": true, "localhost": true, "LOCALHOST": true,
		"10.0.0.1": false, "localhost.example": false, "influx": false,
	} {
		if isLoopback(host) != want {
			t.Errorf("%s: %t", host, !want)
		}
	}
}

// What was given out and never written counts once.
func TestBodyCountsOnce(t *testing.T) {
	var sent atomic.Int64
	b := newBody([]byte("0123456789"), &sent)
	if _, err := io.ReadFull(b.reader(), make([]byte, 7)); err != nil {
		t.Fatal(err)
	}
	again := b.reader()
	if _, err := io.ReadFull(again, make([]byte, 4)); err != nil || sent.Load() != 4 {
		t.Errorf("%d bytes, %v", sent.Load(), err)
	}
	if taken := b.detach(); taken != 4 {
		t.Errorf("%d taken", taken)
	}
	if _, err := again.Read(make([]byte, 1)); !errors.Is(err, errDetached) {
		t.Errorf("read after its end: %v", err)
	}
	whole := newBody([]byte("0123456789"), &sent)
	r := whole.reader()
	if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	whole.detach()
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the end after detach: %v", err)
	}
}

func TestPause(t *testing.T) {
	for failures, most := range map[int]time.Duration{1: 250 * time.Millisecond, 2: 500 * time.Millisecond, 8: 30 * time.Second, 1000: 30 * time.Second} {
		for range 100 {
			if d := pause(failures); d < most/2 || d > most {
				t.Fatalf("after %d: %s", failures, d)
			}
		}
	}
}
