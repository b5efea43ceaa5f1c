// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/shardlift/shardlift/point"
)

var testNow = time.Date(2026, 11, 22, 16, 0, 0, 123456789, time.UTC)

func TestParseTime(t *testing.T) {
	now := testNow.UnixNano()
	tests := map[string]struct {
		text string
		want int64
	}{
		"rfc 3339":                 {"2019-05-19T00:00:00Z", 1558224000000000000},
		"the guide's end":          {"2019-05-19T23:59:59.999Z", 1558310399999000000},
		"nanoseconds":              {"2019-05-19T23:59:59.999999999Z", 1558310399999999999},
		"zone":                     {"2019-05-19T02:00:00+02:00", 1558224000000000000},
		"date":                     {"2019-05-19", 1558224000000000000},
		"date and time":            {"2019-05-19 12:34:56", 1558269296000000000},
		"date and time, fraction":  {"2019-05-19 12:34:56.5", 1558269296500000000},
		"date T time":              {"2019-05-19T12:34:56", 1558269296000000000},
		"before 1970":              {"1969-12-31T23:59:59.999999999Z", -1},
		"unix nanoseconds":         {"1558224000000000000", 1558224000000000000},
		"nought":                   {"0", 0},
		"negative":                 {"-1", -1},
		"plus sign":                {"+5", 5},
		"lowest":                   {"-9223372036854775808", math.MinInt64},
		"highest":                  {"9223372036854775807", math.MaxInt64},
		"lowest, written":          {"1677-09-21T00:12:43.145224192Z", math.MinInt64},
		"highest, written":         {"2262-04-11T23:47:16.854775807Z", math.MaxInt64},
		"now":                      {"now", now},
		"now with brackets":        {"now()", now},
		"a week ago":               {"now-7d", now - 7*24*3600e9},
		"in an hour and a half":    {"now+1h30m", now + 5400e9},
		"blanks as in a query":     {"now() - 1w", now - 7*24*3600e9},
		"every unit":               {"now+1w1d1h1m1s1ms1u1ns", now + 694861001001001},
		"micro sign":               {"now-1µ", now - 1000},
		"micro sign, s":            {"now-1µs", now - 1000},
		"greek mu":                 {"now-1μ", now - 1000},
		"nothing":                  {"now-0s", now},
		"as far back as it goes":   {"now-9223372036854775807ns", now - math.MaxInt64},
		"up to the end":            {"now+" + "7428008836731319018ns", math.MaxInt64},
		"months are not minutes 1": {"now-1m", now - 60e9},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := ParseTime(tt.text, testNow)
			if err != nil || got != tt.want {
				t.Errorf("ParseTime(%q) = %d, %v, want %d", tt.text, got, err, tt.want)
			}
		})
	}
}

func TestParseTimeErrors(t *testing.T) {
	const form, far = "not a time", "outside of what InfluxDB can store"
	tests := map[string]struct{ text, want string }{
		"empty":                {"", form},
		"word":                 {"yesterday", form},
		"blank":                {" 2019-05-19", form},
		"no such day":          {"2019-02-30", form},
		"half a date":          {"2019-05", form},
		"rfc 3339, blank":      {"2019-05-19 00:00:00Z", form},
		"float":                {"1.5e18", form},
		"too early":            {"1677-09-21T00:12:43.145224191Z", far},
		"too late":             {"2262-04-11T23:47:16.854775808Z", far},
		"year 1":               {"0001-01-01", far},
		"number too high":      {"9223372036854775808", far},
		"number too low":       {"-9223372036854775809", far},
		"nowhere":              {"nowhere", form},
		"sign and no more":     {"now-", form},
		"two signs":            {"now--7d", "bad duration"},
		"no unit":              {"now-7", "want numbers with a unit"},
		"no number":            {"now-d", "bad duration"},
		"unknown unit":         {"now-7y", "want numbers with a unit"},
		"unit and rubbish":     {"now-7dx", "bad duration"},
		"fraction":             {"now-1.5h", "want numbers with a unit"},
		"duration too long":    {"now-15251w", far},
		"sum too long":         {"now-15250w15250w", far},
		"number does not fit":  {"now-99999999999999999999ns", far},
		"past the end of time": {"now+7428008836731319019ns", far},
		"before the beginning": {"now-9223372036854775807ns9223372036854775807ns", far},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := ParseTime(tt.text, testNow)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("ParseTime(%q) = %d, %v, want an error with %q", tt.text, got, err, tt.want)
			}
		})
	}
	if _, err := ParseTime("now", time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC)); err == nil {
		t.Error("a clock outside of the range goes unnoticed")
	}
	if _, err := ParseTime("now-3w", time.Unix(0, math.MinInt64)); err == nil {
		t.Error("a time before the beginning goes unnoticed")
	}
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{
		"2019-05-19", "2019-05-19T23:59:59.999Z", "2019-05-19 12:34:56", "-9223372036854775808",
		"now", "now()-1h30m", "now+15250w", "now-1µ", "now-9223372036854775807ns1ns", "9999-12-31T23:59:59+14:00",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		nano, err := ParseTime(text, testNow)
		if err != nil {
			return
		}
		again, err := ParseTime(point.FormatTime(nano), testNow)
		if err != nil || again != nano {
			t.Errorf("ParseTime(%q) = %d, printed %s, which is %d, %v", text, nano, point.FormatTime(nano), again, err)
		}
		if strings.HasPrefix(text, "now-") && nano > testNow.UnixNano() || strings.HasPrefix(text, "now+") && nano < testNow.UnixNano() {
			t.Errorf("ParseTime(%q) = %d lies on the wrong side of now", text, nano)
		}
	})
}
