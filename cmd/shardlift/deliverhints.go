// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"syscall"

	"github.com/shardlift/shardlift/exporter"
	"github.com/shardlift/shardlift/importer"
	"github.com/shardlift/shardlift/importer/lpfile"
	"github.com/shardlift/shardlift/internal/atomicfile"
	"github.com/shardlift/shardlift/target"
	"github.com/shardlift/shardlift/verifier"
)

// unusedHint is for an export of which nothing was used yet.
func unusedHint(bad *lpfile.DamagedError) string {
	if bad.Junk {
		return junkHint(bad, "")
	}
	return "get a whole copy of the file, or name those that are whole one by one, instead of their directory"
}

// junkHint is for an export with something behind its end; used says what became of the rest.
func junkHint(bad *lpfile.DamagedError, used string) string {
	return fmt.Sprintf("all in front of that place is whole%s; if the rest is not yours, head -c %d FILE makes a file without it", used, bad.Offset)
}

// hint says what can be done about an error of a delivery, or "". Many errors of the
// target's databases and policies say so themselves.
func (d *delivery) hint(err error, o *deliveryOutcome) string {
	switch {
	case errors.Is(err, importer.ErrChanged):
		return "run the command that the checkpoint is of, or begin anew with --restart"
	case errors.Is(err, lpfile.ErrChanged) && o.Resumed:
		return "give the same input again, or begin anew with --restart; runs from different inputs at one time need a --checkpoint each"
	case errors.Is(err, importer.ErrTooManyRejects) && o.Rejected == 0:
		return "--max-rejects allows more" + carryOn(o)
	case errors.Is(err, importer.ErrTooManyRejects):
		return "the rejects file says why; --max-rejects allows more" + carryOn(o)
	case errors.Is(err, atomicfile.ErrLocked):
		return "another run writes this file: wait for its end, or name another one with --rejects or --checkpoint"
	}
	if bad, ok := errors.AsType[*lpfile.DamagedError](err); ok {
		switch {
		case bad.Junk && o.Checkpoint != "":
			return junkHint(bad, ", and sent")
		case bad.Junk, o.Checkpoint == "":
			return unusedHint(bad)
		}
		return "all in front of that place is sent; get a whole copy of the file, and run the same command with --restart"
	}
	if _, ok := errors.AsType[*importer.GaveUpError](err); ok && o.Stored > 0 && o.Checkpoint != "" {
		return "look at the target's log, and when it is well again run the same command, which carries on (" + o.Checkpoint + "); --retry-for waits longer"
	}
	if _, ok := errors.AsType[*verifier.GaveUpError](err); ok && isLate(err) {
		return notInTime + carryOn(o)
	}
	if text := targetHint(err, &d.target, d.api); text != "" {
		return strings.Replace(text+carryOn(o), "?; the", "? The", 1)
	}
	tooOld, isTooOld := errors.AsType[*importer.TooOldError](err)
	switch {
	case isTooOld:
		return "give " + tooOld.Place.Database + " a policy that keeps them (--policy-duration INF for one that is to be made, ALTER RETENTION POLICY on the target otherwise), " +
			"name another one with --map-retention, leave them out with --start, or send them all the same with --force" + carryOn(o)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "make room, or name other places with --rejects and --checkpoint" + carryOn(o)
	case errors.Is(err, exporter.ErrBelow):
		return "name places outside of all sources with --rejects and --checkpoint"
	case isState(err):
		return "name places that this user may write to with --rejects and --checkpoint"
	case d.command == "replay":
		return hint(err) + carryOn(o)
	}
	return strings.TrimPrefix(carryOn(o), "; ")
}

// isState reports whether the files of the run's own state could not be written.
func isState(err error) bool {
	text := err.Error()
	return (strings.Contains(text, "checkpoint") || strings.Contains(text, "rejects file")) &&
		(errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EROFS))
}

// carryOn says that what was done is not lost, where there is a checkpoint.
func carryOn(o *deliveryOutcome) string {
	if o.Checkpoint == "" {
		return ""
	}
	return "; the same command run again carries on (" + o.Checkpoint + ")"
}

// targetHint says what to do about what a node of the target that was meant answered, or did
// not.
func targetHint(err error, meant *target.Config, api target.API) string {
	e, ok := errors.AsType[*target.Error](err)
	if !ok {
		return ""
	}
	switch {
	case e.Status == http.StatusForbidden && strings.Contains(err.Error(), "\n"):
		return "" // it says what to do itself
	case e.Status == http.StatusUnauthorized && meant.Username != "" && meant.Password == "":
		return "no password was given: name a file that has it with --password-file, or set INFLUX_PASSWORD"
	case e.Status == http.StatusUnauthorized && (meant.Username != "" || slices.ContainsFunc(meant.URLs, hasUser)):
		return "the name or the password of the user is wrong"
	case e.Status == http.StatusUnauthorized && meant.Token+meant.JWT != "":
		return "the target does not take this token"
	case e.Status == http.StatusUnauthorized:
		return "give the user with --username and --password-file (or INFLUX_USERNAME and INFLUX_PASSWORD), or a token with --token-file (or INFLUX_TOKEN)"
	case e.Status == http.StatusForbidden:
		return "this user may not do that: let an administrator grant it, or log in as another one"
	case strings.Contains(e.Message, "organization") || strings.Contains(e.Message, "orgID"):
		return "name the organization with --org"
	case e.Status == http.StatusNotFound && api == target.V2:
		return "make the bucket, or name the one that is meant with --map-bucket DB/RP=BUCKET"
	case e.Status == http.StatusNotFound:
		return "is --url right, and does the server have this API? --target auto asks it"
	case isStranger(e):
		return "is --url right? Another program answers there, or a proxy in between"
	case errors.Is(err, http.ErrSchemeMismatch):
		return "write http:// in --url"
	case strings.Contains(e.Message, "speaks https"):
		return "write https:// in --url"
	case strings.Contains(e.Message, "authority that is not trusted"):
		return "name the file with the authority's certificate with --ca-cert; a server that signed its own is the authority"
	case isCertificate(err):
		return "is --url right? The certificate must be for the name in it"
	case e.Status == 0 && errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: is the server running, and is --url right?"
	case e.Status == 0 && e.Class != target.Overloaded:
		return "is the server running, and is --url right?"
	case e.Class == target.Temporary, e.Class == target.Overloaded:
		return "the target did not recover in time: look at its log; --retry-for waits longer, --concurrency and --pps send less"
	}
	return ""
}

// isLate reports whether a server is there that may well answer another time.
func isLate(err error) bool {
	e, ok := errors.AsType[*target.Error](err)
	return ok && !isStranger(e) && (e.Class == target.Overloaded || e.Class == target.Temporary && e.Status != 0)
}

// isStranger reports whether what answers is no server, and will not become one.
func isStranger(e *target.Error) bool {
	return e.Status != 0 && e.Status < http.StatusBadRequest && strings.Contains(e.Error(), "does not look like InfluxDB's")
}

// isCertificate reports whether a certificate is for another host.
func isCertificate(err error) bool {
	_, ok := errors.AsType[x509.HostnameError](err)
	return ok
}
