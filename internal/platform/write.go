// This file writes events.

package platform

import (
	"fmt"
	"strconv"
	"time"
)

// newID makes an id of a person's session, subscription and so on.
func newID(r random, prefix string) string { return prefix + strconv.FormatUint(r.Uint64()>>16, 16) }

func timeOf(at int64) time.Time { return time.UnixMicro(at).UTC() }

func monthOf(at int64) int { return int(timeOf(at).Month()) - 1 }

func weekend(at int64) bool {
	d := timeOf(at).Weekday()
	return d == time.Saturday || d == time.Sunday
}

// Values of data that aren't texts or numbers.
type (
	instant int64  // µs since 1970; left out where it is never
	some    int    // left out where it is none
	seconds int64  // milliseconds, written as seconds
	raw     string // JSON
)

// write writes an event about a person that happened at an instant. Its data
// are names and values in turn; texts need no escapes, and an empty one is left
// out.
func (p *Platform) write(u *person, at int64, source, typ string, data ...any) []byte {
	return p.writeAs(p.nextID(), u, at, source, typ, data...)
}

// nextID makes the id of an event.
func (p *Platform) nextID() string { return strconv.FormatUint(p.ids.Uint64(), 16) }

func (p *Platform) writeAs(id string, u *person, at int64, source, typ string, data ...any) []byte {
	b := append(make([]byte, 0, 448), `{"specversion":"1.0","id":"`...)
	b = append(b, id...)
	b = append(append(b, `","source":"`...), source...)
	b = append(append(b, `","type":"`...), typ...)
	b = append(append(b, `","subject":"`...), u.id...)
	b = appendTime(append(b, `","time":"`...), at)
	b = append(b, `","data":{`...)
	separator := `"`
	for i := 0; i < len(data); i += 2 {
		if data[i+1] == "" || data[i+1] == instant(never) || data[i+1] == some(0) {
			continue
		}
		b = append(append(append(b, separator...), data[i].(string)...), `":`...)
		b = appendValue(b, data[i+1])
		separator = `,"`
	}
	return append(b, "}}"...)
}

func appendValue(b []byte, value any) []byte {
	switch v := value.(type) {
	case string:
		return append(append(append(b, '"'), v...), '"')
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case some:
		return strconv.AppendInt(b, int64(v), 10)
	case instant:
		return append(appendTime(append(b, '"'), int64(v)), '"')
	case seconds:
		return appendSeconds(b, int64(v))
	case raw:
		return append(b, v...)
	}
	panic(fmt.Sprintf("no value of data is a %T", value))
}

// appendTime writes an instant with its milliseconds or microseconds.
func appendTime(b []byte, at int64) []byte {
	return timeOf(at).AppendFormat(b, "2006-01-02T15:04:05.999999Z07:00")
}

// appendSeconds writes milliseconds as seconds with no more decimals than needed.
func appendSeconds(b []byte, ms int64) []byte {
	return strconv.AppendFloat(b, float64(ms)/1000, 'f', -1, 64)
}
