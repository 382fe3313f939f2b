// This file changes many rows at once on PostgreSQL: the values go over as one
// array a column, which costs the server a fraction of a parameter a value.

package sqldb

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"
)

// An ArrayColumn is a column of Arrays: its name, and its type on PostgreSQL.
type ArrayColumn struct{ Name, Type string }

// Arrays makes of rows the arguments of one statement of PostgreSQL, an array a
// column, and the FROM item that makes rows of them again under the name v. The
// arguments are $1 and on.
func Arrays(columns []ArrayColumn, rows int, value func(row, column int) any) (item string, args []any) {
	arrays := make([]string, len(columns))
	names := make([]string, len(columns))
	args = make([]any, len(columns))
	for c, column := range columns {
		arrays[c] = fmt.Sprintf("$%d::%s[]", c+1, column.Type)
		names[c] = column.Name
		values := make(pgtype.FlatArray[any], rows)
		for r := range values {
			values[r] = value(r, c)
		}
		args[c] = values
	}
	return "unnest(" + strings.Join(arrays, ", ") + ") AS v (" + quoteAll(names) + ")", args
}
