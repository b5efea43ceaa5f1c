// SPDX-License-Identifier: Apache-2.0

package lpfile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/lineprotocol"
)

// section is where in its text an input is.
type section string

const (
	inHead   section = ""       // nothing but comments so far
	inDDL    section = "ddl"    // each line is a statement
	inPoints section = "points" // behind "# DML", or behind the first point
)

// state is what the lines so far say of those that follow. Names are those of the input.
type state struct {
	section          section
	export           bool // an export tool wrote the text, so that names stand there exactly
	database, policy string
}

// Lines that mean something. influx knows those of the context by the same beginning.
const (
	ownHeader       = "# SHARDLIFT EXPORT:"
	influxHeader    = "# INFLUXDB EXPORT:"
	ddlLine         = "# DDL"
	dmlLine         = "# DML"
	contextDatabase = "# CONTEXT-DATABASE:"
	contextPolicy   = "# CONTEXT-RETENTION-POLICY:"
)

// comment takes what a line that begins with # says. Texts that were put one behind the
// other, as `zcat a.gz b.gz` does, have a header and a DDL section in their middle.
func (s *state) comment(line []byte) {
	if len(line) < 3 || line[1] != ' ' {
		return
	}
	if name, ok := bytes.CutPrefix(line, []byte(contextDatabase)); ok {
		s.database = s.name(name)
		return
	}
	if name, ok := bytes.CutPrefix(line, []byte(contextPolicy)); ok {
		s.policy = s.name(name)
		return
	}
	switch {
	case bytes.HasPrefix(line, []byte(ownHeader)), bytes.HasPrefix(line, []byte(influxHeader)):
		*s = state{section: inHead, export: true}
	case bytes.HasPrefix(line, []byte(importer.RejectsHeader)):
		s.export = true // runs add to such a file, and this may be its middle
	case bytes.HasPrefix(line, []byte(dmlLine)):
		s.section = inPoints
	case string(bytes.TrimRight(line, " \t\r")) == ddlLine:
		s.section = inDDL
	}
}

// name reads the name in a context line. Exports write it exactly, blanks included;
// people put one in front of it, and influx drops those around it.
func (s *state) name(b []byte) string {
	if s.export {
		return string(b)
	}
	return strings.TrimSpace(string(b))
}

// place says where points belong now, before the mapping. A context that names only a
// database leaves the policy as it was, as in influx.
func (s *state) place(cfg *Config, in *input) importer.Place {
	p := importer.Place{Database: s.database, Policy: s.policy}
	if in.listed != nil && p == (importer.Place{}) {
		p = in.listed.home
	}
	if p.Database == "" {
		p.Database = cfg.Database
	}
	if p.Policy == "" {
		p.Policy = cfg.Policy
	}
	return p
}

// statementWords are what statements begin with.
var statementWords = []string{
	"ALTER", "CREATE", "DELETE", "DROP", "EXPLAIN", "GRANT", "KILL", "REVOKE", "SELECT", "SET", "SHOW",
}

// isStatement tells statements from anything else by their first word.
func isStatement(line []byte) bool {
	word, _, ok := bytes.Cut(line, []byte{' '})
	if !ok || len(word) > len("EXPLAIN") {
		return false
	}
	for _, w := range statementWords {
		if strings.EqualFold(w, string(word)) {
			return true
		}
	}
	return false
}

// startsDDL reports whether a token in the head of a text is a statement: it begins like
// one, and a server would not take it as a point.
func startsDDL(tok *lineprotocol.Token) bool {
	if !isStatement(tok.Text) {
		return false
	}
	if tok.Kind != lineprotocol.PointToken || lineprotocol.CheckKey(tok.Key) != nil {
		return true
	}
	_, err := lineprotocol.ParseFields(nil, tok.Fields)
	return err != nil
}

// statement reads a line of a DDL section; empty if it is blank.
func statement(in *input, tok *lineprotocol.Token) (string, error) {
	line, ok := statementLine(tok)
	if ok {
		return string(line), nil
	}
	return "", fmt.Errorf("%s, line %d: %.60q stands in the DDL section and is no statement; points need a line \"# DML\" in front of them",
		in.path, tok.Line, line)
}

// statementLine reports whether a line of a DDL section is a statement or blank.
func statementLine(tok *lineprotocol.Token) (line []byte, ok bool) {
	line = bytes.TrimSpace(tok.Text)
	return line, len(line) == 0 || !errors.Is(tok.Err, lineprotocol.ErrTooLong) && isStatement(line)
}

// noDatabase is the error for points that belong nowhere.
func noDatabase(in *input, line int64) error {
	return fmt.Errorf("%s, line %d: nothing says which database the points belong to; name it with --database", in.path, line)
}

// head is what stands in front of the first point of a regular file.
type head struct {
	statements []string
	end        int64 // in the text, behind the last of them
	place      importer.Place
	points     bool // there is one, so that place counts
}

// maxHead is how much DDL is kept. What is beyond is handed out by Next.
const maxHead = 16 << 20

// readHead reads the head of a regular file. Damage is left to Next: there may be points
// in front of it.
func (r *Reader) readHead(in *input, scan *lineprotocol.Scanner) error {
	f, err := in.openFile()
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // was only read
	d := newDecoder(in.path, f)
	defer d.close()
	if err := d.foreign(); err != nil {
		return err
	}
	rest, at := withoutMark(d)
	scan.Reset(rest, 1, at)
	var s state
	for size := 0; size < maxHead; {
		if s.section == inDDL && !scan.NextLine() || s.section != inDDL && !scan.Next() {
			return nil
		}
		tok := scan.Token()
		switch {
		case isComment(tok):
			s.comment(bytes.TrimLeft(tok.Text, " \t"))
		case s.section == inDDL, s.section == inHead && startsDDL(tok):
			s.section = inDDL
			text, err := statement(in, tok)
			if err != nil {
				return err
			}
			if text != "" {
				in.head.statements = append(in.head.statements, text)
				size += len(text)
			}
			in.head.end = tok.End
		default:
			in.head.place, in.head.points = s.place(&r.cfg, in), true
			if in.head.place.Database == "" {
				return noDatabase(in, tok.Line)
			}
			if s.export && d.coding == plain && in.listed == nil {
				r.noteOpenEnd(in, f)
			}
			return nil
		}
	}
	return nil
}

// noteOpenEnd says that a plain export does not end as all of them do. Its last point may have
// lost digits of a value or of its time, and look like a point all the same. That it cannot be
// read is left to Next.
func (r *Reader) noteOpenEnd(in *input, f *os.File) {
	var b [1]byte
	if _, err := f.ReadAt(b[:], in.size-1); err == nil && b[0] != '\n' {
		r.notes = append(r.notes, fmt.Sprintf("%s: the last line does not end with a line feed; the export may be cut off, and its last point wrong", in.path))
	}
}

// comment takes a line that begins with #.
func (r *Reader) comment(tok *lineprotocol.Token) {
	r.skipped.Comments++
	r.state.comment(bytes.TrimLeft(tok.Text, " \t"))
	r.replace()
}

// isComment reports whether a token is a comment, also among statements.
func isComment(tok *lineprotocol.Token) bool {
	if tok.Kind != lineprotocol.LineToken {
		return tok.Kind == lineprotocol.CommentToken
	}
	line := bytes.TrimLeft(tok.Text, " \t")
	return len(line) > 0 && line[0] == '#'
}
