// This file puts together the statements of questions whose conditions vary:
// parts of SQL with their arguments, which both engines understand.

package projections

import (
	"context"
	"strconv"
	"strings"

	"boxoffice/domain"
	"boxoffice/internal/sqldb"
)

// A statement is a text of SQL under construction with its arguments.
type statement struct {
	text strings.Builder
	args []any
}

// arg adds an argument and returns the placeholder that stands for it. The
// placeholder may be used several times.
func (s *statement) arg(v any) string {
	s.args = append(s.args, v)
	return "$" + strconv.Itoa(len(s.args))
}

// instant adds an instant as an argument.
func (s *statement) instant(i domain.Instant) string { return s.arg(sqldb.Micros(i)) }

// list adds several texts as arguments, for an IN.
func (s *statement) list(texts []string) string {
	placeholders := make([]string, len(texts))
	for i, text := range texts {
		placeholders[i] = s.arg(text)
	}
	return "(" + strings.Join(placeholders, ", ") + ")"
}

// write appends to the text.
func (s *statement) write(parts ...string) {
	for _, part := range parts {
		s.text.WriteString(part)
	}
}

// each hands over the rows that a statement finds, until take fails.
func (s *snapshot) each(ctx context.Context, q *statement, take func(scanner) error) error {
	return eachRow(ctx, s.tx, q.text.String(), q.args, take)
}

// A condition returns a part of a WHERE, and adds its arguments to the statement.
type condition func(*statement) string

// where appends the conditions, of which there is at least one.
func (s *statement) where(conditions ...condition) {
	for i, c := range conditions {
		if i == 0 {
			s.write(" WHERE ")
		} else {
			s.write(" AND ")
		}
		s.write(c(s))
	}
}

// always is a condition without arguments.
func always(text string) condition { return func(*statement) string { return text } }

// compared is a condition that compares a column with an instant.
func compared(column, operator string, i domain.Instant) condition {
	return func(s *statement) string { return column + " " + operator + " " + s.instant(i) }
}

// gather gathers the first limit rows of consecutive ranges, each of which find
// looks for.
func gather[R any](ranges [][]condition, limit int, find func(part []condition, limit int) ([]R, error)) ([]R, error) {
	var found []R
	for _, part := range ranges {
		if len(found) == limit {
			break
		}
		more, err := find(part, limit-len(found))
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return found, nil
}

// pageOf cuts a page out of what was found for it: of one more than its limit,
// which tells that there is a further page. That comes after last then.
func pageOf[R any](found []R, limit int) (page []R, last *R) {
	if len(found) <= limit {
		return found, nil
	}
	return found[:limit], &found[limit-1]
}
