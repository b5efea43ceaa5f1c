// SPDX-License-Identifier: Apache-2.0

package lineprotocol

import "bytes"

// AppendText appends what a string value holds that is written in quotes.
func AppendText(dst, value []byte) []byte {
	if len(value) < 2 {
		return dst
	}
	value = value[1 : len(value)-1]
	for {
		i := bytes.IndexByte(value, '\\')
		if i < 0 || i+1 == len(value) {
			return append(dst, value...)
		}
		dst = append(dst, value[:i]...)
		if c := value[i+1]; c != '"' && c != '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, value[i+1])
		value = value[i+2:]
	}
}
