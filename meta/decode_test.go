// SPDX-License-Identifier: Apache-2.0

package meta

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"
)

var compare = cmp.Options{cmpopts.IgnoreUnexported(Data{}), cmpopts.EquateEmpty()}

const day = 24 * time.Hour

// vector is what testdata/vector.db holds.
func vector() *Data {
	return &Data{
		Term: 1, Index: 42, ClusterID: 7077078217013379101, MaxShardGroupID: 3, MaxShardID: 4,
		Databases: []Database{{
			Name: "telegraf", DefaultPolicy: "autogen",
			Policies: []Policy{{
				Name: "autogen", ShardDuration: 7 * day, Replication: 1,
				Groups: []ShardGroup{
					{ID: 1, Start: 1599436800e9, End: 1600041600e9, Shards: []Shard{{ID: 1}}},
					{ID: 2, Start: 1600041600e9, End: 1600646400e9, DeletedAt: 1700000000000000005, Shards: []Shard{{ID: 2}}},
				},
				Subscriptions: []Subscription{{Name: "sub0", Mode: "ANY", Destinations: []string{"udp://h:9090"}}},
			}, {
				Name: "two days", Duration: 2 * day, ShardDuration: day, Replication: 1,
				Groups: []ShardGroup{{
					ID: 3, Start: 0, End: 86400e9, TruncatedAt: 43200e9,
					Shards: []Shard{{ID: 3, Owners: []uint64{4, 5}}, {ID: 4, Owners: []uint64{6}}},
				}},
			}},
			ContinuousQueries: []ContinuousQuery{{
				Name:  "cq",
				Query: "CREATE CONTINUOUS QUERY cq ON telegraf BEGIN SELECT mean(f) INTO avg FROM cpu GROUP BY time(1h) END",
			}},
		}},
		Users: []User{
			{Name: "admin", Admin: true, HasHash: true},
			{Name: "bob", HasHash: true, Privileges: []Privilege{{Database: "telegraf", Access: ReadAccess}}},
		},
	}
}

func mustRead(t testing.TB, name string) *Data {
	t.Helper()
	d, err := Read(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestReadVector(t *testing.T) {
	if diff := cmp.Diff(vector(), mustRead(t, "vector.db"), compare); diff != "" {
		t.Error(diff)
	}
	stored, err := os.ReadFile("testdata/vector.db")
	if err != nil {
		t.Fatal(err)
	}
	// The test encoder writes what a server writes, but for the hashes.
	if got := encode(vector()); len(stored)-len(got) != 2*(len("$2a$10$")+53-len("$2a$10$x")) {
		t.Errorf("the test encoder makes %d bytes of the %d", len(got), len(stored))
	}
}

func TestReadBackups(t *testing.T) {
	want := &Data{
		Index: 3, ClusterID: 3274537238824176545, MaxShardGroupID: 1, MaxShardID: 1,
		Databases: []Database{{Name: "bk", DefaultPolicy: "autogen", Policies: []Policy{{
			Name: "autogen", ShardDuration: 7 * day, Replication: 1,
			Groups: []ShardGroup{{ID: 1, Start: 1599436800e9, End: 1600041600e9, Shards: []Shard{{ID: 1}}}},
		}}}},
	}
	for _, name := range []string{"portable.meta", "legacy.meta"} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want, mustRead(t, name), compare); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadErrors(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pipe, huge := filepath.Join(dir, "pipe"), file("huge.db", nil)
	if err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.Truncate(huge, maxSize+1)); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		path, want string
		is         error
	}{
		"not there": {filepath.Join(dir, "none.db"), "read metastore: stat ", fs.ErrNotExist},
		"empty":     {file("empty.db", nil), "empty.db: metastore at byte 0: empty", ErrCorrupt},
		"a folder":  {dir, "is not a regular file", nil},
		"a pipe":    {pipe, "pipe is not a regular file", nil},
		"huge":      {huge, "larger than 64 MiB", nil},
		"zeros":     {file("zeros.db", make([]byte, 100)), "zeros.db: metastore at byte 0: ", ErrCorrupt},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Read(tt.path)
			if err == nil || !strings.Contains(err.Error(), tt.want) || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("Read = %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// top is a message with all that is required, and more in its middle.
func top(more func(*encoder)) []byte {
	var e encoder
	e.number(1, 1)
	e.number(2, 1)
	e.number(3, 1)
	more(&e)
	e.number(7, 0)
	e.number(8, 0)
	e.number(9, 0)
	return e
}

func TestDecodeErrors(t *testing.T) {
	database := func(write func(*encoder)) []byte {
		return top(func(e *encoder) { e.message(5, write) })
	}
	policy := func(write func(*encoder)) []byte {
		return database(func(e *encoder) { e.text(1, "db"); e.message(3, write) })
	}
	group := func(write func(*encoder)) []byte {
		return policy(func(e *encoder) { e.text(1, "rp"); e.message(5, write) })
	}
	tests := map[string]struct {
		in   []byte
		want string
	}{
		"text":                  {[]byte("hello"), `metastore at byte 2: field 13: `},
		"nothing known":         {[]byte{0x78, 1}, `metastore, field 1 at byte 0: missing`},
		"tag of nought":         {[]byte{0}, `metastore at byte 0: `},
		"tag too long":          {bytes.Repeat([]byte{0xff}, 12), `metastore at byte 0: `},
		"number cut":            {[]byte{0x08, 0x80}, `metastore at byte 0: field 1: runs past the end`},
		"length past the end":   {append(encode(&Data{}), 0x2a, 9, 1), `metastore at byte 12: field 5: runs past the end`},
		"length of all ones":    {append([]byte{0x2a}, protowire.AppendVarint(nil, 1<<64-1)...), `field 5: runs past the end`},
		"length of the sign":    {append([]byte{0x2a}, protowire.AppendVarint(nil, 1<<63)...), `field 5: runs past the end`},
		"wrong wire type":       {top(func(e *encoder) { e.text(8, "x") }), `metastore, field 8 at byte 6: wire type 2, want 0`},
		"number for a message":  {top(func(e *encoder) { e.number(5, 1) }), `metastore, field 5 at byte 6: wire type 0, want 2`},
		"group left open":       {top(func(e *encoder) { *e = protowire.AppendTag(*e, 20, protowire.StartGroupType) }), `field 20: runs past the end`},
		"no max shard id":       {encode(&Data{})[:10], `metastore, field 9 at byte 0: missing`},
		"database, no name":     {database(func(e *encoder) { e.text(2, "autogen") }), `database, field 1 at byte 8: missing`},
		"database, cut inside":  {database(func(e *encoder) { e.text(1, "db"); *e = append(*e, 0x12, 5) }), `database at byte 12: field 2: runs past the end`},
		"policy, no name":       {policy(func(e *encoder) { e.number(2, 0) }), `retention policy, field 1 at byte 14: missing`},
		"policy, replication":   {policy(func(e *encoder) { e.number(4, 1<<32) }), `retention policy, field 4 at byte 14: 4294967296 does not fit`},
		"group, no end":         {group(func(e *encoder) { e.number(1, 1); e.number(2, 1) }), `shard group, field 3 at byte 20: missing`},
		"group, time as text":   {group(func(e *encoder) { e.text(2, "") }), `shard group, field 2 at byte 20: wire type 2, want 0`},
		"shard, no id":          {group(func(e *encoder) { e.message(5, func(*encoder) {}) }), `shard, field 1 at byte 22: missing`},
		"shard, packed and cut": {group(func(e *encoder) { e.message(5, func(e *encoder) { e.text(2, "\x80") }) }), `shard, field 2 at byte 22: runs past the end`},
		"privilege": {top(func(e *encoder) {
			e.message(6, func(e *encoder) { e.message(4, func(e *encoder) { e.number(2, 1<<31) }) })
		}), `privilege, field 2 at byte 10: 2147483648 does not fit`},
		"portable, cut":        {portable(encode(vector()))[:100], `metastore at byte 0: field 1: runs past the end`},
		"portable, bad inside": {portable([]byte{8, 1, 0x10, 0x80}), `metastore at byte 4: field 2: runs past the end`},
		"portable, empty":      {portable(nil), `metastore, field 1 at byte 2: missing`},
		"legacy, no length":    {legacy(nil)[:8], `legacy metastore header at byte 8: runs past the end`},
		"legacy, cut":          {legacy(encode(vector()))[:100], `legacy metastore header at byte 8: length 396 runs past the end`},
		"legacy, bad inside":   {legacy([]byte{0x10, 0x80}), `metastore at byte 16: field 2: runs past the end`},
		"legacy, huge length":  {append(legacy(nil)[:8], bytes.Repeat([]byte{0xff}, 8)...), `length 18446744073709551615 runs past`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Decode(tt.in)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.Is(err, ErrCorrupt) {
				t.Errorf("Decode = %v, want %q", err, tt.want)
			}
		})
	}
}

func TestDecodeTolerates(t *testing.T) {
	unknown := func(e *encoder) {
		*e = protowire.AppendFixed32(protowire.AppendTag(*e, 100, protowire.Fixed32Type), 1)
		*e = protowire.AppendFixed64(protowire.AppendTag(*e, 101, protowire.Fixed64Type), 1)
		*e = protowire.AppendTag(*e, 102, protowire.StartGroupType)
		e.number(1, 1)
		*e = protowire.AppendTag(*e, 102, protowire.EndGroupType)
		e.text(103, "x")
		e.number(104, 1)
	}
	shard := func(write func(*encoder)) []byte {
		return top(func(e *encoder) {
			e.message(5, func(e *encoder) {
				e.text(1, "db")
				e.message(3, func(e *encoder) {
					e.text(1, "rp")
					e.message(5, func(e *encoder) {
						e.number(1, 1)
						e.number(2, 0)
						e.number(3, 5)
						e.message(5, func(e *encoder) { e.number(1, 1); write(e) })
					})
				})
			})
		})
	}
	want := func(owners ...uint64) []Database {
		return []Database{{Name: "db", Policies: []Policy{{Name: "rp", Groups: []ShardGroup{{ID: 1, End: 5, Shards: []Shard{{ID: 1, Owners: owners}}}}}}}}
	}
	tests := map[string]struct {
		in   []byte
		want []Database
	}{
		"nothing but what is required": {top(func(*encoder) {}), nil},
		"unknown fields":               {append(shard(unknown), top(unknown)...), want()},
		"old owners replace new":       {shard(func(e *encoder) { e.message(3, func(e *encoder) { e.number(1, 9) }); e.number(2, 7); e.number(2, 8) }), want(7, 8)},
		"packed owners":                {shard(func(e *encoder) { e.text(2, "\x07\x80\x01") }), want(7, 128)},
		"legacy without its tail":      {legacy(shard(unknown))[:16+len(shard(unknown))], want()},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Decode(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.Databases, compare); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// There is no checksum, yet a file that was cut anywhere must not pass for whole.
func TestDecodeEveryPrefix(t *testing.T) {
	for _, name := range []string{"vector.db", "server.db", "legacy.meta"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "legacy.meta" {
			b = b[:len(b)-13] // what lies behind the message is of no use
		}
		for n := range b {
			if _, err := Decode(b[:n]); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s cut to %d bytes: %v", name, n, err)
			}
		}
	}
}

func TestDecodeEveryBitFlip(t *testing.T) {
	b, err := os.ReadFile("testdata/server.db")
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for i := range len(b) * 8 {
		b[i/8] ^= 1 << (i % 8)
		if d, err := Decode(b); err == nil {
			d.Shard(1)
			for j := range d.Databases {
				CreateDatabase(&d.Databases[j])
			}
		} else if !errors.Is(err, ErrCorrupt) {
			t.Fatalf("bit %d: %v", i, err)
		} else {
			refused++
		}
		b[i/8] ^= 1 << (i % 8)
	}
	if refused < 500 {
		t.Errorf("only %d of %d flips are noticed", refused, len(b)*8)
	}
}

// genData makes metastores of any shape, as far as they can be decoded.
func genData() *rapid.Generator[*Data] {
	name := rapid.StringN(1, 8, -1)
	list := func(t *rapid.T, label string) []struct{} {
		return make([]struct{}, rapid.IntRange(0, 3).Draw(t, label))
	}
	number, signed := rapid.Uint64(), rapid.Int64()
	group := rapid.Custom(func(t *rapid.T) ShardGroup {
		return ShardGroup{
			ID: number.Draw(t, "id"), Start: signed.Draw(t, "start"), End: signed.Draw(t, "end"),
			DeletedAt: signed.Draw(t, "deleted"), TruncatedAt: signed.Draw(t, "truncated"),
			Shards: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Shard {
				return Shard{ID: number.Draw(t, "id"), Owners: rapid.SliceOfN(number, 0, 3).Draw(t, "owners")}
			}), 0, 3).Draw(t, "shards"),
		}
	})
	policy := rapid.Custom(func(t *rapid.T) Policy {
		p := Policy{
			Name: name.Draw(t, "name"), Duration: time.Duration(signed.Draw(t, "duration")),
			ShardDuration: time.Duration(signed.Draw(t, "shard duration")), Replication: rapid.Uint32().Draw(t, "replication"),
			Groups:           rapid.SliceOfN(group, 0, 3).Draw(t, "groups"),
			FutureWriteLimit: time.Duration(signed.Draw(t, "future")), PastWriteLimit: time.Duration(signed.Draw(t, "past")),
		}
		for range list(t, "subscriptions") {
			p.Subscriptions = append(p.Subscriptions, Subscription{
				Name: name.Draw(t, "name"), Mode: name.Draw(t, "mode"), Destinations: rapid.SliceOfN(name, 0, 3).Draw(t, "to"),
			})
		}
		return p
	})
	return rapid.Custom(func(t *rapid.T) *Data {
		d := &Data{
			Term: number.Draw(t, "term"), Index: number.Draw(t, "index"), ClusterID: number.Draw(t, "cluster"),
			MaxNodeID: number.Draw(t, "nodes"), MaxShardGroupID: number.Draw(t, "groups"), MaxShardID: number.Draw(t, "shards"),
		}
		for range list(t, "databases") {
			db := Database{Name: name.Draw(t, "name"), DefaultPolicy: name.Draw(t, "default")}
			db.Policies = rapid.SliceOfN(policy, 0, 3).Draw(t, "policies")
			for range list(t, "queries") {
				db.ContinuousQueries = append(db.ContinuousQueries, ContinuousQuery{name.Draw(t, "name"), name.Draw(t, "query")})
			}
			d.Databases = append(d.Databases, db)
		}
		for range list(t, "users") {
			u := User{Name: name.Draw(t, "name"), Admin: rapid.Bool().Draw(t, "admin"), HasHash: rapid.Bool().Draw(t, "hash")}
			for range list(t, "privileges") {
				u.Privileges = append(u.Privileges, Privilege{name.Draw(t, "db"), Access(rapid.Int32().Draw(t, "access"))})
			}
			d.Users = append(d.Users, u)
		}
		for _, nodes := range []*[]Node{&d.Nodes, &d.DataNodes, &d.MetaNodes} {
			for range list(t, "nodes") {
				*nodes = append(*nodes, Node{number.Draw(t, "id"), name.Draw(t, "host"), name.Draw(t, "tcp")})
			}
		}
		return d
	})
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genData().Draw(t, "data")
		b := encode(want)
		for name, wrapped := range map[string][]byte{"bare": b, "portable": portable(b), "legacy": legacy(b)} {
			got, err := Decode(wrapped)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if diff := cmp.Diff(want, got, compare); diff != "" {
				t.Fatalf("%s: %s", name, diff)
			}
		}
	})
}

func TestDecodeDropsHashes(t *testing.T) {
	var e encoder
	e.text(1, "bob")
	e.text(2, "$2a$10$secret")
	u, err := decodeUser(message{bytes: e})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(User{Name: "bob", HasHash: true}, u); diff != "" {
		t.Error(diff)
	}
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"vector.db", "server.db", "portable.meta", "legacy.meta"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add(append([]byte{0x2a}, protowire.AppendVarint(nil, 1<<63)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Decode(b)
		if err != nil {
			var c *CorruptError
			if !errors.As(err, &c) || c.Offset < 0 || c.Offset > len(b) {
				t.Fatalf("error without a place in the %d bytes: %v", len(b), err)
			}
			return
		}
		again, err := Decode(encode(d))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(d, again, compare); diff != "" {
			t.Fatal(diff)
		}
		for i := range d.Databases {
			ddl := CreateDatabase(&d.Databases[i])
			if s := strings.Join(append(ddl.Statements, ddl.Notes...), ""); strings.ContainsAny(s, "\r\n") {
				t.Fatalf("line break in %q", s)
			}
		}
	})
}
