// This file holds the schema files of the read models and what the engines
// call their parts.

package projections

import (
	"embed"
	"io/fs"
	"strconv"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
)

// FoldVersion is the version of the code that makes read models from events: of
// the rules and of the rows. A generation of another version isn't projected
// into; a new one is built.
const FoldVersion = 1000*domain.FoldVersion + rowsVersion

// rowsVersion moves whenever the rows or the schema of a generation come out
// otherwise than before from the same facts.
const rowsVersion = 7

//go:embed schema
var schemaFiles embed.FS

// generationFiles hold the schema of a generation, with a directory for each
// engine.
var generationFiles = mustSub("schema/generation")

func mustSub(dir string) fs.FS {
	sub, err := fs.Sub(schemaFiles, dir)
	if err != nil {
		panic(err) // dir is a constant, and a valid path
	}
	return sub
}

// registrySchema names the part of the database that has the registry. On
// PostgreSQL people see the name, since the views are there too; on SQLite it
// is part of a file's name.
func registrySchema(d *sqldb.Dialect) string {
	return d.Either("boxoffice", "models")
}

// generationSchema names the part of the database that has a generation.
func generationSchema(d *sqldb.Dialect, number int) string {
	return d.Either("boxoffice_gen_", "models_") + strconv.Itoa(number)
}
