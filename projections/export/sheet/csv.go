// This file writes CSV: UTF-8 and RFC 4180. The standard library's writer isn't
// used, since it changes line breaks within a text.

package sheet

import (
	"bufio"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
)

// A CSV writes a table as CSV. It is for one goroutine at a time.
type CSV struct {
	table Table
	out   *bufio.Writer
	text  []byte // of times and numbers, reused
}

// NewCSV begins a CSV with the names of the columns.
func NewCSV(w io.Writer, t Table) (*CSV, error) {
	if err := t.check(MaxCSVColumns); err != nil {
		return nil, err
	}
	c := &CSV{table: t, out: bufio.NewWriterSize(w, 64<<10)}
	if t.Marked {
		_, _ = c.out.WriteString(byteOrderMark) // endLine returns the error
	}
	for i := range t.Columns {
		c.separate(i)
		c.field(t.Columns[i].Name)
	}
	return c, c.endLine()
}

// byteOrderMark is how Excel knows that a CSV is UTF-8.
const byteOrderMark = "\ufeff"

// Row writes a row. The error may be about an earlier one.
func (c *CSV) Row(values []any) error {
	if len(values) != len(c.table.Columns) {
		return errors.New("a row has another number of values than the table has columns")
	}
	for i, v := range values {
		c.separate(i)
		if err := c.value(v); err != nil {
			return err
		}
	}
	return c.endLine()
}

// Close writes what is left.
func (c *CSV) Close() error { return c.out.Flush() }

func (c *CSV) separate(column int) {
	if column > 0 {
		c.out.WriteByte(',') // the next endLine returns the error
	}
}

func (c *CSV) endLine() error {
	_, err := c.out.WriteString("\r\n")
	return err
}

func (c *CSV) value(v any) error {
	switch v := v.(type) {
	case nil:
	case string:
		c.field(v)
	case Number:
		c.out.WriteString(string(v))
	case float64:
		c.text = strconv.AppendFloat(c.text[:0], v, 'f', -1, 64)
		c.out.Write(c.text)
	case int64:
		c.text = strconv.AppendInt(c.text[:0], v, 10)
		c.out.Write(c.text)
	case bool:
		c.out.WriteString(strconv.FormatBool(v))
	case time.Time:
		c.text = appendTime(c.text[:0], v, c.table.zone())
		c.out.Write(c.text)
	default:
		return unknownValueError(v)
	}
	return nil
}

// field writes a text. One that a spreadsheet program would take for a formula
// has an apostrophe before it, and so has one that begins with an apostrophe, so that
// a reader can take off what was put before.
func (c *CSV) field(text string) {
	guarded := text != "" && strings.IndexByte("=+-@'", text[0]) >= 0
	if !strings.ContainsAny(text, ",\"\r\n") {
		if guarded {
			c.out.WriteByte('\'')
		}
		c.out.WriteString(text)
		return
	}
	c.out.WriteByte('"')
	if guarded {
		c.out.WriteByte('\'')
	}
	for {
		before, after, more := strings.Cut(text, `"`)
		c.out.WriteString(before)
		if !more {
			break
		}
		c.out.WriteString(`""`)
		text = after
	}
	c.out.WriteByte('"')
}
