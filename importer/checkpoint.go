// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/shardlift/shardlift/internal/atomicfile"
	"github.com/shardlift/shardlift/internal/jsonbytes"
)

// Checkpoint is how far a run has come: everything before Mark is done.
type Checkpoint struct {
	Format   int             `json:"format"`
	Tool     string          `json:"tool"`
	Identity json.RawMessage `json:"identity"` // Options.Identity of the run
	Mark     json.RawMessage `json:"mark"`     // the Batch.Mark to go on from; null at the start
	Done     Summary         `json:"done"`
	Span     [2]int64        `json:"span"`
	Rejects  rejectsState    `json:"rejectsFile"`
	Probe    *probeState     `json:"probe,omitempty"`
}

// saveInterval is how often the checkpoint is written, while there is progress.
const saveInterval = time.Second

const (
	checkpointFormat = 1
	maxCheckpoint    = 64 << 20 // far above any real one
)

// ErrChanged says that a checkpoint is of another run: other inputs, or other flags.
var ErrChanged = errors.New("the checkpoint is of another run")

// LoadCheckpoint reads the state of a run that did not end; nil if there is none.
func LoadCheckpoint(path string) (*Checkpoint, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // no checkpoint is the usual case
	}
	if err == nil && (info.Size() > maxCheckpoint || !info.Mode().IsRegular()) {
		err = errors.New("not a checkpoint")
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	var c Checkpoint
	if err := jsonbytes.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("read checkpoint %s: %w", path, err)
	}
	if c.Format != checkpointFormat {
		return nil, fmt.Errorf("read checkpoint %s: its format is %d, this version knows %d", path, c.Format, checkpointFormat)
	}
	return &c, nil
}

// Matches reports whether the checkpoint is of a run with that identity.
func (c *Checkpoint) Matches(identity json.RawMessage) bool {
	return bytes.Equal(compact(c.Identity), compact(identity))
}

// compact gives JSON without blanks.
func compact(j json.RawMessage) []byte {
	var b bytes.Buffer
	if json.Compact(&b, j) != nil {
		return j
	}
	return b.Bytes()
}

// save writes the checkpoint, whole or not at all.
func (c *Checkpoint) save(path string) error {
	text, err := jsonbytes.Marshal(c)
	if err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	f, err := atomicfile.Create(path, atomicfile.Options{})
	if err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	if _, err := f.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("write checkpoint: %w", errors.Join(err, f.Abort()))
	}
	if err := f.Commit(); err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	return nil
}

// save brings the rejects to the disk and then writes the checkpoint.
func (r *run) save() error {
	if err := r.rejects.save(); err != nil {
		return err
	}
	return r.books()
}

// books writes the checkpoint.
func (r *run) books() error {
	if r.opts.CheckpointPath == "" {
		return nil
	}
	r.state.Rejects, r.state.Probe = r.rejects.state, r.prober.state()
	r.state.Done = *r.summary()
	if err := r.state.save(r.opts.CheckpointPath); err != nil {
		return err
	}
	r.dirty, r.saved, r.savedAt = false, true, time.Now()
	return nil
}

// forget removes the checkpoint of a run that is over, or that is not carried on.
func (r *run) forget() error {
	info, err := os.Stat(r.opts.CheckpointPath)
	if err == nil && info.Mode().IsRegular() {
		err = os.Remove(r.opts.CheckpointPath)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the checkpoint: %w", err)
	}
	return nil
}
