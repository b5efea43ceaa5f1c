// SPDX-License-Identifier: Apache-2.0

package main

import "context"

// head is what the object of --json begins with.
type head struct {
	Tool     string `json:"tool"`
	Command  string `json:"command"`
	ExitCode int    `json:"exitCode"`
	Error    string `json:"error,omitempty"`
	Hint     string `json:"hint,omitempty"`
}

func newHead(command string) head { return head{Tool: "shardlift " + version, Command: command} }

// settle takes how a command ended: with faults, with an error, or well. Of one that a signal
// ended interrupted is told instead. It gives the error that is to be told, or nil.
func (h *head) settle(ctx context.Context, faults bool, err, interrupted error) error {
	h.ExitCode = exitCode(ctx, err)
	switch {
	case h.ExitCode == exitInterrupted:
		err = interrupted
	case err == nil && faults:
		h.ExitCode = exitFaults
	}
	if err != nil {
		h.Error, h.Hint = oneLine(err.Error()), hint(err)
	}
	return err
}

// end ends a command that has told how it went; telling is why it could not.
func (h *head) end(telling error) error {
	switch {
	case telling != nil:
		return outputError{telling}
	case h.ExitCode != exitDone:
		return &exit{code: h.ExitCode}
	}
	return nil
}
