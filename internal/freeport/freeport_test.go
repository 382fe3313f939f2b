package freeport

import (
	"net"
	"testing"
)

// A port is one that can be listened on, and none that an outgoing connection
// might be given.
func TestFind(t *testing.T) {
	for range 20 {
		addr, err := Addr()
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if port := l.Addr().(*net.TCPAddr).Port; port < first || port >= last {
			t.Errorf("port %d", port)
		}
	}
}
