package domain_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/domain"
)

// TestAttributes defends the rules of the envelope's attributes, each as a JSON
// text in structured mode.
func TestAttributes(t *testing.T) {
	long := func(n int) string { return `"` + strings.Repeat("x", n) + `"` }
	cases := []struct {
		name string
		good []string
		bad  []string // "" takes the attribute away
	}{
		{"specversion", []string{`"1.0"`, `"\u0031.0"`}, []string{"", `null`, `1.0`, `"1.1"`, `"1"`, `"0.3"`, `""`}},
		{"id", []string{`"1"`, long(255), `" "`, `"é\u2028\u00a0"`},
			[]string{"", `null`, `""`, long(256), `"` + strings.Repeat("é", 128) + `"`, `5`, `true`, `["e"]`, `{}`, `"a\u0000b"`,
				`"é\n"`, `"\t"`, `"a\u001f"`, `"a\u007f"`, `"a\u0085"`, `"a\u009f"`}},
		{"source", []string{`"/"`, `"/a/b"`, `"platform"`, `"urn:platform:fr"`, `"https://ana@example.org:8080/a?b=c#d"`,
			`"//host/a"`, `"#frag"`, `"?q"`, `"a%20b"`, `"https://[2001:db8::1]:443/"`, `"mailto:x@example.org"`, `"./a:b"`,
			`"http://[v7.a:b]/"`, long(255)},
			[]string{"", `null`, `""`, long(256), `7`, `"a b"`, `"é"`, `"%zz"`, `"a%2"`, `"1:2"`, `":"`, `"a\\b"`, `"<a>"`, `"a#b#c"`,
				`"http://[::1/"`, `"http://a:b/"`, `"http://[fe80::1%25eth0]/"`, `"http://a[b]/"`, `"a\u0000"`, `"a|b"`, `"x^y"`, `"/[a]"`}},
		{"type", []string{`"playback.progressed"`, `"playback\u002eprogressed"`},
			[]string{"", `null`, `""`, `5`, `["playback.progressed"]`, `{}`, `"playback.progressed\u0000"`}},
		{"subject", []string{`"auth0|5f7c"`, `"ana@example.org"`, `"10293"`, `" "`, `"..."`, `"a/b"`, `"😀"`, long(128), `"\u00a0"`},
			[]string{"", `null`, `""`, `"."`, `".."`, long(129), `"` + strings.Repeat("é", 65) + `"`, `"a\nb"`, `"a\tb"`, `"a\u0000"`,
				`"a\u007f"`, `"a\u0085"`, `10293`, `["ana"]`}},
		{"time", []string{`"2026-11-23T11:00:00Z"`, `"2026-11-23t11:00:00.5+01:30"`},
			[]string{"", `null`, `""`, `1795431600`, `"2026-11-23"`, `"2026-11-23T11:00:00"`, `"2026-11-23T11:00:60Z"`,
				`"2016-12-31T23:59:60Z"`, `"1899-12-31T23:59:59Z"`, `"2026-11-23T11:00:00Z\u0000"`}},
		{"datacontenttype", []string{"", `null`, `"application/json"`, `"APPLICATION/Json; Charset=UTF-8"`, `"application/json;"`, `"application/json ; x=\"y\""`},
			[]string{`""`, `"text/plain"`, `"application/cloudevents+json"`, `"application/jsonp"`, `"application/json charset=utf-8"`, `5`, `true`}},
		{"dataschema", []string{"", `null`, `"https://example.org/schema"`}, []string{`5`, `{}`, `"a\u0000"`}},
		{"ext", []string{`null`, `"x"`, `""`, `true`, `false`, `0`, `-0`, `5.0`, `1e2`, `2147483647`, `-2147483648`},
			[]string{`{}`, `[]`, `["x"]`, `1.5`, `2147483648`, `-2147483649`, `1e31`, `0e31`, `"a\u0000b"`, `0.` + strings.Repeat("0", 39)}},
		{"myext2", []string{`"x"`}, nil},
		{"Ext", nil, []string{`"x"`, `null`}},
		{"my_ext", nil, []string{`"x"`}},
		{"my-ext", nil, []string{`"x"`}},
		{"é", nil, []string{`"x"`}},
		{"", nil, []string{`"x"`}},
		{`a\u0000`, nil, []string{`"x"`}},
		{"Subject", nil, []string{`"bob"`}},
	}
	for _, c := range cases {
		for _, value := range c.good {
			t.Run(c.name+"="+value, func(t *testing.T) {
				accepted(t, progressDraft().set(c.name, value).structured())
			})
		}
		for _, value := range c.bad {
			t.Run(c.name+"="+value, func(t *testing.T) {
				m := progressDraft().set(c.name, value).structured()
				r := refused(t, m, domain.InvalidAttribute)
				if name := strings.ToLower(c.name); len(name) > 3 && c.good != nil && !strings.Contains(r.Message, name) {
					t.Errorf("the message doesn't name %s: %s", c.name, r.Message)
				}
			})
		}
	}
}

// TestBinaryAttributes defends: headers are attributes whatever their case,
// unquoted and percent-decoded once.
func TestBinaryAttributes(t *testing.T) {
	m := &domain.Message{Binary: true, NATSSubject: "boxoffice.events.user.updated", Body: []byte(` {"email": "a"} `), Attributes: []domain.Attribute{
		{Name: "Specversion", Value: "1.0"},
		{Name: "ID", Value: "a%2525"},
		{Name: "source", Value: "%2Fplatform"},
		{Name: "type", Value: `"user.updated"`},
		{Name: "subject", Value: "Euro%20%E2%82%ac%20%F0%9F%98%80"},
		{Name: "time", Value: "2026-11-23T11:00:00%2B00:00"},
		{Name: "datacontenttype", Value: "application/json; charset=utf-8"},
		{Name: "DataContentType", Value: "application%2Fjson"},
		{Name: "dataschema", Value: `"a \"b\" \\c"`},
		{Name: "N", Value: "5"},
		{Name: "raw", Value: "é"},
		{Name: "empty", Value: ""},
		{Name: "half", Value: `"a" "b"`},
		{Name: "open", Value: `"a\"`},
	}}
	e := accepted(t, m)
	got := string(e.MarshalCloudEvent())
	want := `{"specversion":"1.0","id":"a%25","source":"/platform","type":"user.updated","subject":"Euro € 😀","time":"2026-11-23T11:00:00Z",` +
		`"dataschema":"a \"b\" \\c","n":"5","raw":"é","empty":"","half":"\"a\" \"b\"","open":"\"a\\\"","data":{"email":"a"}}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestBinaryRefused defends the rules of binary mode.
func TestBinaryRefused(t *testing.T) {
	header := func(name, value string) *domain.Message {
		m := progressDraft().binary()
		m.Attributes = append(m.Attributes, domain.Attribute{Name: name, Value: value})
		return m
	}
	without := func(name string) *domain.Message {
		m := progressDraft().binary()
		for i, a := range m.Attributes {
			if a.Name == name {
				m.Attributes[i].Value = ""
			}
		}
		return m
	}
	body := func(body string) *domain.Message {
		m := progressDraft().binary()
		m.Body = []byte(body)
		return m
	}
	cases := []struct {
		name    string
		message *domain.Message
		reason  domain.Reason
	}{
		{"a header twice", header("id", "e-1"), domain.InvalidAttribute},
		{"a header twice in other case", header("Subject", "ana"), domain.InvalidAttribute},
		{"an extension twice", func() *domain.Message {
			m := header("ext", "1")
			m.Attributes = append(m.Attributes, domain.Attribute{Name: "Ext", Value: "1"})
			return m
		}(), domain.InvalidAttribute},
		{"no subject", without("subject"), domain.InvalidAttribute},
		{"no specversion", without("specversion"), domain.InvalidAttribute},
		{"a percent sign alone", header("ext", "50%"), domain.InvalidAttribute},
		{"a percent sign with one digit", header("ext", "%4"), domain.InvalidAttribute},
		{"a percent sign with no digits", header("ext", "%zz"), domain.InvalidAttribute},
		{"U+0000 in an extension", header("ext", "a%00"), domain.InvalidAttribute},
		{"a name with an underscore", header("my_ext", "a"), domain.InvalidAttribute},
		{"a name with a hyphen", header("content-type", "application/json"), domain.InvalidAttribute},
		{"no name", header("", "a"), domain.InvalidAttribute},
		{"data as a header", header("data", "{}"), domain.InvalidAttribute},
		{"data_base64 as a header", header("data_base64", "e30="), domain.InvalidAttribute},
		{"a text as data", header("datacontenttype", "text/plain"), domain.InvalidAttribute},
		{"invalid UTF-8 in a header", header("ext", "\xff"), domain.Malformed},
		{"invalid UTF-8 percent-encoded", header("ext", "%C0%A0"), domain.Malformed},
		{"a surrogate percent-encoded", header("ext", "%ED%A0%80"), domain.Malformed},
		{"a body with a key twice", body(`{"a":1,"a":1}`), domain.Malformed},
		{"a body with invalid UTF-8", body("{\"a\":\"\xff\"}"), domain.Malformed},
		{"a body with a lone surrogate", body(`{"a":"\ud800"}`), domain.Malformed},
		{"a body that isn't UTF-8", body("\xff\xfe"), domain.Malformed},
		{"a body that is too deep", body(`{"a":` + strings.Repeat("[", 9_001) + strings.Repeat("]", 9_001) + "}"), domain.Malformed},
		{"a body that is far too deep", body(`{"a":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + "}"), domain.Malformed},
		{"no body", body(""), domain.InvalidData},
		{"white space as a body", body(" "), domain.InvalidData},
		{"a body that isn't JSON", body("session_id=1"), domain.InvalidData},
		{"a body that is cut off", body(`{"session_id":"s-1"`), domain.InvalidData},
		{"two bodies", body(`{} {}`), domain.InvalidData},
		{"a body that is an array", body(`[]`), domain.InvalidData},
		{"a body that is null", body(`null`), domain.InvalidData},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { refused(t, c.message, c.reason) })
	}
}

// TestValidUserID defends the rule of users' ids where it stands alone.
func TestValidUserID(t *testing.T) {
	for s, ok := range map[string]bool{
		"ana": true, "a b": true, strings.Repeat("x", 128): true, "...": true, "é": true,
		"": false, ".": false, "..": false, strings.Repeat("x", 129): false, "a\x7f": false, "\u0080": false, "\xff": false,
	} {
		if err := domain.ValidUserID(s); (err == nil) != ok {
			t.Errorf("%q: %v", s, err)
		}
	}
}
