// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"github.com/shardlift/shardlift/lineprotocol"
	"github.com/shardlift/shardlift/point"
)

// Audit is what an input holds, read to its end, whatever is wrong with it.
type Audit struct {
	Coding string // "", "gzip" or "zstd"
	Bytes  int64  // of the input as it lies there
	SHA256 string // of these
	Text   int64  // bytes, as far as they could be unpacked

	Export bool // begins as what an export tool wrote
	Places []AuditPlace
	Points int64
	Values int64 // fields of the points
	Series int64 // runs of points of one series and place
	NoTime int64 // points without a time
	Span   point.TimeRange

	Statements []AuditStatement
	OpenEnd    bool // the last line has no line feed

	Faults []AuditFault
	More   int64 // that are not listed
}

// AuditPlace is what is there of one database and policy, as the context lines name them.
type AuditPlace struct {
	Database, Policy string
	Points, Values   int64
	Span             point.TimeRange
}

// AuditStatement is a line of DDL.
type AuditStatement struct {
	Text   string
	Line   int64
	Offset int64
}

// AuditFault is something in an input that is not as it should be.
type AuditFault struct {
	Part   string // "file", "stream", "line" or "ddl"
	Offset int64  // in the input for a file or stream, in its text for a line; -1: not known
	Line   int64  // 0: none
	Reason string
	Lost   bool // something cannot be read
}

// How much is kept of an input: what does not come from an export may hold anything.
const (
	auditFaults     = 1000
	auditPlaces     = 1 << 16
	auditStatements = 4 << 20 // bytes
)

// Counters are told how an audit goes on; each may be nil.
type Counters struct {
	Read   *atomic.Int64 // bytes of the input
	Points *atomic.Int64
}

func add(n *atomic.Int64, by int64) {
	if n != nil {
		n.Add(by)
	}
}

// AuditFile reads a file to its end: checksum, compression, and every line in full. An
// error is of opening it, or that ctx ended.
func AuditFile(ctx context.Context, path string, count Counters) (*Audit, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // was only read
	return AuditStream(ctx, path, f, count)
}

// AuditStream is AuditFile for what is read through r.
func AuditStream(ctx context.Context, name string, r io.Reader, count Counters) (*Audit, error) {
	a := &auditor{name: name, raw: rawAudit{r: r, hash: sha256.New(), read: count.Read}, count: count, at: map[[2]string]int{}}
	a.Span = point.NoTime
	d := newDecoder(name, &a.raw)
	ahead := readAhead(d, d.close)
	ahead.ctx = ctx
	text := &textAudit{r: ahead}
	err := a.scan(ctx, text)
	ahead.close(err == nil) // a read that waits for more is left behind; the file is closed under it
	if err != nil {
		return nil, err
	}
	a.Coding, a.Text = string(d.coding), text.n
	a.OpenEnd = text.n > 0 && text.last != '\n'
	// Behind damage the rest still belongs to the checksum.
	if _, err := io.Copy(io.Discard, &a.raw); err != nil && len(a.Faults) == 0 {
		a.fault(AuditFault{Part: "file", Offset: a.raw.n, Reason: err.Error(), Lost: true})
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	a.Bytes, a.SHA256 = a.raw.n, hex.EncodeToString(a.raw.hash.Sum(nil))
	return &a.Audit, nil
}

// rawAudit hashes an input as it is read.
type rawAudit struct {
	r    io.Reader
	hash hash.Hash
	n    int64
	read *atomic.Int64
}

func (r *rawAudit) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	_, _ = r.hash.Write(p[:n]) // never fails
	r.n += int64(n)
	add(r.read, int64(n))
	return n, err
}

// textAudit counts the text.
type textAudit struct {
	r    io.Reader
	n    int64
	last byte
}

func (t *textAudit) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if n > 0 {
		t.n += int64(n)
		t.last = p[n-1]
	}
	return n, err
}

// auditor goes over one text.
type auditor struct {
	Audit
	name   string
	raw    rawAudit
	count  Counters
	state  state
	at     map[[2]string]int // places
	place  int               // of the points at hand, or -1
	key    []byte            // series of the point before
	bad    error             // why that is none
	fields []lineprotocol.Field

	statements int // bytes that are kept
}

func (a *auditor) fault(f AuditFault) {
	if len(a.Faults) == auditFaults {
		a.More++
		return
	}
	a.Faults = append(a.Faults, f)
}

// scan goes over the lines of a text. What keeps it from being read is a fault, and an
// error only if ctx ended.
func (a *auditor) scan(ctx context.Context, text io.Reader) error {
	rest, at := withoutMark(text)
	s := lineprotocol.NewScanner(nil)
	s.Reset(rest, 1, at)
	a.place = -1
	told := int64(0)
	for n := 0; a.state.section == inDDL && s.NextLine() || a.state.section != inDDL && s.Next(); n++ {
		if n%1024 == 0 {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			add(a.count.Points, a.Points-told)
			told = a.Points
		}
		a.line(s.Token())
	}
	add(a.count.Points, a.Points-told)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if n, first := s.Zeros(); n > 0 { // listed in any case, and not as that of a line
		a.Faults = append(a.Faults, AuditFault{Part: "line", Offset: first, Lost: true, Reason: fmt.Sprintf(
			"%d NUL bytes stand between the lines, the first of them here: what should be there never reached the disk", n)})
	}
	if err := s.Err(); err != nil {
		a.unreadable(err)
	}
	return nil
}

// unreadable notes where a text breaks off.
func (a *auditor) unreadable(err error) {
	if bad, ok := errors.AsType[*DamagedError](err); ok {
		a.fault(AuditFault{Part: "stream", Offset: bad.Offset, Reason: bad.Reason, Lost: true})
		return
	}
	reason := strings.TrimPrefix(err.Error(), a.name+" ")
	a.fault(AuditFault{Part: "file", Offset: -1, Reason: reason, Lost: true})
}

// line takes one line or point.
func (a *auditor) line(tok *lineprotocol.Token) {
	switch {
	case isComment(tok):
		before := a.state
		a.state.comment(bytes.TrimLeft(tok.Text, " \t"))
		a.Export = a.Export || a.state.export
		if before != a.state {
			a.place = -1
		}
	case a.state.section == inDDL:
		a.statement(tok)
	case a.state.section == inHead && startsDDL(tok):
		a.state.section = inDDL
		a.statement(tok)
	case tok.Kind != lineprotocol.PointToken:
		a.state.section = inPoints
		a.badLine(tok, tok.Err)
	default:
		a.state.section = inPoints
		a.point(tok)
	}
}

func (a *auditor) badLine(tok *lineprotocol.Token, why error) {
	a.fault(AuditFault{Part: "line", Offset: tok.Offset, Line: tok.Line, Reason: fmt.Sprintf("%v: %.60q", why, tok.Text), Lost: true})
}

// statement takes a line of a DDL section. The first one that is none is reported; if it
// looks like a point the points have begun, and what told so is missing.
func (a *auditor) statement(tok *lineprotocol.Token) {
	line, ok := statementLine(tok)
	switch {
	case ok && len(line) > 0 && a.statements+len(line) <= auditStatements:
		a.statements += len(line)
		a.Statements = append(a.Statements, AuditStatement{Text: string(line), Line: tok.Line, Offset: tok.Offset})
	case !ok:
		a.fault(AuditFault{
			Part: "ddl", Offset: tok.Offset, Line: tok.Line, Lost: true,
			Reason: fmt.Sprintf("stands in the DDL section and is no statement: %.60q", line),
		})
		if bytes.IndexByte(line, '=') > 0 {
			a.state.section = inPoints
		}
	}
}

// point checks a point in full and counts it.
func (a *auditor) point(tok *lineprotocol.Token) {
	t, err := int64(0), error(nil)
	if len(tok.Time) > 0 {
		t, err = lineprotocol.ParseTime(tok.Time, 1)
	}
	if err == nil {
		a.fields, err = lineprotocol.ParseFields(a.fields, tok.Fields)
	}
	if a.place < 0 || !bytes.Equal(tok.Key, a.key) {
		a.key = append(a.key[:0], tok.Key...)
		a.bad = lineprotocol.CheckKey(a.key)
		a.Series++
	}
	if err == nil {
		err = a.bad
	}
	if err != nil {
		a.badLine(tok, err)
		return
	}
	if a.place < 0 {
		a.place = a.placeAt(a.state.database, a.state.policy)
	}
	p := &a.Places[a.place]
	p.Points++
	a.Points++
	p.Values += int64(len(a.fields))
	a.Values += int64(len(a.fields))
	if len(tok.Time) == 0 {
		a.NoTime++
		return
	}
	span := point.TimeRange{Min: t, Max: t}
	p.Span, a.Span = p.Span.Union(span), a.Span.Union(span)
}

// placeAt gives the index of a place.
func (a *auditor) placeAt(database, policy string) int {
	name := [2]string{database, policy}
	i, ok := a.at[name]
	if !ok && len(a.Places) == auditPlaces { // those beyond are counted together
		return auditPlaces - 1
	}
	if !ok {
		i = len(a.Places)
		a.at[name] = i
		a.Places = append(a.Places, AuditPlace{Database: database, Policy: policy, Span: point.NoTime})
	}
	return i
}
