// SPDX-License-Identifier: Apache-2.0

package influxdtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Shard is one row of SHOW SHARDS.
type Shard struct {
	ID       uint64
	Database string
	Policy   string
	Start    string // RFC 3339
	End      string
}

// Shards lists the live shards of a database, or of all for the name "".
func (s *Server) Shards(db string) []Shard {
	s.tb.Helper()
	var shards []Shard
	for _, series := range s.Query("", "SHOW SHARDS") {
		for _, row := range series.Values {
			id, err := strconv.ParseUint(fmt.Sprint(row[0]), 10, 64)
			if err != nil {
				s.tb.Fatalf("SHOW SHARDS: id %v: %v", row[0], err)
			}
			shard := Shard{ID: id, Database: str(row[1]), Policy: str(row[2]), Start: str(row[4]), End: str(row[5])}
			if db == "" || shard.Database == db {
				shards = append(shards, shard)
			}
		}
	}
	return shards
}

// ShardDir is the directory of the shard's TSM files.
func (s *Server) ShardDir(sh Shard) string {
	return filepath.Join(s.Data, sh.Database, sh.Policy, strconv.FormatUint(sh.ID, 10))
}

// WALDir is the directory of the shard's WAL segments.
func (s *Server) WALDir(sh Shard) string {
	return filepath.Join(s.WAL, sh.Database, sh.Policy, strconv.FormatUint(sh.ID, 10))
}

// Flush writes the cache of every shard of the database to TSM, see FlushShard.
func (s *Server) Flush(db string) {
	s.tb.Helper()
	for _, shard := range s.Shards(db) {
		s.FlushShard(shard.ID)
	}
}

// FlushShard makes the server write the cache of a shard to a new TSM generation and
// remove the WAL segments behind it, at once: a request for a backup of the shard
// does that first. An empty cache makes no file.
func (s *Server) FlushShard(id uint64) {
	s.tb.Helper()
	none := time.Now().Add(never) // no file has changed since, so none is sent
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		err := s.backup(id, none)
		if err == nil {
			return
		}
		// A snapshot that is already running refuses another one.
		if errors.Is(err, syscall.ECONNREFUSED) || time.Since(began) > busyTimeout {
			s.tb.Fatalf("flush shard %d: %v\n%s", id, err, s.LogTail())
		}
	}
}

// The first two bytes of a request to the snapshot service: its number on the
// shared port, and the number of the shard backup request.
const (
	snapshotService = 3
	shardBackup     = 0
)

// Backup runs a whole backup of the shard, as `influxd backup` does, and throws the
// archive away. While it runs the shard's directory holds <n>.tmp with hard links.
// The error is also that of a server that died meanwhile.
func (s *Server) Backup(id uint64) error { return s.backup(id, time.Time{}) }

// backup asks the snapshot service for the files of a shard that changed since then. The
// service tells of an error only by closing the connection.
func (s *Server) backup(id uint64, since time.Time) error {
	conn, err := net.DialTimeout("tcp", s.rpcAddr, startTimeout)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // read to its end
	if err := conn.SetDeadline(time.Now().Add(requestTimeout)); err != nil {
		return err
	}
	request, err := json.Marshal(map[string]any{"ShardID": id, "Since": since})
	if err != nil {
		return err
	}
	message := append([]byte{snapshotService, shardBackup}, request...)
	if _, err := conn.Write(append(message, '\n')); err != nil {
		return err
	}
	n, err := io.Copy(io.Discard, conn)
	if err == nil && n == 0 {
		err = errors.New("the server closed the connection")
	}
	return err
}

func str(v any) string {
	s, _ := v.(string)
	return s
}
