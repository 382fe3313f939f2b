// This file is how the service uses memory, and how an operator looks into it.

package main

import (
	"net/http"
	"net/http/pprof"
	"os"
	"runtime/debug"
)

const (
	// heapGoal is what the service's memory is kept under, softly: as it comes
	// near, garbage is collected more often. With what the embedded database
	// takes beside it, a process stays under 300 MB.
	heapGoal = 128 << 20
	// heapGrowth is by how much the heap may grow before garbage is collected,
	// in percent of what lives. Little lives in the service, and most of what
	// is made for a batch is garbage soon.
	heapGrowth = 200
)

// boundMemory sets how garbage is collected, unless the operator has said it in
// Go's own environment variables.
func boundMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(heapGoal)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
}

// addProfiles serves Go's profiles of the process, on the operator's address.
func addProfiles(mux *http.ServeMux) {
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
}
