// This file judges data by its type's row, and divides it into what stays
// readable in the log and what is encrypted under the user's key.

package domain

// readData reads the data of an event into e: the fields, Public and Personal.
// It returns the rule that is broken, "" for none.
func (e *Event) readData(r *row, env *envelope) string {
	switch {
	case env.base64:
		return "data_base64 must not be there: data must be a JSON object"
	case env.data == nil || r.dataless && isNull(env.data):
		if !r.dataless {
			return "data is missing"
		}
		e.Public = []byte("{}")
		return ""
	case env.data[0] != '{':
		return "data must be a JSON object"
	}
	s := splitter{public: append(make([]byte, 0, len(env.data)), '{')}
	if !r.dataless {
		s.startPersonal(env)
	}
	if rule := e.readMembers(r, env.data, &s); rule != "" {
		return rule
	}
	if r.dataless {
		e.Public = []byte("{}")
		return ""
	}
	e.Public, e.Personal = s.finish()
	return ""
}

// readMembers reads the members of data, and hands each to s where there is one.
func (e *Event) readMembers(r *row, data []byte, s *splitter) string {
	var seen uint32
	w := walk(data)
	for {
		name, value, ok := w.member()
		if !ok {
			break
		}
		i, f := r.field(textOf(name))
		if s != nil {
			if rule := s.add(name, value, f); rule != "" {
				return rule
			}
		}
		if f == nil {
			continue
		}
		seen |= 1 << i
		if rule := e.readField(f, value); rule != "" {
			return f.name + " " + rule
		}
	}
	return r.missing(seen)
}

// readField reads the value of one field.
func (e *Event) readField(f *field, value []byte) string {
	switch {
	case !isNull(value):
		return f.read(e, value)
	case f.must:
		return "must not be null"
	case f.clear != nil:
		f.clear(e)
	}
	return ""
}

// missing names the first required field that wasn't seen.
func (r *row) missing(seen uint32) string {
	for i := range r.fields {
		if r.fields[i].must && seen&(1<<i) == 0 {
			return r.fields[i].name + " is missing"
		}
	}
	return ""
}

// finishData checks the rule over several fields.
func (e *Event) finishData(r *row) string {
	if r.finish == nil {
		return ""
	}
	return r.finish(e)
}

// A splitter divides data, and copies it without white space.
type splitter struct {
	public   []byte // from its { on
	personal []byte // nil while there is nothing personal
	members  bool   // personal has reached its data's members
}

// startPersonal writes the attributes that are personal.
func (s *splitter) startPersonal(env *envelope) {
	if schema := env.known[attrSchema]; schema.given {
		s.personal = append(s.personal, `{"dataschema":`...)
		s.personal = quote(s.personal, schema.text)
	}
	if len(env.extensions) == 0 {
		return
	}
	s.openPersonal()
	s.personal = append(s.personal, `"extensions":{`...)
	for i, x := range env.extensions {
		if i > 0 {
			s.personal = append(s.personal, ',')
		}
		s.personal = quote(s.personal, x.name)
		s.personal = append(s.personal, ':')
		s.personal, _ = compact(s.personal, x.value)
	}
	s.personal = append(s.personal, '}')
}

// openPersonal begins the next member of personal.
func (s *splitter) openPersonal() {
	if s.personal == nil {
		s.personal = append(s.personal, '{')
		return
	}
	s.personal = append(s.personal, ',')
}

// add copies a member to where it belongs, and returns the rule that every field
// of data has to keep. f is nil for a member that the type doesn't name.
func (s *splitter) add(name, value []byte, f *field) string {
	dst := &s.public
	if f == nil || f.personal {
		if !s.members {
			s.openPersonal()
			s.personal = append(s.personal, `"data":{`...)
			s.members = true
		}
		dst = &s.personal
	}
	if last := (*dst)[len(*dst)-1]; last != '{' {
		*dst = append(*dst, ',')
	}
	if hasNUL(name) {
		return "data must not have U+0000 in a key"
	}
	*dst = append(append(*dst, name...), ':')
	var found flaw
	if *dst, found = compact(*dst, value); found != flawless {
		return fieldLabel(name) + " " + string(found)
	}
	return ""
}

// finish returns both parts.
func (s *splitter) finish() (public, personal []byte) {
	if s.members {
		s.personal = append(s.personal, '}')
	}
	if s.personal != nil {
		s.personal = append(s.personal, '}')
	}
	return append(s.public, '}'), s.personal
}

// fieldLabel names a field in a message. What a field is called that no type
// names is the publisher's choice and personal like its value, and messages stand
// in logs.
func fieldLabel(name []byte) string {
	text := textOf(name)
	for i := range catalogue.rows {
		if _, f := catalogue.rows[i].field(text); f != nil {
			return f.name
		}
	}
	return "a field that no type names"
}
