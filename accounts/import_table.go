// This file keeps what an import remembers of each row out of memory: where a file
// is small, in a map, and where it isn't, in temporary files.

package accounts

import (
	"encoding/binary"
	"errors"
	"hash/maphash"
	"io"
	"os"

	"boxoffice/internal/tempfile"
)

const (
	// tableInMemory is how many texts a hashTable has in memory.
	tableInMemory = 1 << 15
	// tableSlots is how many slots the file of one has. It has holes where none is
	// taken, and is at most half full with the rows of the largest file.
	tableSlots = 1 << 22
	slotBytes  = 16
	// probeBytes is how much of the file is read at once.
	probeBytes = 16 * slotBytes
)

// A hashTable has a number for each of many texts of any length. What is kept of a
// text is 64 bits of a hash whose seed nobody knows, so that two of a file are taken
// for the same about once in ten million of the largest files.
type hashTable struct {
	seed   maphash.Seed
	memory map[uint64]int64
	file   *os.File // nil while memory has all
}

func newHashTable() *hashTable {
	return &hashTable{seed: maphash.MakeSeed(), memory: map[uint64]int64{}}
}

// hash is a number for a text, which isn't 0.
func (t *hashTable) hash(text string) uint64 { return maphash.String(t.seed, text) | 1 }

// get is the number of a text.
func (t *hashTable) get(text string) (n int64, ok bool, err error) {
	h := t.hash(text)
	if t.file == nil {
		n, ok = t.memory[h]
		return n, ok, nil
	}
	_, n, ok, err = t.slot(h)
	return n, ok, err
}

// put sets the number of a text.
func (t *hashTable) put(text string, n int64) error {
	h := t.hash(text)
	if t.file == nil {
		if t.memory[h] = n; len(t.memory) <= tableInMemory {
			return nil
		}
		return t.spill()
	}
	return t.write(h, n)
}

// spill moves what memory has into a file.
func (t *hashTable) spill() (err error) {
	if t.file, err = tempfile.New(); err != nil {
		return err
	}
	for h, n := range t.memory {
		if err := t.write(h, n); err != nil {
			return err
		}
	}
	t.memory = nil
	return nil
}

func (t *hashTable) write(h uint64, n int64) error {
	at, _, _, err := t.slot(h)
	if err != nil {
		return err
	}
	slot := binary.LittleEndian.AppendUint64(nil, h)
	_, err = t.file.WriteAt(binary.LittleEndian.AppendUint64(slot, uint64(n)), at)
	return err
}

// slot is where a hash is in the file, or where it would be, and its number.
func (t *hashTable) slot(h uint64) (at int64, n int64, ok bool, err error) {
	var read [probeBytes]byte
	for at := int64(h>>1%tableSlots) * slotBytes; ; {
		size, err := t.file.ReadAt(read[:], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, 0, false, err
		}
		clear(read[size:]) // what isn't written yet is empty
		for i := 0; i < probeBytes; i += slotBytes {
			switch binary.LittleEndian.Uint64(read[i:]) {
			case h:
				return at + int64(i), int64(binary.LittleEndian.Uint64(read[i+8:])), true, nil
			case 0:
				return at + int64(i), 0, false, nil
			}
		}
		at += probeBytes // past the last slot the file has further ones
	}
}

func (t *hashTable) close() {
	if t.file != nil {
		_ = t.file.Close() // which removes it
	}
}
