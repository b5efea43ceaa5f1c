// SPDX-License-Identifier: Apache-2.0

package target

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Class says what to do about an error.
type Class int

// The classes.
const (
	// Fatal is no use to repeat: credentials, a missing database, a wrong URL.
	Fatal Class = iota
	// Temporary passes: a refused or broken connection, 5xx, an answer that makes no
	// sense. Whether the points were stored is not known.
	Temporary
	// Overloaded passes too, sooner if less is sent: 429, 503, timeouts, a full cache.
	Overloaded
	// TooLarge says that the body has to be cut: 413.
	TooLarge
	// Refused says that the target did not take some or all of the points: 400.
	Refused
)

// Error is what a node answered, or why it did not.
type Error struct {
	Node       string // its URL, without credentials
	Status     int    // 0 where there was no answer
	Message    string // what the node said, or a reason in words
	Class      Class
	RetryAfter time.Duration // as the node asked for; 0 if it did not

	// Of a Refused write:
	Partial bool // the points that Dropped does not count may have been written
	// Dropped is how many points the node says that it dropped; -1 where it does not
	// say. Never more than it is: a request that reaches several shards tells of one.
	Dropped int
	// Poison says that the request made the node fail (a plain 500), so that one of its
	// points may be the cause if the same request fails again.
	Poison bool

	Err error // the transport's, or nil
}

// Error gives node, status and message.
func (e *Error) Error() string {
	switch {
	case e.Status == 0, e.Status == http.StatusOK && e.Class == Fatal: // a statement's error
		return fmt.Sprintf("%s: %s", e.Node, e.Message)
	case e.Message == "":
		return fmt.Sprintf("%s: answered %d", e.Node, e.Status)
	default:
		return fmt.Sprintf("%s: answered %d: %s", e.Node, e.Status, e.Message)
	}
}

// Unwrap gives the transport's error.
func (e *Error) Unwrap() error { return e.Err }

// Retryable reports whether the same request may be sent again: a Temporary or
// Overloaded answer, also a wrapped one. What ended because its context did is not.
func Retryable(err error) bool {
	e, ok := asError(err)
	return ok && (e.Class == Temporary || e.Class == Overloaded) && !errors.Is(err, context.Canceled)
}

func asError(err error) (*Error, bool) { return errors.AsType[*Error](err) }
