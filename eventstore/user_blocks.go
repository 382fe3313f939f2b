// This file is the form of the index by which one user's events are found: blocks
// of positions, and in each block whose events stand where.

package eventstore

import (
	"encoding/binary"
	"slices"
	"sort"
)

// A blockShape says how large blocks are. Those of one size that fill a larger one
// become it, so that a log of any length has few, and nothing small is kept for
// ever.
type blockShape struct {
	// bits are the sizes, ascending: a block of that size is 2^bits positions.
	// None is larger than offsetBits.
	bits []uint
	// bucketBits: about 2^bucketBits entries are in a bucket, which is a row.
	bucketBits uint
}

// defaultShape has rows of under 2 KiB, which neither engine stores apart. A block
// of the largest size is put together in 16 MiB.
var defaultShape = blockShape{bits: []uint{12, 16, 20}, bucketBits: 8}

const (
	prefixBits = 32 // of a pseudonym, in an entry
	offsetBits = 24 // of a position in its block
	entryBytes = (prefixBits + offsetBits) / 8
)

// A blockEntry says that an event of somebody whose pseudonym has a prefix is at an
// offset in its block. They are sorted by prefix, then by offset.
type blockEntry uint64

func newBlockEntry(prefix uint32, offset int64) blockEntry {
	return blockEntry(prefix)<<offsetBits | blockEntry(offset)
}

func (e blockEntry) prefix() uint32 { return uint32(e >> offsetBits) }
func (e blockEntry) offset() int64  { return int64(e & (1<<offsetBits - 1)) }

// prefixOf returns as much of a pseudonym as an entry has: enough that few events
// are read in vain.
func prefixOf(user UserKey) uint32 { return binary.BigEndian.Uint32(user[:]) }

// A userBlock is a block of positions, by its size and its number among those of
// that size.
type userBlock struct {
	bits   uint
	number int64
}

// before is the position before the block's first, and last is its last.
func (b userBlock) before() Position { return Position(b.number << b.bits) }
func (b userBlock) last() Position   { return Position((b.number + 1) << b.bits) }

// blocks lists the blocks that there are where the index goes up to a position,
// in the order of the log: as many of the largest as fit, then of the next.
func (s blockShape) blocks(to Position) []userBlock {
	var all []userBlock
	at := int64(0)
	for _, bits := range slices.Backward(s.bits) {
		for ; at+1<<bits <= int64(to); at += 1 << bits {
			all = append(all, userBlock{bits, at >> bits})
		}
	}
	return all
}

// next says what the index is to be extended by where it goes up to a position and
// the log to head: up to which position, and the block that those positions
// complete; false where there isn't a block's worth.
func (s blockShape) next(from, head Position) (to Position, block userBlock, ok bool) {
	for _, bits := range s.bits {
		size := Position(1) << bits
		if from%size == 0 && from+size <= head {
			to, ok = from+size, true
		}
	}
	for _, bits := range s.bits {
		if ok && to%(1<<bits) == 0 {
			block = userBlock{bits, int64(to)>>bits - 1}
		}
	}
	return to, block, ok
}

// bucket is the one that has the entries of a prefix in a block of a size.
func (s blockShape) bucket(bits uint, prefix uint32) int64 {
	return int64(uint64(prefix) >> (prefixBits - s.bucketsBits(bits)))
}

// bucketsBits is how many bits the number of a bucket has.
func (s blockShape) bucketsBits(bits uint) uint { return max(bits, s.bucketBits) - s.bucketBits }

// A bucketRow is a bucket as it is stored.
type bucketRow struct {
	bucket  int64
	entries []byte
}

// rows sorts a block's entries and returns them as its buckets, without empty ones.
func (s blockShape) rows(bits uint, entries []blockEntry) []bucketRow {
	slices.Sort(entries)
	var rows []bucketRow
	for len(entries) > 0 {
		bucket := s.bucket(bits, entries[0].prefix())
		n := sort.Search(len(entries), func(i int) bool { return s.bucket(bits, entries[i].prefix()) > bucket })
		rows = append(rows, bucketRow{bucket, encodeEntries(entries[:n])})
		entries = entries[n:]
	}
	return rows
}

func encodeEntries(entries []blockEntry) []byte {
	b := make([]byte, 0, len(entries)*entryBytes)
	for _, e := range entries {
		b = append(binary.BigEndian.AppendUint32(b, e.prefix()), byte(e>>16), byte(e>>8), byte(e))
	}
	return b
}

// entryAt decodes the i-th of a bucket's entries.
func entryAt(entries []byte, i int) blockEntry {
	b := entries[i*entryBytes:]
	return newBlockEntry(binary.BigEndian.Uint32(b), int64(b[4])<<16|int64(b[5])<<8|int64(b[6]))
}

// appendPositions appends the positions in a block at which a bucket has a prefix,
// ascending.
func (b userBlock) appendPositions(positions []Position, entries []byte, prefix uint32) []Position {
	n := len(entries) / entryBytes
	first := sort.Search(n, func(i int) bool { return entryAt(entries, i).prefix() >= prefix })
	for ; first < n && entryAt(entries, first).prefix() == prefix; first++ {
		positions = append(positions, b.before()+1+Position(entryAt(entries, first).offset()))
	}
	return positions
}
