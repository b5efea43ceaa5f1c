// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/shardlift/shardlift/checker"
	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/inspector"
)

// exportGauge shows how far an export is.
func exportGauge(p *exporter.Progress) gauge {
	return func(elapsed time.Duration) state {
		s := state{bytes: p.DoneBytes.Load(), allBytes: p.TotalBytes.Load()}
		s.allBytes = max(s.allBytes, s.bytes, 1) // a file may have grown since it was counted
		s.left = timeLeft(elapsed, s.bytes, s.allBytes)
		shards, all, points := p.ShardsDone.Load(), p.Shards.Load(), p.Points.Load()
		rate := perSecond(points, elapsed)
		s.text = fmt.Sprintf("shard %d of %d, %s points, %s points/s", shards, all, humanize.Comma(points), humanize.Comma(int64(rate)))
		s.brief = fmt.Sprintf("shard %d/%d %s pt/s", shards, all, short(rate))
		return s
	}
}

// inspectGauge shows how far an inspection is.
func inspectGauge(p *inspector.Progress) gauge {
	return func(elapsed time.Duration) state {
		s := state{bytes: p.DoneBytes.Load(), allBytes: p.TotalBytes.Load()}
		s.allBytes = max(s.allBytes, s.bytes, 1)
		s.left = timeLeft(elapsed, s.bytes, s.allBytes)
		shards, all := p.ShardsDone.Load(), p.Shards.Load()
		s.text = fmt.Sprintf("shard %d of %d, %s columns", shards, all, humanize.Comma(p.Columns.Load()))
		s.brief = fmt.Sprintf("shard %d/%d", shards, all)
		if n := p.Fault.Load(); n > 0 {
			s.text += fmt.Sprintf(", %s", count(n, "fault"))
			s.brief += fmt.Sprintf(" %s", count(n, "fault"))
		}
		return s
	}
}

// importGauge shows how far an import is. What a run before did counts for the percentage
// and not for the rate: stored points were stored by it.
func importGauge(p *importer.Progress, stored int64) gauge {
	read := p.Read.Load()
	return func(elapsed time.Duration) state {
		s := state{bytes: p.Read.Load(), allBytes: p.Total.Load()}
		if s.allBytes > 0 {
			s.allBytes = max(s.allBytes, s.bytes)
		}
		if s.left = timeLeft(elapsed, s.bytes-read, s.allBytes-read); s.bytes == s.allBytes {
			s.left = -1 // the last requests may take any time: points may have to be found that the target refuses
		}
		points, rejected, waiting := p.Stored.Load(), p.Rejected.Load(), p.Waiting.Load()
		rate := perSecond(points-stored, elapsed)
		text := []string{
			humanize.Comma(points) + " points stored", humanize.Comma(int64(rate)) + " points/s",
			fmt.Sprintf("%d of %d requests on their way", p.InFlight.Load(), p.Allowed.Load()),
		}
		s.brief = fmt.Sprintf("%s pt/s %d/%d", short(rate), p.InFlight.Load(), p.Allowed.Load())
		if n := p.Retries.Load(); n > 0 {
			text = append(text, humanize.Comma(n)+" sent again")
		}
		if waiting > 0 {
			text = append(text, fmt.Sprintf("%d waiting to be sent again", waiting))
			s.brief += fmt.Sprintf(" wait %d", waiting)
		}
		if rejected > 0 {
			text = append(text, humanize.Comma(rejected)+" rejected")
			s.brief += fmt.Sprintf(" rej %s", short(float64(rejected)))
		}
		s.text = strings.Join(text, ", ")
		return s
	}
}

// readGauge shows how far a dry run is.
func readGauge(p *importer.Progress) gauge {
	return func(elapsed time.Duration) state {
		s := state{bytes: p.Read.Load(), allBytes: p.Total.Load()}
		if s.allBytes > 0 {
			s.allBytes = max(s.allBytes, s.bytes)
		}
		s.left = timeLeft(elapsed, s.bytes, s.allBytes)
		rate := perSecond(p.Points.Load(), elapsed)
		s.text = fmt.Sprintf("%s points read, %s points/s", humanize.Comma(p.Points.Load()), humanize.Comma(int64(rate)))
		s.brief = short(rate) + " pt/s"
		return s
	}
}

// checkGauge shows how far a check is.
func checkGauge(p *checker.Progress) gauge {
	return func(elapsed time.Duration) state {
		s := state{bytes: p.DoneBytes.Load(), allBytes: p.TotalBytes.Load()}
		if s.allBytes > 0 { // of stdin nothing is known
			s.allBytes = max(s.allBytes, s.bytes)
		}
		s.left = timeLeft(elapsed, s.bytes, s.allBytes)
		rate := perSecond(s.bytes, elapsed)
		text := []string{humanize.Bytes(uint64(rate)) + "/s"}
		s.brief = short(rate) + "B/s"
		if all := p.Shards.Load(); all > 0 {
			text = append(text, fmt.Sprintf("shard %d of %d, %s blocks", p.ShardsDone.Load(), all, humanize.Comma(p.Blocks.Load())))
		}
		if all := p.Files.Load(); all > 0 {
			text = append(text, fmt.Sprintf("file %d of %d, %s points", p.FilesDone.Load(), all, humanize.Comma(p.Points.Load())))
		}
		if n := p.Faults.Load(); n > 0 {
			text = append(text, count(n, "fault"))
			s.brief += fmt.Sprintf(" %s faults", short(float64(n)))
		}
		s.text = strings.Join(text, ", ")
		return s
	}
}
