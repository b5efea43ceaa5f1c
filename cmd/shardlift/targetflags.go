// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/target"
)

// defaultURL is where a server listens when nothing is said.
const defaultURL = "http://localhost:8086"

// choiceFlag is one of the words in its tag "choices"; empty where it is not given.
type choiceFlag string

// Decode takes one of the words.
func (f *choiceFlag) Decode(ctx *kong.DecodeContext) error {
	var text string
	if err := ctx.Scan.PopValueInto("word", &text); err != nil {
		return err
	}
	*f = choiceFlag(text)
	return oneOf("value", text, strings.Fields(ctx.Value.Tag.Get("choices"))...)
}

// accessFlags say how to get in.
type accessFlags struct {
	Username           string `help:"User; its password is in INFLUX_PASSWORD or in --password-file. Default: INFLUX_USERNAME" placeholder:"NAME"`
	PasswordFile       string `help:"File with the password" placeholder:"FILE"`
	TokenFile          string `help:"File with a token. Default: INFLUX_TOKEN" placeholder:"FILE"`
	JWTFile            string `name:"jwt-file" help:"File with a JSON web token. Default: SHARDLIFT_JWT" placeholder:"FILE"`
	CACert             string `name:"ca-cert" help:"File with the authority that the target's certificate is from, where the system does not know it" placeholder:"FILE"`
	ClientCert         string `help:"File with a certificate to show to the target" placeholder:"FILE"`
	ClientKey          string `help:"File with its key" placeholder:"FILE"`
	InsecureSkipVerify bool   `help:"Do not check who the target is: whoever is in between can read and change everything"`
}

// targetFlags say where the points go and how to get in.
type targetFlags struct {
	URL []string `name:"url" sep:"none" help:"Node of the target; repeat it for the nodes of one cluster. Default: http://localhost:8086" placeholder:"URL"`
	accessFlags
	Target      choiceFlag    `choices:"auto v1 v2" help:"How to write: v1 is /write, v2 is /api/v2/write with buckets, auto asks. Default: auto" placeholder:"API"`
	Org         string        `help:"Organization, for --target v2" placeholder:"NAME"`
	MapBucket   []string      `sep:"none" help:"Bucket for a database and policy of the target: db/policy=bucket. Default: the bucket db/policy" placeholder:"DB/RP=BUCKET"`
	Consistency choiceFlag    `choices:"any one quorum all" help:"How many nodes of a cluster must have stored a point: any, one, quorum or all. Default: the cluster's" placeholder:"LEVEL"`
	Timeout     time.Duration `help:"How long one request may take. Default: 60s" placeholder:"TIME"`

	// As influx names them.
	Host     string `hidden:"" env:"-"`
	Port     string `hidden:"" env:"-"`
	SSL      bool   `name:"ssl" hidden:"" env:"-"`
	Password string `hidden:"" env:"-"`
}

// ddlFlags say what becomes of databases and policies.
type ddlFlags struct {
	DDL            choiceFlag `name:"ddl" choices:"run print skip" help:"Databases and policies that are missing: run makes them, print shows the statements and makes none, skip does not look. What exists is left as it is. Default: run" placeholder:"HOW"`
	Replication    int        `help:"Replication factor of policies that are made. Default: as in the input" placeholder:"N"`
	PolicyDuration string     `help:"How long policies that are made keep points: 30d, or INF. Default: as in the input" placeholder:"TIME"`
	Force          bool       `help:"Send points that are older than the policy keeps, which the target drops"`
}

// mapFlags rename on the way.
type mapFlags struct {
	MapDatabase  []string `sep:"none" help:"Give a database another name on the target" placeholder:"OLD=NEW"`
	MapRetention []string `sep:"none" help:"Give a retention policy another name on the target; with the database's old name where several have one of that name" placeholder:"[DB/]OLD=NEW"`
}

func (m *mapFlags) mapping() (*importer.Mapping, error) {
	mapping, err := importer.NewMapping(m.MapDatabase, m.MapRetention)
	if err != nil {
		return nil, usagef("%w", err)
	}
	return mapping, nil
}

// config settles where the target is, and reads the credentials. Warnings go to c.
func (f *targetFlags) config(c console) (target.Config, error) {
	cfg := target.Config{
		API: target.API(f.Target), Consistency: string(f.Consistency), Org: f.Org, Timeout: f.Timeout,
		Buckets: map[string]string{}, UserAgent: "shardlift/" + version,
	}
	if cfg.API == "" {
		cfg.API = target.Auto
	}
	var err error
	if cfg.URLs, err = f.urls(); err != nil {
		return cfg, err
	}
	if f.Timeout < 0 {
		return cfg, usagef("--timeout must not be negative")
	}
	for _, text := range f.MapBucket {
		place, bucket, ok := strings.Cut(text, "=")
		if !ok || !strings.Contains(place, "/") || bucket == "" {
			return cfg, usagef("--map-bucket %q: write it as DB/RP=BUCKET", text)
		}
		place = strings.TrimSuffix(place, "/") // for points without a policy
		if prev, ok := cfg.Buckets[place]; ok && prev != bucket {
			return cfg, usagef("--map-bucket: %q has two buckets", place)
		}
		cfg.Buckets[place] = bucket
	}
	if f.Password != "" {
		c.say("warning: everybody on this machine can see -password in the list of processes; use --password-file, or INFLUX_PASSWORD")
	}
	cfg.Password = f.Password
	return cfg, f.access(&cfg, c)
}

// access fills in certificates and credentials, where the URLs are known. Warnings go to c.
func (f *accessFlags) access(cfg *target.Config, c console) error {
	cfg.CACert, cfg.ClientCert, cfg.ClientKey, cfg.InsecureSkipVerify = f.CACert, f.ClientCert, f.ClientKey, f.InsecureSkipVerify
	if (f.ClientCert == "") != (f.ClientKey == "") {
		return usagef("--client-cert and --client-key go together")
	}
	if f.InsecureSkipVerify {
		c.say("WARNING: --insecure-skip-verify: nobody checks who the target is; whoever is in between can read the credentials and change the data")
	}
	return f.credentials(cfg, c)
}

// urls gives the nodes, from --url or from influx's flags.
func (f *targetFlags) urls() ([]string, error) {
	if f.Host == "" && f.Port == "" && !f.SSL {
		if len(f.URL) == 0 {
			return []string{defaultURL}, nil
		}
		for _, u := range f.URL {
			if err := checkURL("url", u); err != nil {
				return nil, err
			}
		}
		return slices.Clone(f.URL), nil
	}
	if len(f.URL) > 0 {
		return nil, usagef("--url does not go with -host, -port and -ssl")
	}
	scheme, host, port := "http", f.Host, f.Port
	if f.SSL {
		scheme = "https"
	}
	if host == "" {
		host = "localhost"
	}
	if port == "" {
		port = "8086"
	}
	u := scheme + "://" + net.JoinHostPort(strings.Trim(host, "[]"), port)
	return []string{u}, checkURL("url", u)
}

// checkURL finds what is no URL of a node. It never shows what may be a password.
func checkURL(flag, text string) error {
	u, err := url.Parse(text)
	if err != nil {
		if ue, ok := errors.AsType[*url.Error](err); ok {
			err = ue.Err
		}
		return usagef("--%s: not a URL (write it as %s): %w", flag, defaultURL, err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return usagef("--%s %s: not a URL of a server (write it as %s)", flag, u.Redacted(), defaultURL)
	}
	return nil
}

// credentials fills in who we are. What was named on the command line or in the
// configuration goes before what the environment has for all programs.
func (f *accessFlags) credentials(cfg *target.Config, c console) error {
	if slices.ContainsFunc(cfg.URLs, hasPassword) {
		c.say("warning: everybody on this machine can see a password in a URL in the list of processes; use --password-file, or INFLUX_PASSWORD")
	}
	cfg.Username = f.Username
	for _, secret := range []struct {
		flag, path string
		to         *string
	}{{"password-file", f.PasswordFile, &cfg.Password}, {"token-file", f.TokenFile, &cfg.Token}, {"jwt-file", f.JWTFile, &cfg.JWT}} {
		if secret.path == "" {
			continue
		}
		text, err := readSecret(secret.path, c)
		if err != nil {
			return usagef("--%s: %w", secret.flag, err)
		}
		*secret.to = text
	}
	user := cfg.Username != "" || cfg.Password != ""
	switch {
	case cfg.Token != "" && cfg.JWT != "", (cfg.Token != "" || cfg.JWT != "") && user:
		return usagef("a user with a password, --token-file and --jwt-file do not go together: use one of them")
	case cfg.Token != "" || cfg.JWT != "" || slices.ContainsFunc(cfg.URLs, hasUser):
		return nil
	}
	return fromEnvironment(cfg, user)
}

// fromEnvironment fills in what all programs that know InfluxDB find there. User says
// that a part of a user was named.
func fromEnvironment(cfg *target.Config, user bool) error {
	name, password, token := os.Getenv("INFLUX_USERNAME"), os.Getenv("INFLUX_PASSWORD"), os.Getenv("INFLUX_TOKEN")
	switch {
	case user || name != "":
		cfg.Username, cfg.Password = cmp.Or(cfg.Username, name), cmp.Or(cfg.Password, password)
		if cfg.Username == "" {
			return usagef("there is a password, but no --username and no INFLUX_USERNAME")
		}
	case token != "":
		cfg.Token = token
	default:
		cfg.JWT = os.Getenv("SHARDLIFT_JWT")
	}
	return nil
}

// withoutUser gives a URL without credentials.
func withoutUser(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	u.User = nil
	return strings.TrimRight(u.String(), "/")
}

func hasUser(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.User != nil
}

func hasPassword(text string) bool {
	u, err := url.Parse(text)
	if err != nil {
		return false
	}
	_, ok := u.User.Password()
	return ok
}

// maxSecret is longer than any password or token, in bytes.
const maxSecret = 64 << 10

// readSecret reads a file with one line that nobody else should be able to read.
func readSecret(path string, c console) (string, error) {
	f, err := os.Open(kong.ExpandPath(path))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", path, bare(err))
	}
	defer f.Close() //nolint:errcheck // only read from
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("read %s: %w", path, bare(err))
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		c.say("warning: other users may read %s (mode %#o); chmod 600 it", oneLine(path), info.Mode().Perm())
	}
	buf, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", path, bare(err))
	}
	text := string(bytes.TrimRight(buf, "\r\n"))
	switch {
	case len(buf) > maxSecret, strings.ContainsAny(text, "\r\n"):
		return "", fmt.Errorf("%s holds more than one line", path)
	case text == "":
		return "", fmt.Errorf("%s is empty", path)
	}
	return text, nil
}
