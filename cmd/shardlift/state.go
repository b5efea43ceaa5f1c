// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/internal/jsonbytes"
)

// statePaths settles where the checkpoint and the rejects go. Beside is the input that
// they lie beside, or "" where there is no such place; key tells runs apart that
// share a directory for their state.
func (s *stateFlags) paths(beside, key string) (checkpoint, rejects string, err error) {
	checkpoint, rejects = s.Checkpoint, s.Rejects
	if checkpoint != "" && rejects != "" {
		return checkpoint, rejects, nil
	}
	dir, name := "", ""
	if beside != "" {
		abs, err := filepath.Abs(beside)
		if err != nil {
			return "", "", fmt.Errorf("find a place for the checkpoint: %w", err)
		}
		name = filepath.Base(abs)
		dir = filepath.Dir(filepath.Clean(beside))
		if filepath.Base(filepath.Clean(beside)) != name { // "." and ".."
			dir = filepath.Dir(abs)
		}
		if name == string(filepath.Separator) || !writable(dir) {
			dir = ""
		}
	}
	if rejects == "" {
		rejects = "shardlift-rejects.lp"
		if dir != "" {
			rejects = filepath.Join(dir, name+".rejects.lp")
		}
	}
	switch {
	case checkpoint != "":
	case dir != "":
		checkpoint = filepath.Join(dir, "."+name+".shardlift-import")
	default:
		checkpoint, err = stateFile(key)
	}
	return checkpoint, rejects, err
}

// writable reports whether files can be made in a directory.
func writable(dir string) bool {
	const writeAndSearch = 3 // W_OK|X_OK
	return syscall.Access(dir, writeAndSearch) == nil
}

// canWrite finds out before anything is sent whether a file can be written.
func canWrite(what, path string, replaced bool) error {
	const write = 2 // W_OK
	if _, err := os.Stat(path); err == nil && !replaced {
		if err := syscall.Access(path, write); err != nil {
			return fmt.Errorf("%s %s: %w", what, path, err)
		}
		return nil
	}
	if err := syscall.Access(filepath.Dir(path), write|1); err != nil {
		return fmt.Errorf("%s %s: its directory: %w", what, path, err)
	}
	return nil
}

// apart refuses to use one file for two purposes.
func apart(checkpoint, rejects string, inputs []string) error {
	if filepath.Clean(checkpoint) == filepath.Clean(rejects) || sameFile(checkpoint, rejects) {
		return usagef("--checkpoint and --rejects name the same file")
	}
	for _, in := range inputs {
		switch {
		case sameFile(checkpoint, in):
			return usagef("--checkpoint names the input %s", in)
		case sameFile(rejects, in):
			return usagef("--rejects names the input %s", in)
		}
	}
	return nil
}

// sameFile reports whether two names are of one regular file.
func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && x.Mode().IsRegular() && os.SameFile(x, y)
}

// mayReplace refuses to put a checkpoint where there is something that is none, not even a
// damaged one.
func mayReplace(checkpoint string) error {
	f, err := os.Open(checkpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read checkpoint: %w", err)
	}
	defer f.Close() //nolint:errcheck // was only read
	var first [1]byte
	if _, err := f.Read(first[:]); err == nil && first[0] != '{' || err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("checkpoint %s: the file holds something else", checkpoint)
	}
	return nil
}

// stateFile gives the file for the state of a run that has no place of its own. Its
// directory is made.
func stateFile(key string) (string, error) {
	base := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find a place for the checkpoint: %w", err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	dir := filepath.Join(base, "shardlift")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make a place for the checkpoint: %w", err)
	}
	sum := sha256.Sum256([]byte(key))
	command, _, _ := strings.Cut(key, "\n")
	return filepath.Join(dir, fmt.Sprintf("%s-%x.json", command, sum[:8])), nil
}

// identity says what a run does, so that only the same one carries on. Which nodes
// it writes to may change, but not all of them.
type identity struct {
	Run  map[string]json.RawMessage `json:"run"`
	URLs []string                   `json:"urls"` // of the nodes, without credentials
	Now  int64                      `json:"now"`  // of the first start, in Unix nanoseconds

	// Escaped are the parts of Run with a string that is no UTF-8: of those all strings are as
	// jsonbytes has them.
	Escaped []string `json:"escaped,omitempty"`
}

// newIdentity puts the parts together. A part of UTF-8 is written as it is, even where
// jsonbytes would escape a backslash, as earlier versions wrote it.
func newIdentity(parts map[string]any, urls []string, now time.Time) (*identity, error) {
	id := &identity{Run: map[string]json.RawMessage{}, Now: now.UnixNano()}
	for _, u := range urls {
		id.URLs = append(id.URLs, withoutUser(u))
	}
	for name, part := range parts {
		if !jsonbytes.IsUTF8(part) {
			part = jsonbytes.Escaped(part)
			id.Escaped = append(id.Escaped, name)
		}
		text, err := json.Marshal(part)
		if err != nil {
			return nil, fmt.Errorf("describe the run: %w", err)
		}
		id.Run[name] = text
	}
	slices.Sort(id.Escaped)
	return id, nil
}

// changedError says that there is a checkpoint of another run.
type changedError struct {
	path string
	what []string // differs
}

func (e *changedError) Error() string {
	return fmt.Sprintf("the checkpoint %s is of another run: %s", e.path, strings.Join(e.what, "; "))
}

func (e *changedError) Unwrap() error { return importer.ErrChanged }

// startOf gives the time of the first start of a run.
func startOf(before *importer.Checkpoint) (time.Time, error) {
	if before == nil {
		return time.Now(), nil
	}
	var id identity
	if err := json.Unmarshal(before.Identity, &id); err != nil {
		return time.Time{}, fmt.Errorf("read the checkpoint: %w", err)
	}
	return time.Unix(0, id.Now), nil
}

// resume checks that the checkpoint, which may be nil, is of this run, and gives it with the
// identity that the run goes on with.
func (id *identity) resume(path string, before *importer.Checkpoint) (*importer.Checkpoint, json.RawMessage, error) {
	own, err := json.Marshal(id)
	if err != nil {
		return nil, nil, fmt.Errorf("describe the run: %w", err)
	}
	if before == nil {
		return nil, own, nil
	}
	var was identity
	if err := json.Unmarshal(before.Identity, &was); err != nil {
		return nil, nil, fmt.Errorf("read checkpoint %s: %w", path, err)
	}
	if what := id.differences(&was); len(what) > 0 {
		return nil, nil, &changedError{path, what}
	}
	c := *before
	c.Identity = own // the nodes may be others in part
	return &c, own, nil
}

// differences tells what is not as it was before.
func (id *identity) differences(before *identity) []string {
	var what []string
	for _, name := range sortedKeys(id.Run, before.Run) {
		was, is := before.Run[name], id.Run[name]
		switch {
		case !sameJSON(was, is):
			what = append(what, plainly(name+" "+difference(was, is)))
		case slices.Contains(before.Escaped, name) != slices.Contains(id.Escaped, name): // \xff, and the byte
			what = append(what, name+" differ in bytes that are no UTF-8")
		}
	}
	if !slices.ContainsFunc(id.URLs, func(u string) bool { return slices.Contains(before.URLs, u) }) {
		what = append(what, fmt.Sprintf("target was %s, is %s", strings.Join(before.URLs, " "), strings.Join(id.URLs, " ")))
	}
	return what
}

// plainly leaves out the names of lists, which stand twice in what is said of an input.
func plainly(what string) string {
	what = strings.TrimPrefix(what, "inputs ")
	if rest, ok := strings.CutPrefix(what, "inputs "); ok && rest != "" && rest[0] >= '0' && rest[0] <= '9' {
		return "input " + rest
	}
	return what
}

func sameJSON(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	if json.Compact(&x, a) != nil || json.Compact(&y, b) != nil {
		return len(a) == 0 && len(b) == 0
	}
	return bytes.Equal(x.Bytes(), y.Bytes())
}

// shownDifference is how long a value may be to be shown, in bytes.
const shownDifference = 60

// difference tells how two values differ: the values if they are short, or the
// first part of them that differs.
func difference(was, is json.RawMessage) string {
	if len(was) <= shownDifference && len(is) <= shownDifference {
		return fmt.Sprintf("was %s, is %s", cmp.Or(string(was), "not there"), cmp.Or(string(is), "not there"))
	}
	var a, b map[string]json.RawMessage
	if json.Unmarshal(was, &a) == nil && json.Unmarshal(is, &b) == nil {
		for _, name := range sortedKeys(a, b) {
			if !sameJSON(a[name], b[name]) {
				return name + " " + difference(a[name], b[name])
			}
		}
	}
	var list, other []json.RawMessage
	if json.Unmarshal(was, &list) == nil && json.Unmarshal(is, &other) == nil {
		for i := range min(len(list), len(other)) {
			if !sameJSON(list[i], other[i]) {
				return fmt.Sprintf("%d %s", i+1, difference(list[i], other[i]))
			}
		}
		return fmt.Sprintf("were %d, are %d", len(list), len(other))
	}
	return "differ"
}

func sortedKeys(a, b map[string]json.RawMessage) []string {
	var names []string
	for name := range a {
		names = append(names, name)
	}
	for name := range b {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
