// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/shardlift/shardlift/point"
)

// Span is a run of bytes of a file.
type Span struct{ Offset, Size int64 }

// End gives the offset behind the span.
func (s Span) End() int64 { return s.Offset + s.Size }

// Contains reports whether the byte at offset lies in the span.
func (s Span) Contains(offset int64) bool { return s.Offset <= offset && offset < s.End() }

// Of gives the bytes of file in the span; they alias it.
func (s Span) Of(file []byte) []byte { return file[s.Offset:s.End():s.End()] }

// BlockPlace tells where the parts of a block lie. The embedded span is the block
// with its checksum.
type BlockPlace struct {
	Span
	Key      string
	Kind     point.Kind // as the index says
	Min, Max int64      // as the index says
	Points   int        // as the timestamp section says

	Checksum    Span // 4 bytes
	Type        Span // 1 byte
	TimesLength Span // the varint
	Times       Span // the timestamp section
	Values      Span

	Entry Span // its 28 bytes in the index: min, max, offset (8 each), size (4)
}

// KeyPlace tells where the index record of a key lies. The embedded span is all of it.
type KeyPlace struct {
	Span
	Key       string
	Kind      point.Kind
	KeyLength Span         // 2 bytes
	Name      Span         // the composite key
	Type      Span         // 1 byte
	Count     Span         // 2 bytes
	Blocks    []BlockPlace // in index order
}

// Layout tells where everything in a TSM file lies, so that a test can damage an
// exact place and knows what is lost with it.
type Layout struct {
	Header Span // magic (4) and version (1)
	Blocks Span
	Index  Span
	Footer Span
	Keys   []KeyPlace // in index order
}

// LayoutOf reads the layout of an undamaged TSM file.
func LayoutOf(file []byte) (*Layout, error) {
	size := int64(len(file))
	if size < int64(len(tsmHeader)+tsmFooterSize) {
		return nil, errors.New("lay out tsm file: too short")
	}
	l := &Layout{
		Header: Span{0, int64(len(tsmHeader))},
		Footer: Span{size - tsmFooterSize, tsmFooterSize},
	}
	at := int64(binary.BigEndian.Uint64(l.Footer.Of(file)))
	if at < l.Header.End() || at > l.Footer.Offset {
		return nil, errors.New("lay out tsm file: index is outside")
	}
	l.Blocks = Span{l.Header.End(), at - l.Header.End()}
	l.Index = Span{at, l.Footer.Offset - at}
	for at < l.Footer.Offset {
		k, err := layOutKey(file[:l.Footer.Offset], at, l.Blocks)
		if err != nil {
			return nil, err
		}
		l.Keys = append(l.Keys, k)
		at = k.End()
	}
	return l, nil
}

// InFileOrder gives all blocks by their offset.
func (l *Layout) InFileOrder() []BlockPlace {
	var all []BlockPlace
	for _, k := range l.Keys {
		all = append(all, k.Blocks...)
	}
	slices.SortStableFunc(all, func(a, b BlockPlace) int { return cmp.Compare(a.Offset, b.Offset) })
	return all
}

// Key gives the index record of a composite key; ok is false when there is none.
func (l *Layout) Key(key string) (place KeyPlace, ok bool) {
	i := slices.IndexFunc(l.Keys, func(k KeyPlace) bool { return k.Key == key })
	if i < 0 {
		return KeyPlace{}, false
	}
	return l.Keys[i], true
}

// BlockAt gives the block that the byte at offset belongs to.
func (l *Layout) BlockAt(offset int64) (place BlockPlace, ok bool) {
	for _, k := range l.Keys {
		for _, b := range k.Blocks {
			if b.Contains(offset) {
				return b, true
			}
		}
	}
	return BlockPlace{}, false
}

var errIndexShort = errors.New("lay out tsm file: index record is cut")

// layOutKey reads the index record at offset; index ends with file.
func layOutKey(file []byte, offset int64, blocks Span) (KeyPlace, error) {
	left := int64(len(file)) - offset
	if left < 2 {
		return KeyPlace{}, errIndexShort
	}
	k := KeyPlace{KeyLength: Span{offset, 2}}
	k.Name = Span{k.KeyLength.End(), int64(binary.BigEndian.Uint16(file[offset:]))}
	k.Type = Span{k.Name.End(), 1}
	k.Count = Span{k.Type.End(), 2}
	if k.Count.End() > int64(len(file)) {
		return KeyPlace{}, errIndexShort
	}
	k.Key = string(k.Name.Of(file))
	k.Kind = point.Kind(file[k.Type.Offset])
	count := int64(binary.BigEndian.Uint16(k.Count.Of(file)))
	k.Span = Span{offset, k.Count.End() + count*tsmEntrySize - offset}
	if k.End() > int64(len(file)) {
		return KeyPlace{}, errIndexShort
	}
	for at := k.Count.End(); at < k.End(); at += tsmEntrySize {
		b, err := layOutBlock(file, Span{at, tsmEntrySize}, blocks)
		if err != nil {
			return KeyPlace{}, err
		}
		b.Key, b.Kind = k.Key, k.Kind
		k.Blocks = append(k.Blocks, b)
	}
	return k, nil
}

func layOutBlock(file []byte, entry, blocks Span) (BlockPlace, error) {
	e := entry.Of(file)
	b := BlockPlace{
		Span:  Span{int64(binary.BigEndian.Uint64(e[16:])), int64(binary.BigEndian.Uint32(e[24:]))},
		Min:   int64(binary.BigEndian.Uint64(e)),
		Max:   int64(binary.BigEndian.Uint64(e[8:])),
		Entry: entry,
	}
	if b.Offset < blocks.Offset || b.Size < 6 || b.Offset > blocks.End()-b.Size {
		return BlockPlace{}, errors.New("lay out tsm file: block is outside")
	}
	b.Checksum = Span{b.Offset, 4}
	b.Type = Span{b.Checksum.End(), 1}
	length, n := binary.Uvarint(file[b.Type.End():b.End()])
	b.TimesLength = Span{b.Type.End(), int64(n)}
	if n <= 0 || length > uint64(b.End()-b.TimesLength.End()) {
		return BlockPlace{}, errors.New("lay out tsm file: timestamp section is outside")
	}
	b.Times = Span{b.TimesLength.End(), int64(length)}
	b.Values = Span{b.Times.End(), b.End() - b.Times.End()}
	b.Points = countTimes(b.Times.Of(file))
	return b, nil
}

// countTimes counts the timestamps of a section without decoding them; 0 where it
// cannot tell.
func countTimes(section []byte) int {
	if len(section) < 9 {
		return 0
	}
	packing, rest := section[0]>>4, section[9:]
	switch packing {
	case Raw.nibble() >> 4:
		return 1 + len(rest)/8
	case Packed.nibble() >> 4:
		n := 1
		for ; len(rest) >= 8; rest = rest[8:] {
			n += simple8bWords[rest[0]>>4].n
		}
		return n
	case RunLength.nibble() >> 4:
		_, n := binary.Uvarint(rest)
		if n > 0 {
			count, _ := binary.Uvarint(rest[n:])
			return int(count)
		}
	}
	return 0
}
