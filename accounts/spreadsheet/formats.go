// This file finds out which formats of a workbook's cells are dates.

package spreadsheet

import (
	"encoding/xml"
	"strconv"
	"strings"
)

// maxFormats bounds the formats that are kept.
const maxFormats = 1 << 16

var errManyFormats = formatError("the workbook has more than 65,536 formats")

// readFormats finds out which formats of cells are dates.
func (b *workbook) readFormats(part string) error {
	custom := map[int]bool{}
	inCells := false
	return b.read(part, func(d *xmlReader) error {
		return d.eachWithEnd(func(e *xml.StartElement) error {
			id, err := strconv.Atoi(attribute(e, "numFmtId"))
			switch {
			case e.Name.Local == "cellXfs":
				inCells = true
			case len(custom) == maxFormats || len(b.isDate) == maxFormats:
				return errManyFormats
			case e.Name.Local == "numFmt" && err == nil:
				custom[id] = isDateCode(attribute(e, "formatCode"))
			case e.Name.Local == "xf" && inCells:
				date, known := custom[id]
				b.isDate = append(b.isDate, err == nil && (date || !known && isDateFormat(id)))
			}
			return nil
		}, func(name string) {
			if name == "cellXfs" {
				inCells = false
			}
		})
	})
}

// isDateFormat knows the numbers of the formats that every program has.
func isDateFormat(n int) bool {
	return 14 <= n && n <= 22 || 27 <= n && n <= 36 || 45 <= n && n <= 47 || 50 <= n && n <= 58
}

// isDateCode says that a format's code has a part of a date or of a time.
func isDateCode(code string) bool {
	for i := 0; i < len(code); i++ {
		switch code[i] {
		case '"':
			end := strings.IndexByte(code[i+1:], '"')
			if end < 0 {
				return false
			}
			i += end + 1
		case '\\', '_', '*':
			i++
		case '[':
			end := strings.IndexByte(code[i:], ']')
			if end < 0 {
				return false
			}
			if inside := strings.ToLower(code[i+1 : i+end]); inside != "" && strings.Trim(inside, inside[:1]) == "" && strings.Contains("hms", inside[:1]) {
				return true
			}
			i += end
		case ';':
			return false
		case 'y', 'Y', 'm', 'M', 'd', 'D', 'h', 'H', 's', 'S':
			return true
		}
	}
	return false
}
