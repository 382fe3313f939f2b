// Package freeport finds ports for servers that tests start and that have to be
// told where to listen.
//
// A port that the system gives to whoever asks for any may be given to somebody's
// outgoing connection before the server is there. These come from below the
// range out of which systems do that.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Outgoing connections have ports from 32,768 (Linux) or 49,152 (others).
const first, last = 10_000, 32_000

// Find returns a TCP port of the loopback interface on which nobody listens. It
// fails where it finds none. Two calls may give the same port, which is as
// unlikely as there are many.
func Find() (int, error) {
	var err error
	for range 100 {
		port := first + rand.IntN(last-first)
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("no free port was found: %w", err)
}

// Addr returns a loopback address with such a port.
func Addr() (string, error) {
	port, err := Find()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), err
}
