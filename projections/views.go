// This file is how people's own SQL finds the live generation in PostgreSQL:
// views of the schema boxoffice, under names that stay.

package projections

import (
	"context"
	"fmt"

	"boxoffice/internal/sqldb"
)

// showInViews makes the views of the schema boxoffice show a generation. It is
// PostgreSQL's alone. The columns of a view stay as they are: a change of them
// needs a migration of the registry that drops the view.
func showInViews(ctx context.Context, tx *sqldb.Tx, number int) error {
	schema := generationSchema(tx.Dialect(), number)
	for _, t := range viewedTables() {
		text := "CREATE OR REPLACE VIEW " + t.name + " AS SELECT " + quotedList(t.visible()) + " FROM " + schema + "." + t.name
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("view %s: %w", t.name, err)
		}
	}
	return nil
}
