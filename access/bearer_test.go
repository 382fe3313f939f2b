package access

import "testing"

func TestBearer(t *testing.T) {
	for header, want := range map[string]string{
		"Bearer abc": "abc", "bearer abc": "abc", "BEARER  abc ": "abc",
		"": "", "abc": "", "Basic abc": "", "Bearer": "", "Bearer ": "",
	} {
		if got, ok := bearerKey(header); ok && got != want || ok != (want != "") {
			t.Errorf("bearerKey(%q) = %q, %v", header, got, ok)
		}
	}
}
