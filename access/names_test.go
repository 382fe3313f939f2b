package access

import "testing"

func TestReservedNames(t *testing.T) {
	for name, want := range map[string]bool{
		"shell: root@host": true, "shell:": true, " SHELL :root": true, "Shell\u00a0: x": true,
		"configured key 1": true, "Configured  Key": true, "boxoffice": true, "Boxoffice ": true,
		"shell": false, "shellfish: lobster": false, "a shell: x": false, "key 1": false, "boxoffice desk": false, "": false,
	} {
		if got := Reserved(name); got != want {
			t.Errorf("%q: %t, want %t", name, got, want)
		}
	}
}
