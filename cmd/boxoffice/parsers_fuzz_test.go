// This file has the fuzzer try what people and other programs hand to the
// command: files, settings and keys.

package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"boxoffice/domain"
	"boxoffice/wire"
)

// linesOf reads a source to its end.
func linesOf(t *testing.T, name string) ([]string, error) {
	t.Helper()
	source, err := openSource(name, nil)
	if err != nil {
		return nil, err
	}
	defer source.close()
	var lines []string
	for last := int64(0); ; {
		line, number, err := source.next()
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return lines, err
		}
		if number <= last || len(line) == 0 || len(line) > domain.MaxEventBytes+1 {
			t.Fatalf("line %d after %d has %d bytes", number, last, len(line))
		}
		last = number
		lines = append(lines, string(line))
	}
}

func written(t *testing.T, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// FuzzLines defends: the lines of a file are those between its line ends, and
// the same whether it is compressed or not.
func FuzzLines(f *testing.F) {
	for _, text := range []string{"", "a\nb", "a\n\n b \r\nc\n", "\n", " \t", strings.Repeat("x", 70<<10) + "\ny"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > domain.MaxEventBytes {
			return
		}
		want := []string{}
		for line := range strings.SplitSeq(string(text), "\n") {
			if line = strings.TrimSpace(line); line != "" {
				want = append(want, line)
			}
		}
		var zipped, zstandard bytes.Buffer
		d, err := zstd.NewWriter(&zstandard, zstd.WithEncoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range []io.WriteCloser{gzip.NewWriter(&zipped), d} {
			if _, err := w.Write(text); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
		}
		for name, content := range map[string][]byte{"f.ndjson": text, "f.gz": zipped.Bytes(), "f.zst": zstandard.Bytes()} {
			got, err := linesOf(t, written(t, name, content))
			if err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") || len(got) != len(want) {
				t.Errorf("%s: %q, %v; want %q", name, got, err, want)
			}
		}
	})
}

// FuzzCompressed defends: a file that isn't what its name says is an error that
// names the file, and never a panic.
func FuzzCompressed(f *testing.F) {
	f.Add([]byte("\x1f\x8b\x08"), true)
	f.Add([]byte("\x28\xb5\x2f\xfd"), false)
	f.Fuzz(func(t *testing.T, content []byte, zipped bool) {
		name := "f.zst"
		if zipped {
			name = "f.gz"
		}
		path := written(t, name, content)
		if _, err := linesOf(t, path); err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("the error doesn't name the file: %v", err)
		}
	})
}

// FuzzOutgoing defends: every line is published under a subject of the stream,
// and what is refused as well.
func FuzzOutgoing(f *testing.F) {
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"/t","type":"user.updated","subject":"ana","time":"2026-01-08T20:00:40Z","data":{}}`))
	f.Add([]byte(`{"type":"user.updated"`))
	f.Fuzz(func(t *testing.T, line []byte) {
		o, refusal := outgoing(line, domain.InstantOf(yearEnd))
		kind, ok := strings.CutPrefix(o.Subject, wire.SubjectPrefix)
		if !ok || refusal == nil && !domain.KnownType(kind) {
			t.Errorf("subject %q, %v", o.Subject, refusal)
		}
	})
}

// FuzzAPIKeys defends: what is taken is role:key again and again, no key twice,
// and an error quotes no key.
func FuzzAPIKeys(f *testing.F) {
	for _, text := range []string{"", "admin:a", "admin:a,viewer:b", "admin:a,viewer:a", ",,", "nobody:secretsecret", "secretsecret", "admin:"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := parseAPIKeys(text)
		if err != nil {
			if strings.Contains(text, "secretsecret") && strings.Contains(err.Error(), "secretsecret") {
				t.Errorf("the error quotes a key: %v", err)
			}
			return
		}
		var again []string
		for _, k := range keys {
			again = append(again, string(k.Role)+":"+k.Key)
		}
		same, err := parseAPIKeys(strings.Join(again, ","))
		if err != nil || len(same) != len(keys) {
			t.Errorf("%q is read as %v, and that as %v, %v", text, keys, same, err)
		}
	})
}

// FuzzRoles defends: roles are read or are an error.
func FuzzRoles(f *testing.F) {
	f.Add("ingest,project,api")
	f.Add(" api ,")
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := parseRoles(strings.Split(text, ",")); err == nil && len(r) == 0 {
			t.Errorf("%q is read as no role", text)
		}
	})
}

// FuzzConfigFile defends: a file is taken whole or is an error, and what it sets
// are settings that there are.
func FuzzConfigFile(f *testing.F) {
	for _, text := range []string{"", "http_addr: 127.0.0.1:1", "a: b", "http_addr: [1]", "http_addr: &a x\ntime_zone: *a", "- 1", "http_addr: !!binary x"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		values, err := readConfigFile(written(t, "c.yaml", text))
		if err != nil && values != nil {
			t.Errorf("%v and %v", values, err)
		}
		for key := range values {
			if !bytes.Contains(text, []byte(key)) {
				t.Errorf("%s is set", key)
			}
		}
	})
}

// FuzzByteSize defends: a size is written as what it was read as.
func FuzzByteSize(f *testing.F) {
	for _, text := range []string{"", "1", "1GiB", "10 MB", "-1", "9223372036854775807", "1B", "4TiB", "1e3"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var b, again byteSize
		if b.Set(text) != nil {
			return
		}
		if err := again.Set(b.String()); b < 0 || err != nil || again != b {
			t.Errorf("%q is read as %d, and that as %d, %v", text, b, again, err)
		}
	})
}

// FuzzCheckpoint defends: a checkpoint that somebody wrote over doesn't make publishing
// skip what it hasn't published.
func FuzzCheckpoint(f *testing.F) {
	f.Add([]byte(`{"lines":1}`))
	f.Add([]byte(`{"lines":-5,"sha256":"x"}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, kept []byte) {
		dir := t.TempDir()
		file := written(t, "f.ndjson", []byte("a\nb\n"))
		p, err := findCheckpoint(dir, "b", file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p.path, kept, 0o600); err != nil {
			t.Fatal(err)
		}
		if p, err = findCheckpoint(dir, "b", file); err != nil {
			t.Fatal(err)
		}
		source, err := p.skipTo(file, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer source.close()
		if line, _, err := source.next(); err != nil || string(line) != "a" {
			t.Errorf("publishing begins with %q, %v", line, err)
		}
	})
}
