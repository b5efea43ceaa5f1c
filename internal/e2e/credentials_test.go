// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/shardlift/shardlift/internal/faultproxy"
	"github.com/shardlift/shardlift/internal/influxdtest"
	"github.com/shardlift/shardlift/internal/lpjudge"
)

// secret must never be seen anywhere.
const secret = "Zk8-never-to-be-seen"

// spotless fails where the secret is in what was printed, written or shown.
func (d *desk) spotless(what string, texts ...string) {
	d.t.Helper()
	for _, dir := range []string{d.dir, d.home + "/.local/state/shardlift"} {
		for _, name := range names(d.t, dir) {
			if strings.HasPrefix(name, "secret") {
				continue
			}
			b, err := os.ReadFile(dir + "/" + name)
			if err != nil {
				d.t.Fatal(err)
			}
			texts = append(texts, string(b))
		}
	}
	for _, text := range texts {
		if i := strings.Index(text, secret); i >= 0 {
			d.t.Errorf("%s: the secret is in %.300q", what, text[max(0, i-100):])
		}
	}
}

// Credentials from the environment and from files let in; wrong ones are told before
// anything is written, and ones that stop working end the run with a state that carries on.
// None is ever seen.
func TestCredentials(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	s := influxdtest.Start(t, influxdtest.Options{Auth: true})
	s.Exec(`CREATE USER "writer" WITH PASSWORD '`+secret+`' WITH ALL PRIVILEGES`, `CREATE USER "poor" WITH PASSWORD '`+secret+`'`)
	judge := func(t *testing.T, f *faulty, db string) {
		t.Helper()
		compare(t, "import", valuesOf(t, f.text, db, "autogen"), dumpAs(t, s, db))
	}
	ways := map[string]func(f *faulty) []string{
		"environment": func(f *faulty) []string {
			f.env = []string{"INFLUX_USERNAME=writer", "INFLUX_PASSWORD=" + secret}
			return nil
		},
		"file": func(f *faulty) []string {
			return []string{"--username", "writer", "--password-file", f.file("secret", secret+"\n")}
		},
		"token": func(f *faulty) []string {
			f.env = []string{"INFLUX_TOKEN=writer:" + secret}
			return nil
		},
		"token file": func(f *faulty) []string { return []string{"--token-file", f.file("secret", "writer:"+secret)} },
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			f := newFaulty(t, s, name)
			f.text = sample(faultyPoints) + "m f=x 1\n"
			f.file("in.lp", f.text)
			args := f.unhurried(append(way(f), "--compress-requests", "off")...)
			f.proxy.Requests(held(8))
			p := f.start(nil, args...)
			f.await(9)
			cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.cmd.Process.Pid))
			if err != nil {
				t.Fatal(err)
			}
			f.spotless("while it runs", string(cmdline))
			f.proxy.Requests(faultproxy.All(faultproxy.Answer(401, `{"error":"authorization failed"}`+"\n")))
			release(p, f.proxy)
			r := p.wait()
			r.must(t, exitFailed)
			r.says(t, "401")
			f.spotless("in the middle", r.out, r.err)
			f.proxy.Requests(nil)
			r = f.run(args...)
			r.must(t, exitFaults)
			f.spotless("at the end", r.out, r.err)
			f.text = strings.TrimSuffix(f.text, "m f=x 1\n")
			judge(t, f, name)
		})
	}
	t.Run("wrong", func(t *testing.T) {
		f := newFaulty(t, s, "wrong")
		f.env = []string{"INFLUX_USERNAME=writer", "INFLUX_PASSWORD=" + secret + "x"}
		r := f.run(f.unhurried()...)
		r.must(t, exitFailed)
		r.says(t, "authorization failed")
		f.spotless("wrong", r.out, r.err)
		f.env = nil
		r = f.run(f.unhurried()...)
		r.must(t, exitFailed)
		if n := len(f.proxy.Events()); n > 20 {
			t.Errorf("it asked %d times", n)
		}
	})
	t.Run("no privileges", func(t *testing.T) {
		f := newFaulty(t, s, "poor")
		f.env = []string{"INFLUX_USERNAME=poor", "INFLUX_PASSWORD=" + secret}
		r := f.run(f.unhurried()...)
		r.must(t, exitFailed)
		f.spotless("no privileges", r.out, r.err)
		if r.err == "" {
			t.Error("it says nothing")
		}
	})
	t.Run("may write and no more", func(t *testing.T) {
		s.Exec(`CREATE DATABASE "given"`, `CREATE USER "scribe" WITH PASSWORD '`+secret+`'`, `GRANT WRITE ON "given" TO "scribe"`)
		f := newFaulty(t, s, "given")
		f.env = []string{"INFLUX_USERNAME=scribe", "INFLUX_PASSWORD=" + secret}
		f.run(f.unhurried("--ddl", "skip")...).must(t, exitDone)
		judge(t, f, "given")
	})
	t.Run("taken away", func(t *testing.T) {
		f := newFaulty(t, s, "away")
		f.env = []string{"INFLUX_USERNAME=fickle", "INFLUX_PASSWORD=" + secret}
		s.Exec(`CREATE USER "fickle" WITH PASSWORD '` + secret + `' WITH ALL PRIVILEGES`)
		f.proxy.Requests(held(4))
		p := f.start(nil, f.unhurried()...)
		f.await(5)
		s.Exec(`DROP USER "fickle"`)
		f.proxy.Requests(nil)
		release(p, f.proxy)
		r := p.wait()
		r.must(t, exitFailed)
		f.stopped(r)
		s.Exec(`CREATE USER "fickle" WITH PASSWORD '` + secret + `' WITH ALL PRIVILEGES`)
		f.run(f.unhurried()...).must(t, exitDone)
		judge(t, f, "away")
	})
}

// A server that speaks TLS: with the right authority, without it, and without looking.
func TestTLS(t *testing.T) {
	influxdtest.Require(t)
	t.Parallel()
	c := newCertificates(t)
	s := influxdtest.Start(t, influxdtest.Options{Set: map[string]string{
		"http.https-enabled": "true", "http.https-certificate": fmt.Sprintf("%q", c.both),
	}})
	secure := strings.Replace(s.URL, "http://", "https://", 1)
	plain := faultproxy.Start(t, faultproxy.Options{Upstream: secure}) // for the judge
	d := newDesk(t)
	resp, err := http.PostForm(plain.URL+"/query", url.Values{"q": {`CREATE DATABASE "db"`}})
	if err != nil || resp.Body.Close() != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("create database: %v, %v", resp, err)
	}
	text := sample(faultyPoints)
	d.file("in.lp", text)
	args := func(more ...string) []string {
		return append([]string{"import", "in.lp", "--url", secure, "--database", "db", "--quiet"}, more...)
	}
	for name, r := range map[string]result{
		"unknown authority": d.ends(exitFailed, args("--retry-for", "1s")...),
		"not TLS":           d.ends(exitFailed, "import", "in.lp", "--url", s.URL, "--database", "db", "--quiet", "--retry-for", "1s"),
	} {
		if !strings.Contains(r.err, "certificate") && name == "unknown authority" || r.err == "" {
			t.Errorf("%s: %s", name, r.err)
		}
	}
	d.ends(exitDone, args("--ca-cert", c.ca)...)
	got, err := lpjudge.Dump(t.Context(), lpjudge.Server{URL: plain.URL}, "db")
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "import", valuesOf(t, text, "db", "autogen"), got)
	r := d.ends(exitDone, args("--insecure-skip-verify")...)
	r.says(t, "insecure-skip-verify")
	r = d.ends(exitDone, args("--ca-cert", c.ca, "--client-cert", c.cert, "--client-key", c.key)...)
	if strings.Contains(r.err, "insecure") {
		t.Errorf("it says %q", r.err)
	}
	if !slices.Equal(names(t, d.dir), []string{"in.lp"}) {
		t.Errorf("files %q are left", names(t, d.dir))
	}
}
