// SPDX-License-Identifier: Apache-2.0

package point

import "time"

// FormatTime writes Unix nanoseconds as RFC 3339, in UTC and with all their digits, as
// reports and manifests have them.
func FormatTime(nano int64) string { return time.Unix(0, nano).UTC().Format(time.RFC3339Nano) }

// Texts gives both ends of the window as FormatTime writes them, and "" for those of an empty
// one.
func (r TimeRange) Texts() (start, end string) {
	if r.Empty() {
		return "", ""
	}
	return FormatTime(r.Min), FormatTime(r.Max)
}

// ParseTexts reads what Texts gave. Errors are those of time.Parse.
func ParseTexts(start, end string) (TimeRange, error) {
	if start == "" && end == "" {
		return NoTime, nil
	}
	from, err := time.Parse(time.RFC3339Nano, start)
	if err != nil {
		return NoTime, err
	}
	to, err := time.Parse(time.RFC3339Nano, end)
	if err != nil {
		return NoTime, err
	}
	return TimeRange{Min: from.UnixNano(), Max: to.UnixNano()}, nil
}
