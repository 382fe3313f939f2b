// This file writes events: the envelope, and the members of data.

package platform

import (
	"strconv"
	"time"
)

const hexDigits = "0123456789abcdef"

func appendHex(b []byte, v uint64, digits int) []byte {
	for i := digits - 1; i >= 0; i-- {
		b = append(b, hexDigits[v>>(4*i)&15])
	}
	return b
}

func timeOf(at int64) time.Time { return time.UnixMicro(at).UTC() }

func monthOf(at int64) int { return int(timeOf(at).Month()) - 1 }

func weekend(at int64) bool {
	d := timeOf(at).Weekday()
	return d == time.Saturday || d == time.Sunday
}

// begin starts an event about a person that happened at an instant, up to and
// with the brace that opens its data.
func (p *Platform) begin(source, typ string, u *person, at int64) {
	p.events++
	b := append(p.buf[:0], `{"specversion":"1.0","id":"`...)
	b = appendHex(b, mix(p.opts.Seed^p.events), 16)
	b = append(b, `","source":"`...)
	b = append(b, source...)
	b = append(b, `","type":"`...)
	b = append(b, typ...)
	b = append(b, `","subject":"`...)
	b = append(b, u.id...)
	b = append(b, `","time":"`...)
	b = appendTime(b, at)
	p.buf = append(b, `","datacontenttype":"application/json","data":{`...)
}

// end finishes the event and gives a copy of it.
func (p *Platform) end() []byte {
	p.buf = append(p.buf, "}}"...)
	return append(make([]byte, 0, len(p.buf)), p.buf...)
}

// appendTime writes an instant with its milliseconds or microseconds.
func appendTime(b []byte, at int64) []byte {
	return timeOf(at).AppendFormat(b, "2006-01-02T15:04:05.999999Z07:00")
}

// name begins a member of data.
func (p *Platform) name(k string) {
	if p.buf[len(p.buf)-1] != '{' {
		p.buf = append(p.buf, ',')
	}
	p.buf = append(p.buf, '"')
	p.buf = append(p.buf, k...)
	p.buf = append(p.buf, `":`...)
}

// text, instant, number, seconds and raw write a member of data. Texts are the
// simulation's own and need no escapes; an empty one isn't written.
func (p *Platform) text(k, v string) {
	if v == "" {
		return
	}
	p.name(k)
	p.buf = append(p.buf, '"')
	p.buf = append(p.buf, v...)
	p.buf = append(p.buf, '"')
}

func (p *Platform) instant(k string, at int64) {
	p.name(k)
	p.buf = append(p.buf, '"')
	p.buf = appendTime(p.buf, at)
	p.buf = append(p.buf, '"')
}

func (p *Platform) number(k string, v int64) {
	p.name(k)
	p.buf = strconv.AppendInt(p.buf, v, 10)
}

func (p *Platform) seconds(k string, ms int64) {
	p.name(k)
	p.buf = appendSeconds(p.buf, ms)
}

func (p *Platform) raw(k, v string) {
	p.name(k)
	p.buf = append(p.buf, v...)
}

// hexText writes a member whose value is a prefix and a number in hexadecimal.
func (p *Platform) hexText(k, prefix string, v uint64) {
	p.name(k)
	p.buf = append(p.buf, '"')
	p.buf = append(p.buf, prefix...)
	p.buf = appendHex(p.buf, v, 12)
	p.buf = append(p.buf, '"')
}

// appendSeconds writes milliseconds as seconds with no more decimals than needed.
func appendSeconds(b []byte, ms int64) []byte {
	b = strconv.AppendInt(b, ms/1000, 10)
	rest := ms % 1000
	if rest == 0 {
		return b
	}
	b = append(b, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}
