// SPDX-License-Identifier: Apache-2.0

package shardtest

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"

	"github.com/shardlift/shardlift/point"
)

// The fixed bytes of a TSM file, and the engine's usual block length.
const (
	tsmHeader       = "\x16\xd1\x16\xd1\x01"
	tsmEntrySize    = 28
	tsmFooterSize   = 8
	defaultPerBlock = 1000
)

// Column is a run with its composite key.
type Column struct {
	Key string
	Run
}

// TSM builds one TSM file in memory. The zero value is ready for use.
type TSM struct {
	PerBlock int      // values per block where Add splits; 0 means 1000
	Encoding Encoding // of blocks made by Add

	// Shuffle other than 0 seeds a random order of the blocks in the file. Legal: a
	// block is found by its index entry alone.
	Shuffle uint64
	// AsAdded leaves keys and entries of the index in the order of adding, and a key
	// that was added twice stands there twice. Not legal.
	AsAdded bool

	blocks []tsmBlock
}

// RawBlock is a block whose parts need not agree.
type RawBlock struct {
	Kind     point.Kind // as the index says
	Min, Max int64      // as the index says
	Body     []byte     // from the type byte on; the checksum is computed
}

type tsmBlock struct {
	key string
	RawBlock
	offset int64
}

func (b *tsmBlock) size() int64 { return 4 + int64(len(b.Body)) }

// Add appends values of a column, in blocks of PerBlock values. The times should
// ascend. A key may be added again; its blocks may overlap those it has.
func (f *TSM) Add(key string, run Run) {
	run.check()
	perBlock := cmp.Or(f.PerBlock, defaultPerBlock)
	for i := 0; i < run.Len(); i += perBlock {
		f.AddBlock(key, run.Slice(i, min(i+perBlock, run.Len())), f.Encoding)
	}
}

// AddBlock appends one block of any length that holds the run as it is: times may be
// unsorted or repeat. The index gets its lowest and highest time.
func (f *TSM) AddBlock(key string, run Run, enc Encoding) {
	r := run.Range()
	f.AddRaw(key, RawBlock{Kind: run.Kind, Min: r.Min, Max: r.Max, Body: AppendBlock(nil, run, enc)})
}

// AddRaw appends a block as it is. It keeps the body.
func (f *TSM) AddRaw(key string, block RawBlock) {
	if len(key) > 0xFFFF {
		panic(fmt.Sprintf("shardtest: key of %d bytes", len(key)))
	}
	f.blocks = append(f.blocks, tsmBlock{key: key, RawBlock: block})
}

// Bytes gives the whole file. The builder can be added to afterwards.
func (f *TSM) Bytes() []byte {
	blocks := slices.Clone(f.blocks)
	if !f.AsAdded {
		slices.SortStableFunc(blocks, func(a, b tsmBlock) int {
			return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.Min, b.Min))
		})
	}
	file := []byte(tsmHeader)
	for _, i := range f.fileOrder(len(blocks)) {
		blocks[i].offset = int64(len(file))
		file = appendChecked(file, blocks[i].Body)
	}
	indexOffset := uint64(len(file))
	for i, j := 0, 0; i < len(blocks); i = j {
		for j = i + 1; j < len(blocks) && blocks[j].key == blocks[i].key; j++ {
		}
		file = appendKeyRecord(file, []byte(blocks[i].key), blocks[i].Kind, j-i)
		for _, b := range blocks[i:j] {
			file = appendEntry(file, b.Min, b.Max, b.offset, b.size())
		}
	}
	return binary.BigEndian.AppendUint64(file, indexOffset)
}

// fileOrder gives the order in which n blocks lie in the file.
func (f *TSM) fileOrder(n int) []int {
	if f.Shuffle != 0 {
		return rand.New(rand.NewPCG(f.Shuffle, 0)).Perm(n)
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}

func appendChecked(dst, body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(body)), body...)
}

// appendKeyRecord appends what stands before the entries of a key.
func appendKeyRecord(dst, key []byte, kind point.Kind, count int) []byte {
	if count > 0xFFFF {
		panic(fmt.Sprintf("shardtest: %d blocks of %q in one file", count, key))
	}
	dst = append(binary.BigEndian.AppendUint16(dst, uint16(len(key))), key...)
	return binary.BigEndian.AppendUint16(append(dst, byte(kind)), uint16(count))
}

func appendEntry(dst []byte, minTime, maxTime, offset, size int64) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(minTime))
	dst = binary.BigEndian.AppendUint64(dst, uint64(maxTime))
	dst = binary.BigEndian.AppendUint64(dst, uint64(offset))
	return binary.BigEndian.AppendUint32(dst, uint32(size))
}
