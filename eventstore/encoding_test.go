package eventstore

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// exampleRow is the row whose encoding is kept in testdata/row.golden.
func exampleRow() SealedRecord {
	return SealedRecord{
		Position: 0x0102030405060708, RecordedAt: 1795435200123456, Time: -2208988800000000,
		Type: "user.updated", User: UserKey{0: 0xAA, 15: 0xBB}, Source: "//platform", ID: "é-1",
		Public: []byte(`{}`), Sealed: []byte{1, 0, 255},
		Identity: [16]byte{0: 0x11, 15: 0x22}, Content: [16]byte{0: 0x33, 15: 0x44},
	}
}

// The encoding of a row never changes: proofs that were given rest on it.
func TestCanonicalEncoding(t *testing.T) {
	golden, err := os.ReadFile("testdata/row.golden")
	if err != nil {
		t.Fatal(err)
	}
	row := exampleRow()
	want := strings.Join(strings.Fields(string(golden)), "")
	if got := hex.EncodeToString(row.AppendCanonical(nil)); got != want {
		t.Errorf("the row is encoded as\n%s\nand has to be\n%s", got, want)
	}
	if got := row.AppendCanonical([]byte("before")); !bytes.HasPrefix(got, []byte("before\x01")) {
		t.Error("it isn't appended")
	}
}

// Rows that differ in any part have different encodings, and no ciphertext is
// not an empty one.
func TestCanonicalEncodingTellsRowsApart(t *testing.T) {
	text := rapid.SliceOfN(rapid.Byte(), 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) SealedRecord {
			r := SealedRecord{Type: "a", Source: string(text.Draw(t, name+" source")), ID: string(text.Draw(t, name+" id")), Public: text.Draw(t, name+" data")}
			if rapid.Bool().Draw(t, name+" is sealed") {
				r.Sealed = text.Draw(t, name+" sealed")
			}
			return r
		}
		a, b := draw("a"), draw("b")
		same := a.Source == b.Source && a.ID == b.ID && bytes.Equal(a.Public, b.Public) &&
			bytes.Equal(a.Sealed, b.Sealed) && (a.Sealed == nil) == (b.Sealed == nil)
		if equal := bytes.Equal(a.AppendCanonical(nil), b.AppendCanonical(nil)); equal != same {
			t.Errorf("%+v and %+v: equal encodings: %v", a, b, equal)
		}
	})
}
