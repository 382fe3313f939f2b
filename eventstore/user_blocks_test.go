package eventstore

import (
	"encoding/binary"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A block's buckets have for each pseudonym the positions of its events, ascending,
// and of nobody else's with another prefix.
func TestBlocksFindTheirUsers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bits := rapid.SampledFrom(defaultShape.bits).Draw(t, "bits")
		block := userBlock{bits, rapid.Int64Range(0, 1<<40>>bits).Draw(t, "block")}
		prefixes := rapid.SliceOfNDistinct(rapid.Uint32(), 1, 20, rapid.ID).Draw(t, "users")
		want := map[uint32][]Position{}
		var entries []blockEntry
		for _, offset := range rapid.SliceOfDistinct(rapid.Int64Range(0, 1<<bits-1), rapid.ID).Draw(t, "offsets") {
			prefix := rapid.SampledFrom(prefixes).Draw(t, "user")
			entries = append(entries, newBlockEntry(prefix, offset))
			want[prefix] = append(want[prefix], block.before()+1+Position(offset))
		}
		rows := defaultShape.rows(bits, entries)
		for _, prefix := range prefixes {
			slices.Sort(want[prefix])
			var got []Position
			for _, row := range rows {
				if row.bucket == defaultShape.bucket(bits, prefix) {
					got = block.appendPositions(got, row.entries, prefix)
				}
			}
			if !slices.Equal(got, want[prefix]) {
				t.Fatalf("%08x is at %v, want %v", prefix, got, want[prefix])
			}
			for _, p := range got {
				if p <= block.before() || p > block.last() {
					t.Fatalf("%d isn't in the block", p)
				}
			}
		}
		buckets := int64(1) << defaultShape.bucketsBits(bits)
		if last := defaultShape.bucket(bits, ^uint32(0)); last != buckets-1 {
			t.Errorf("the last of %d buckets is %d", buckets, last)
		}
	})
}

// However the log grows, the blocks that there are cover it from the beginning to
// where it is indexed, without a hole, and are few; each step makes one of them and
// the others were there before.
func TestBlocksCoverTheLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		indexed, head := Position(0), Position(0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			head += Position(rapid.Int64Range(0, 1<<rapid.IntRange(1, 22).Draw(t, "scale")).Draw(t, "events"))
			for {
				before := defaultShape.blocks(indexed)
				to, block, ok := defaultShape.next(indexed, head)
				if !ok {
					break
				}
				indexed = to
				after := defaultShape.blocks(indexed)
				kept := slices.DeleteFunc(before, func(b userBlock) bool { return b.before() >= block.before() })
				if !slices.Equal(after, append(kept, block)) {
					t.Fatalf("%v becomes %v by %v", before, after, block)
				}
			}
			if head-indexed >= 1<<12 {
				t.Fatalf("%d of %d are indexed", indexed, head)
			}
		}
		at := Position(0)
		blocks := defaultShape.blocks(indexed)
		for _, b := range blocks {
			if b.before() != at {
				t.Fatalf("%v begins at %d, not %d", b, b.before(), at)
			}
			at = b.last()
		}
		if at != indexed || len(blocks) > int(indexed>>20)+30 {
			t.Errorf("%d blocks go up to %d of %d", len(blocks), at, indexed)
		}
	})
}

// The prefix of an entry is the beginning of the pseudonym.
func TestPrefix(t *testing.T) {
	user := UserKey{1, 2, 3, 4, 5}
	if got := prefixOf(user); got != 0x01020304 || got != uint32(user.Prefix()>>32) || got != binary.BigEndian.Uint32(user[:4]) {
		t.Errorf("it is %08x", got)
	}
}
