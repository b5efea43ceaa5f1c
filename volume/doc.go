// SPDX-License-Identifier: Apache-2.0

// Package volume finds what lies under a path and lists its shards: the catalog.
// It opens directories and the metastore, nothing else, and never writes.
//
// A server keeps three trees, which need not lie together:
//
//	data/DATABASE/POLICY/SHARD/   TSM files, tombstones
//	wal/DATABASE/POLICY/SHARD/    WAL segments
//	meta/meta.db                  the metastore
//
// # Sources
//
// A path may name any of these; the first that fits is taken.
//
//	a TSM file                    is read alone, without WAL and metastore
//	a shard directory             its files tell: *.tsm, *.tombstone, fields.idx, _*.wal
//	a volume                      has data, wal and meta in it, or data alone
//	the mount point above one     the volume is influxdb, .influxdb, lib/influxdb,
//	                              var/lib/influxdb, root/.influxdb or home/*/.influxdb
//	                              below it, and nowhere else
//	a data or WAL directory       shards are three levels down
//	a database directory          two levels
//	a policy directory            one level
//
// Beside a data directory, or whatever of it is named, its WAL and metastore are
// found. A WAL directory that is named alone is read alone.
//
// The names of database and policy come from the path where it shows its root: a
// directory called data or wal, or a database directory that has _series in it, as
// all have since 1.5. Where it does not, Request.Database and Request.Policy are the
// names; without those a directory of a database or a policy has its own name.
//
// # Which shards
//
// Where a metastore is at hand, a shard that only a deleted group lists, or that is
// not listed at its place, is garbage that no query would show. It is left out and
// stands in Catalog.LeftOut, or is taken with Request.Orphans. A volume without a
// metastore leaves nothing out, but for what another volume's metastore says is
// deleted.
//
// Shards of several volumes that have the same database, policy and id are replicas
// of one shard.
package volume
