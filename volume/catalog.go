// SPDX-License-Identifier: Apache-2.0

package volume

import (
	"fmt"
	"slices"

	"github.com/shardlift/shardlift/meta"
)

// Catalog is what the sources hold. Everything in it is in an order that depends on
// the sources alone.
type Catalog struct {
	Volumes []*Volume

	// Shards are to be read. By database, policy, then start of the shard group where
	// a metastore tells it; the others follow by id.
	Shards []*Shard

	// LeftOut is what was seen and not taken.
	LeftOut []LeftOut

	// Missing are the shards that a metastore lists in groups that are not deleted,
	// and no volume has. In a cluster that is usual: each node has its own shards.
	Missing []MissingShard

	// Unreadable is what could not be looked into; shards may be lost with it.
	Unreadable []Unreadable

	// MetaErrors says which metastores could not be read, each a *MetaError. All shards
	// of their volumes are taken.
	MetaErrors []error

	roots []root
}

// Database gives what the metastores say of a database, or nil; the volume named last counts.
func (c *Catalog) Database(name string) *meta.Database {
	for _, v := range slices.Backward(c.Volumes) {
		if v.Meta == nil {
			continue
		}
		if db, ok := v.Meta.Database(name); ok {
			return db
		}
	}
	return nil
}

// Volume is one place where shards were found. Paths are absolute, and empty where
// there is no such thing.
type Volume struct {
	Source   string // as it was named
	DataDir  string // root of the data tree; where that is not known, the directory named
	WALDir   string // root of the WAL tree, likewise
	MetaFile string
	Meta     *meta.Data // nil: no metastore, or none that can be read
}

// Lists finds a shard in the metastore of v. ok is false where that lists it at another
// place, or not at all, and where v is nil or has no metastore.
func (v *Volume) Lists(sh *Shard) (ref meta.ShardRef, ok bool) { return v.lists(sh.key()) }

func (v *Volume) lists(key shardKey) (meta.ShardRef, bool) {
	if v == nil || v.Meta == nil {
		return meta.ShardRef{}, false
	}
	ref, ok := v.Meta.Shard(key.id)
	if !ok || ref.Database != key.database || ref.Policy != key.policy {
		return meta.ShardRef{}, false
	}
	return ref, true
}

// Shard is one shard with all its copies.
type Shard struct {
	Database, Policy string // as the directories are named: any bytes
	ID               uint64 // 0: not known; only where a directory or file was named itself

	// Replicas are in the order of the sources; there is at least one.
	Replicas []Replica
}

// Replica is one copy of a shard: either a TSM file, or at least one directory.
type Replica struct {
	Volume  *Volume
	DataDir string // TSM files and tombstones; empty: there is no such directory
	WALDir  string // WAL segments; empty: there is no such directory
	TSMFile string // a file named by itself
}

// Path is the replica's data directory or TSM file; where it has none, its WAL directory.
func (r *Replica) Path() string {
	switch {
	case r.TSMFile != "":
		return r.TSMFile
	case r.DataDir != "":
		return r.DataDir
	}
	return r.WALDir
}

// Reason is why something was left out.
type Reason int

// The reasons. All but Foreign are about shards, and void with Request.Orphans.
const (
	Deleted   Reason = iota // only a deleted shard group lists the shard
	Unlisted                // the metastore does not know the shard
	Elsewhere               // the metastore has the shard in another database or policy
	Foreign                 // no shard: a plain file, or a directory without a shard's number
)

var reasonNames = [...]string{"deleted", "unlisted", "elsewhere", "foreign"}

// String gives a word for machines to read.
func (r Reason) String() string {
	if r < 0 || int(r) >= len(reasonNames) {
		return fmt.Sprintf("reason(%d)", int(r))
	}
	return reasonNames[r]
}

// LeftOut is something that was not taken. For a shard Database, Policy and ID are
// set and Path is the replica's; for what is foreign only Path is.
type LeftOut struct {
	Volume           *Volume
	Path             string
	Database, Policy string
	ID               uint64
	Reason           Reason
	Detail           string // the reason in words
}

// MissingShard is a shard that should be there.
type MissingShard struct {
	Database, Policy string
	ID               uint64
	Group            *meta.ShardGroup
}

// Unreadable is a directory, or a link to one, that could not be looked into.
type Unreadable struct {
	Path string
	WAL  bool  // in a WAL tree: what lies in data trees is read all the same
	Err  error // without the path

	Database, Policy string // that it is of; empty: of several
	ID               uint64 // likewise
}

// Error gives path and reason.
func (u Unreadable) Error() string { return fmt.Sprintf("read directory %s: %v", u.Path, u.Err) }

// Unwrap gives the reason.
func (u Unreadable) Unwrap() error { return u.Err }
