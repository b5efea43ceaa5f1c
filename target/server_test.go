// SPDX-License-Identifier: Apache-2.0

package target_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/target"
)

func open(t *testing.T, cfg target.Config) *target.Target {
	t.Helper()
	tg, err := target.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tg.Close(); err != nil {
			t.Error(err)
		}
	})
	return tg
}

func TestServer(t *testing.T) {
	s := influxdtest.Start(t, influxdtest.Options{})
	tg := open(t, target.Config{URLs: []string{s.URL}})
	nodes, err := tg.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []target.Node{{URL: s.URL, Version: nodes[0].Version, Build: "OSS"}}
	if diff := cmp.Diff(want, nodes); diff != "" || nodes[0].Version == "" || tg.API() != target.V1 {
		t.Errorf("API %s, %s", tg.API(), diff)
	}
	if _, err := tg.Query(t.Context(), "", `CREATE DATABASE "a:b"`); err != nil {
		t.Fatal(err)
	}
	if err := tg.Write(t.Context(), "a:b", "autogen", []byte("m,h=a f=1,i=9007199254740993i 10\nm,h=b s=\"x\ny\" 20\n")); err != nil {
		t.Fatal(err)
	}
	series, err := tg.Query(t.Context(), "a:b", "SELECT * FROM m GROUP BY h")
	if err != nil {
		t.Fatal(err)
	}
	var each []target.Series
	err = tg.Each(t.Context(), "a:b", "SELECT * FROM m GROUP BY h", func(s target.Series) error {
		each = append(each, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(series, each); diff != "" {
		t.Error(diff)
	}
	theirs := s.Query("a:b", "SELECT * FROM m GROUP BY h")
	var got []target.Series
	for _, row := range theirs {
		got = append(got, target.Series(row))
	}
	if diff := cmp.Diff(got, series); diff != "" {
		t.Error(diff)
	}
}
