// SPDX-License-Identifier: Apache-2.0

package volume

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/shardlift/shardlift/meta"
)

// Request says what to open.
type Request struct {
	// Paths are the sources, in the order in which their replicas count.
	Paths []string

	// DataDir, WALDir and MetaDir name the trees apart. Without Paths, DataDir is the
	// source, and WALDir alone a source without data. With one source, WALDir and
	// MetaDir replace what lies beside it. MetaDir may also be the metastore itself.
	DataDir, WALDir, MetaDir string

	// Database and Policy are the names where a source does not show them.
	Database, Policy string

	// Orphans takes the shards that the metastore does not have, or has as deleted.
	Orphans bool

	// All takes every volume below a mount point, where there are several.
	All bool
}

// Open finds the sources and lists their shards. Without any, it takes the first of
// DefaultPaths that is a volume.
//
// The error is ErrNothing, ErrNames, ErrRequest, an *AmbiguousError, that of a
// directory that cannot be read and without which there is nothing, or ctx's cause.
func Open(ctx context.Context, req Request) (*Catalog, error) {
	places, err := req.places(ctx, DefaultPaths())
	if err != nil {
		return nil, err
	}
	c := new(Catalog)
	for _, p := range places {
		c.addRoots(p)
	}
	if req.MetaDir != "" {
		c.addRoot(req.MetaDir, req.MetaDir)
	}
	places = pairHalves(places)
	volumes := make([]*Volume, len(places))
	for i, p := range places {
		volumes[i] = c.volume(p)
	}
	b := builder{catalog: c, orphans: req.Orphans, shards: map[shardKey]*Shard{}, seen: map[shardKey]bool{}}
	for i, p := range places {
		if err := b.add(ctx, volumes[i], p); err != nil {
			return nil, err
		}
	}
	for i, p := range places {
		b.addMissing(volumes[i], p)
	}
	b.finish()
	return c, nil
}

// places finds everything that the request names.
func (req *Request) places(ctx context.Context, defaults []string) ([]place, error) {
	places, err := req.sources(ctx, defaults)
	if err != nil {
		return nil, err
	}
	if req.WALDir == "" && req.MetaDir == "" {
		return places, nil
	}
	if len(places) > 1 {
		return nil, fmt.Errorf("%w: a WAL or a metastore named apart goes with one volume, and there are %d", ErrRequest, len(places))
	}
	p := &places[0]
	if req.WALDir != "" && p.tsmFile == "" {
		if err := p.setWAL(req.WALDir); err != nil {
			return nil, fmt.Errorf("open WAL directory %s: %w", req.WALDir, bare(err))
		}
	}
	if req.MetaDir != "" {
		if err := p.setMeta(req.MetaDir); err != nil {
			return nil, fmt.Errorf("open metastore %s: %w", req.MetaDir, bare(err))
		}
	}
	return places, nil
}

// sources finds all but what is named apart from its data.
func (req *Request) sources(ctx context.Context, defaults []string) ([]place, error) {
	paths := req.Paths
	if req.DataDir != "" {
		if len(paths) > 0 {
			return nil, fmt.Errorf("%w: a data directory named apart (%s) is a source itself, beside %s", ErrRequest, req.DataDir, paths[0])
		}
		return req.dataDir(ctx)
	}
	if len(paths) == 0 && req.WALDir != "" {
		return []place{{source: req.WALDir}}, nil
	}
	if len(paths) == 0 {
		return one(locateDefault(ctx, defaults))
	}
	var places []place
	for _, path := range paths {
		found, err := locate(ctx, path, req)
		if err != nil {
			return nil, err
		}
		places = append(places, found...)
	}
	return places, nil
}

// dataDir takes the data directory as any source, but believes that it is one when
// it is empty.
func (req *Request) dataDir(ctx context.Context) ([]place, error) {
	places, err := locate(ctx, req.DataDir, req)
	if dir, absErr := filepath.Abs(req.DataDir); errors.Is(err, ErrNothing) && absErr == nil && isDirectory(dir) {
		return []place{placeUnder(req.DataDir, dir, nil, dataTree)}, nil
	}
	return places, err
}

// setWAL puts another WAL tree in. Of a shard, its own directory may be all there is.
func (p *place) setWAL(path string) error {
	dir, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	l, err := lookAt(dir)
	if err != nil {
		return err
	}
	if p.data == "" && p.metaFile == "" {
		p.metaFile = metaBeside(dir)
	}
	p.walRoot, p.wal = dir, below(dir, p.names)
	if l.wal && len(p.names) == shardLevel {
		p.wal = dir
	}
	return nil
}

// setMeta puts another metastore in: the file, its directory, or the directory above.
func (p *place) setMeta(path string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	for _, file := range []string{abs, metaFileIn(abs), metaFileIn(filepath.Join(abs, "meta"))} {
		if isNamed(file) && !isDirectory(file) {
			p.metaFile = file
			return nil
		}
	}
	return fmt.Errorf("%w: there is no meta.db", ErrNothing)
}

// pairHalves puts a data tree and a WAL tree together that were named one by one:
// they are not replicas, the one's deletes are about the other's points.
func pairHalves(places []place) []place {
	if len(places) != 2 {
		return places
	}
	a, b := places[0], places[1]
	if a.data == "" {
		a, b = b, a
	}
	halves := a.data != "" && a.wal == "" && b.data == "" && b.wal != ""
	if !halves || !slices.Equal(a.names, b.names) {
		return places
	}
	a.wal, a.walRoot = b.wal, b.walRoot
	if a.metaFile == "" {
		a.metaFile = b.metaFile
	}
	return []place{a}
}

// volume gives the volume of a place: one that is known already when the same trees
// are named twice.
func (c *Catalog) volume(p place) *Volume {
	v := &Volume{Source: p.source, DataDir: p.dataRoot, WALDir: p.walRoot, MetaFile: p.metaFile}
	for _, known := range c.Volumes {
		if v.DataDir+v.WALDir != "" && samePath(known.DataDir, v.DataDir) &&
			samePath(known.WALDir, v.WALDir) && samePath(known.MetaFile, v.MetaFile) {
			return known
		}
	}
	if v.MetaFile != "" {
		data, err := meta.Read(v.MetaFile)
		if err != nil {
			c.MetaErrors = append(c.MetaErrors, &MetaError{Path: v.MetaFile, Err: err})
		} else {
			v.Meta = data
		}
	}
	c.Volumes = append(c.Volumes, v)
	return v
}
