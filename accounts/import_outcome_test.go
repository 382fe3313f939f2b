package accounts

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// outcomesOf imports a file, and returns what became of each row as it was told.
func (c caller) outcomesOf(file string, dryRun bool) (outcomes []RowOutcome, progress []ImportProgress, result ImportResult) {
	c.t.Helper()
	m, err := c.service.OpenImport(c.t.Context(), strings.NewReader(file), ImportOptions{DryRun: dryRun})
	if err != nil {
		c.t.Fatal(err)
	}
	defer m.Close(c.t.Context())
	m.Row = func(o RowOutcome) { outcomes = append(outcomes, o) }
	m.Progress = func(p ImportProgress) error { progress = append(progress, p); return nil }
	if result, err = m.Run(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	return outcomes, progress, result
}

// A dry run says of each row, in the order of the file, what would become of it,
// and whom it is about; an import says what has become of it.
func TestRowOutcomes(t *testing.T) {
	s := (&memoryPlatform{t: t}).service()
	s.mustCreate(`{"id":"ana","email":"ana@example.org","first_name":"Ana"}`)
	file := lines("id,email,first_name",
		"ben,ben@example.org,Ben", // 2
		",ana@example.org,Ana",    // 3
		",new@example.org,New",    // 4
		",,Nobody",                // 5
		"ana,ana@example.org,Eve", // 6: row 3 was about her
		",ben@example.org,Ben",    // 7: ben by now
		",new@example.org,New")    // 8
	want := []RowOutcome{
		{Row: 2, Outcome: RowCreated, UserID: "ben"},
		{Row: 3, Outcome: RowUnchanged, UserID: "ana"},
		{Row: 4, Outcome: RowCreated},
		{Row: 5, Outcome: RowRefused, Reason: "email is missing"},
		{Row: 6, Outcome: RowRefused, Reason: "row 3 is about this user already"},
		{Row: 7, Outcome: RowUnchanged},
		{Row: 8, Outcome: RowUnchanged},
	}
	dry, progress, dryResult := s.outcomesOf(file, true)
	if diff := cmp.Diff(want, dry); diff != "" {
		t.Errorf("the dry run says (-want +got)\n%s", diff)
	}
	if last := progress[len(progress)-1]; last != (ImportProgress{Rows: 7, Bytes: int64(len(file)), Created: 2, Unchanged: 3, Refused: 2}) || last.Done() != 7 {
		t.Errorf("in the end it is at %+v", last)
	}
	wet, _, wetResult := s.outcomesOf(file, false)
	if diff := cmp.Diff(inALine(dryResult), inALine(wetResult)); diff != "" {
		t.Errorf("the dry run said and it came to\n%s", diff)
	}
	told := map[int]RowOutcome{}
	for _, o := range wet {
		if _, twice := told[o.Row]; twice {
			t.Errorf("row %d is told twice", o.Row)
		}
		told[o.Row] = o
	}
	for _, o := range want {
		got := told[o.Row]
		if o.UserID == "" && o.Outcome != RowRefused { // whoever has an id by now
			if got.UserID == "" {
				t.Errorf("row %d is about nobody", o.Row)
			}
			got.UserID = ""
		}
		if got != o {
			t.Errorf("row %d is told as %+v, and not %+v", o.Row, got, o)
		}
	}
}

// Progress is told after each lot of rows, and ends the import by its error.
func TestImportProgress(t *testing.T) {
	s := (&memoryPlatform{t: t}).service()
	file := rowsOf(2*windowRows + 1)
	_, progress, _ := s.outcomesOf(file, true)
	if len(progress) != 3 || progress[0].Rows != windowRows || progress[2].Bytes != int64(len(file)) || progress[0].Done() != windowRows {
		t.Errorf("it was told %+v", progress)
	}
	m, err := s.service.OpenImport(t.Context(), strings.NewReader(file), ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(t.Context())
	gone := errors.New("nobody looks any more")
	m.Progress = func(ImportProgress) error { return gone }
	if result, err := m.Run(t.Context()); !errors.Is(err, gone) || result.Created != windowRows {
		t.Errorf("it ended with %v after %+v", err, result)
	}
}

// A file is refused for its size without being read to its end.
func TestImportOfTooLargeFiles(t *testing.T) {
	s := (&memoryPlatform{t: t}).service()
	if _, err := s.tryImport(strings.NewReader("PK\x03\x04"), ImportOptions{Size: MaxImportBytes + 1}); !errors.Is(err, ErrFileTooLarge) {
		t.Errorf("a workbook by what is said of its size: %v", err)
	}
	zeros := iotest.DataErrReader(&endless{t: t, most: MaxImportBytes + 1<<20})
	if _, err := s.tryImport(zeros, ImportOptions{}); !errors.Is(err, ErrFileTooLarge) {
		t.Errorf("a workbook by its size: %v", err)
	}
	r := &countedReader{from: strings.NewReader("12345"), left: 4}
	if n, err := r.Read(make([]byte, 9)); !errors.Is(err, ErrFileTooLarge) {
		t.Errorf("%d bytes were read: %v", n, err)
	}
}

// An endless is a workbook that doesn't end, and fails the test where it is read on
// and on.
type endless struct {
	t    *testing.T
	n    int
	most int
}

func (e *endless) Read(p []byte) (int, error) {
	begin := 0
	if e.n == 0 {
		begin = copy(p, "PK\x03\x04")
	}
	clear(p[begin:])
	if e.n += len(p); e.n > e.most {
		return 0, fmt.Errorf("%d bytes were read", e.n)
	}
	return len(p), nil
}
