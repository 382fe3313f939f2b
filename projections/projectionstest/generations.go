// This file enters and finds generations, for the cases about them.

package projectionstest

import (
	"slices"
	"strconv"
	"strings"

	"boxoffice/projections"
)

// idle makes a runner that doesn't run.
func (h *house) idle(config projections.Config) *projections.Runner {
	h.t.Helper()
	runner, err := projections.NewRunner(h.models, h.log, config)
	if err != nil {
		h.t.Fatal(err)
	}
	return runner
}

// generation finds a generation that hasn't been replaced.
func (h *house) generation(number int) projections.Generation {
	h.t.Helper()
	g, ok := h.find(func(g projections.Generation) bool { return g.Number == number })
	if !ok {
		h.t.Fatalf("there is no generation %d", number)
	}
	return g
}

func (h *house) find(wanted func(projections.Generation) bool) (projections.Generation, bool) {
	h.t.Helper()
	all, err := h.models.Generations(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	i := slices.IndexFunc(all, wanted)
	if i < 0 {
		return projections.Generation{}, false
	}
	return all[i], true
}

// named finds the generation of a name that is there or, where it is being
// built again, those two's newer one.
func (h *house) named(name string) (newest projections.Generation) {
	h.t.Helper()
	all, err := h.models.Generations(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, g := range all {
		if g.Name == name {
			newest = g
		}
	}
	return newest
}

// part names the part of the database that has a generation.
func (h *house) part(number int) string {
	live := h.live()
	return live[:strings.LastIndexByte(live, '_')+1] + strconv.Itoa(number)
}

// registry changes the registry, and does as much in a generation.
func (h *house) registry(text, generation string) {
	h.t.Helper()
	registry := "models"
	if strings.HasPrefix(generation, "boxoffice") {
		registry = "boxoffice"
	}
	for part, text := range map[string]string{registry: text, generation: "UPDATE generation SET fold_version = fold_version - 1"} {
		db, err := h.db.Schema(h.t.Context(), part)
		if err != nil {
			h.t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.SQL().ExecContext(h.t.Context(), text); err != nil {
			h.t.Fatal(err)
		}
	}
}
