// These tests hold that files as other tools write them go in, with at most a
// mapping. The people in them are invented; the columns are those of the tools'
// exports.

package accounts

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"boxoffice/accounts/spreadsheet"
)

// A toolsFile is an export of a tool, and what comes of it.
type toolsFile struct {
	name, mapping, charset string
	unknown                UnknownColumns
	lines                  []string
	want                   []string
}

var toolsFiles = []toolsFile{
	{name: "Ghost",
		mapping: `{"name":"custom.name","note":null,"subscribed_to_emails":null,"complimentary_plan":null,"stripe_customer_id":"custom.stripe","deleted_at":null,"labels":"custom.labels","tiers":null}`,
		lines: []string{"id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels,tiers",
			`65a1b2c3d4e5f60718293a4b,nora@example.org,Nora Lind,,true,false,cus_1,2024-01-12T21:40:00.000Z,,"vip,press",Gold`},
		want: []string{`65a1b2c3d4e5f60718293a4b nora@example.org - - - 2024-01-12T21:40:00Z {"labels":"vip,press","name":"Nora Lind","stripe":"cus_1"}`}},
	{name: "Mailchimp",
		mapping: `{"Address":null,"Phone Number":null,"MEMBER_RATING":null,"OPTIN_TIME":null,"OPTIN_IP":null,"CONFIRM_TIME":"registered_at","CONFIRM_IP":null,"LATITUDE":null,"LONGITUDE":null,"GMTOFF":null,"DSTOFF":null,"TIMEZONE":null,"CC":"country","REGION":null,"LAST_CHANGED":null,"LEID":null,"EUID":null,"NOTES":null,"TAGS":"custom.tags"}`,
		lines: []string{`"Email Address","First Name","Last Name",Address,"Phone Number",MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED,LEID,EUID,NOTES,TAGS`,
			`omar@example.org,Omar,Haddad,,,2,,,"2023-05-06 07:08:09",192.0.2.1,48.8,2.3,1,2,Europe/Paris,FR,75,"2023-05-06 07:08:09",1,a1,,"""a"",""b"""`},
		want: []string{`made omar@example.org Omar Haddad FR 2023-05-06T07:08:09Z {"tags":"\"a\",\"b\""}`}},
	{name: "Stripe",
		mapping: `{"Description":null,"Name":"custom.name","Card ID":null,"Card Address Country":"country","Currency":null,"Delinquent":"custom.delinquent","Plan":"custom.plan"}`,
		lines: []string{"id,Description,Email,Name,Created (UTC),Card ID,Card Address Country,Currency,Delinquent,Plan,Status",
			`cus_NffrFeUfNV2Hib,,pia@example.org,Pia Berg,2024-03-09 10:20,card_1,DE,eur,false,price_1,active`},
		want: []string{`cus_NffrFeUfNV2Hib pia@example.org - - DE 2024-03-09T10:20:00Z {"delinquent":"false","name":"Pia Berg","plan":"price_1"}`}},
	{name: "Shopify",
		mapping: `{"Accepts Email Marketing":null,"Default Address Company":null,"Default Address Country Code":"country","Phone":null,"Accepts SMS Marketing":null,"Total Spent":"custom.spent","Total Orders":null,"Note":null,"Tax Exempt":null,"Tags":null}`,
		lines: []string{"Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,Default Address Country Code,Phone,Accepts SMS Marketing,Total Spent,Total Orders,Note,Tax Exempt,Tags",
			`6940095564057,Quentin,Roux,quentin@example.org,yes,,FR,'+33612345678,no,49.90,2,,no,`},
		want: []string{`6940095564057 quentin@example.org Quentin Roux FR - {"spent":"49.90"}`}},
	{name: "Substack", unknown: IgnoreUnknown,
		lines: []string{"email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at",
			`rosa@example.org,true,2025-01-01T00:00:00.000Z,yearly,false,2022-12-31T23:59:59.500Z,`},
		want: []string{`made rosa@example.org - - - 2022-12-31T23:59:59.5Z {}`}},
	{name: "Vimeo OTT",
		mapping: `{"Name":null,"Plan":"custom.plan","Frequency":null,"Promotion Code":null,"Marketing Opt In":null,"State":null}`,
		lines: []string{"Customer ID,Name,First Name,Last Name,Email,Status,Plan,Frequency,Promotion Code,Created,Country,State,Platform,Marketing Opt In",
			`771234,Sven Ek,Sven,Ek,sven@example.org,enabled,standard,monthly,,2021-07-01T08:00:00Z,Sweden,,ios,Yes`},
		want: []string{`771234 sven@example.org Sven Ek Sweden 2021-07-01T08:00:00Z {"plan":"standard"}`}},
	{name: "WordPress",
		mapping: `{"user_login":"custom.login","user_registered":"registered_at","display_name":null,"role":null,"user_url":null}`,
		lines: []string{"ID;user_login;user_email;user_url;user_registered;display_name;first_name;last_name;role",
			`42;tove;tove@example.org;;2020-02-29 12:00:00;Tove;Tove;Å;subscriber`},
		want: []string{`42 tove@example.org Tove Å - 2020-02-29T12:00:00Z {"login":"tove"}`}},
	{name: "Steady", charset: "windows-1250",
		mapping: `{"plan-name":"custom.plan","subscribed-at":"registered_at","monthly-amount":null}`,
		lines: []string{"email;first-name;last-name;country;plan-name;subscribed-at;monthly-amount",
			"urs@example.org;Urs;Tu\xf9ek;DE;Supporter;2023-01-02 03:04:05 +0100;500"},
		want: []string{`made urs@example.org Urs Tuůek DE 2023-01-02T02:04:05Z {"plan":"Supporter"}`}},
	{name: "beehiiv", unknown: CustomUnknown,
		lines: []string{"Email,Status,Tier,Created At,UTM Source",
			`vera@example.org,active,free,2024-04-01 10:00:00 UTC,newsletter`},
		want: []string{`made vera@example.org - - - 2024-04-01T10:00:00Z {"Tier":"free","UTM Source":"newsletter"}`}},
	{name: "Curated",
		mapping: `{"Name":"custom.name","Subscribed At":"registered_at","Source":null}`,
		lines: []string{"Email Address\tName\tSubscribed At\tSource",
			"wim@example.org\tWim\t2019-09-09T09:09+02\tweb"},
		want: []string{`made wim@example.org - - - 2019-09-09T07:09:00Z {"name":"Wim"}`}},
	{name: "pandas", mapping: `{"":null}`,
		lines: []string{",email,date joined,surname", `0,xena@example.org,2024-03-01 10:20:30.123456+00:00,Yu`},
		want:  []string{`made xena@example.org - Yu - 2024-03-01T10:20:30.123456Z {}`}},
	{name: "PostgreSQL", lines: []string{"user_id|e-mail|registered_at|language|given_name", `7|zoe@example.org|1900-02-01 00:09:21+00:09:21|fr|Zoé`},
		want: []string{`7 zoe@example.org Zoé - - 1900-02-01T00:00:00Z {}`}},
}

func (f *toolsFile) options(t *testing.T) ImportOptions {
	t.Helper()
	o := ImportOptions{Charset: f.charset, Unknown: f.unknown}
	if f.mapping != "" {
		var err error
		if o.Mapping, err = ReadMapping(f.mapping); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

func TestImportOfOtherToolsFiles(t *testing.T) {
	for _, f := range toolsFiles {
		t.Run(f.name, func(t *testing.T) {
			platform := &memoryPlatform{t: t}
			o := f.options(t)
			for again, want := range []string{"%d rows: %[1]d created, 0 updated, 0 unchanged", "%d rows: 0 created, 0 updated, %[1]d unchanged"} {
				o.DryRun = false
				result, err := platform.service().tryImport(strings.NewReader(strings.Join(f.lines, "\r\n")+"\r\n"), o)
				if err != nil {
					t.Fatal(err)
				}
				if got := inALine(result); got != fmt.Sprintf(want, len(f.lines)-1) {
					t.Errorf("time %d: %s", again+1, got)
				}
			}
			if diff := cmp.Diff(f.want, platform.people()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// people are the users in lines: id, e-mail, names, country, registration and custom.
func (p *memoryPlatform) people() []string {
	var lines []string
	for id, u := range p.users {
		if len(id) == 36 {
			id = "made"
		}
		profile := u.Profile()
		line := []string{id}
		for _, name := range []string{"email", "first_name", "last_name", "country"} {
			if text := profileText(&profile, name); text != nil {
				line = append(line, *text)
			} else {
				line = append(line, "-")
			}
		}
		registered := "-"
		if at := u.RegisteredAt(); at != nil && u.Profile().Email != nil && at.String() != clockTime {
			registered = at.String()
		}
		lines = append(lines, strings.Join(append(line, registered, string(profile.Custom)), " "))
	}
	slices.Sort(lines)
	return lines
}

const clockTime = "2026-11-23T12:00:00Z"

// What is wrong with columns is told in sentences, each column once.
func TestImportColumns(t *testing.T) {
	const unknownEnds = `: say with a mapping which field each is, or null to leave it out; or leave all of them out (unknown=ignore), or keep them as custom fields (unknown=custom)`
	for header, test := range map[string]struct {
		mapping string
		unknown UnknownColumns
		want    string
	}{
		"email,Plan,Nick name":         {want: `unknown columns "Plan", "Nick name"` + unknownEnds},
		"name,email":                   {want: `unknown column "name"` + unknownEnds},
		"email,E-Mail":                 {want: `columns "email", "E-Mail" are all email: map all but one to null, or to another field`},
		"email,a":                      {mapping: `{"a":"email"}`, want: `columns "email", "a" are all email: map all but one to null, or to another field`},
		"email,a, a":                   {unknown: CustomUnknown, want: `columns "a", " a" are all custom.a: map all but one to null, or to another field`},
		"email,country,country_code":   {want: `columns "country", "country_code" are all country: map all but one to null, or to another field`},
		"email,first":                  {mapping: `{"b":null,"a":null}`, want: `the file has no columns "a", "b", which the mapping names`},
		"id,first":                     {want: `no column is the e-mail: name one email, or map one to it`},
		"email,,first":                 {want: `no name stands above column 2: name it, delete it, or leave out what isn't known (unknown=ignore)`},
		"email,custom.a,custom.A":      {},
		"email,CUSTOM.a,Status":        {},
		"email,,x":                     {unknown: IgnoreUnknown},
		"email,x, y ":                  {unknown: CustomUnknown},
		"email,custom.a,\"custom.a \"": {},
	} {
		o := ImportOptions{DryRun: true, Unknown: test.unknown}
		if test.mapping != "" {
			var err error
			if o.Mapping, err = ReadMapping(test.mapping); err != nil {
				t.Fatal(err)
			}
		}
		_, err := (&memoryPlatform{t: t}).service().tryImport(strings.NewReader(header+"\n"), o)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s: %s\nand not %s", header, got, test.want)
		}
	}
	for _, bad := range []string{`[]`, `null`, `{"a":1}`, `{"a":"nick"}`, `{"a":"custom."}`, `{"a":"status"}`, `{"a":"custom"}`, `{"a":null,"a":"id"}`, `{`, `{} {}`} {
		if _, err := ReadMapping(bad); err == nil {
			t.Errorf("%s is a mapping", bad)
		}
	}
}

// What each column was taken for is told.
func TestImportTellsColumns(t *testing.T) {
	s := (&memoryPlatform{t: t}).service()
	o := ImportOptions{DryRun: true, Unknown: CustomUnknown, Mapping: Mapping{"Plan": "custom.tier", "Notes": ""}}
	m, err := s.service.OpenImport(t.Context(), strings.NewReader("User ID,Email-Address,Plan,Notes,Shoe size ,updated_at,Created (UTC),custom. k \n"), o)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(t.Context())
	want := []ImportColumn{{Name: "User ID", Field: "id"}, {Name: "Email-Address", Field: "email"}, {Name: "Plan", Field: "custom.tier"}, {Name: "Notes"},
		{Name: "Shoe size ", Field: "custom.Shoe size"}, {Name: "updated_at"}, {Name: "Created (UTC)", Field: "registered_at"}, {Name: "custom. k ", Field: "custom. k "}}
	if diff := cmp.Diff(want, m.Columns()); diff != "" {
		t.Error(diff)
	}
}

// Where the columns aren't clear, the error has them.
func TestImportTellsUnclearColumns(t *testing.T) {
	_, err := (&memoryPlatform{t: t}).service().tryImport(strings.NewReader("email,Plan,first,given name,country\n"), ImportOptions{})
	unclear, ok := errors.AsType[*ColumnsError](err)
	if !ok {
		t.Fatal(err)
	}
	want := []ImportColumn{{Name: "email", Field: "email"}, {Name: "Plan", Unclear: true}, {Name: "first", Field: "first_name", Unclear: true},
		{Name: "given name", Field: "first_name", Unclear: true}, {Name: "country", Field: "country"}}
	if diff := cmp.Diff(want, unclear.Columns); diff != "" {
		t.Error(diff)
	}
}

// registered_at is read in the forms in which programs write it.
func TestImportTimes(t *testing.T) {
	paris := (&memoryPlatform{t: t}).service().service.calendar()
	paris.Zone = mustZone(t, "Europe/Paris")
	for text, want := range map[string]string{
		"2024-03-01T10:20:30Z": "2024-03-01T10:20:30Z", "2024-03-01t10:20:30.5z": "2024-03-01T10:20:30.5Z", "2024-03-01T10:20Z": "2024-03-01T10:20:00Z",
		"2024-03-01 10:20:30+01": "2024-03-01T09:20:30Z", "2024-03-01 10:20:30 +0100": "2024-03-01T09:20:30Z", "2024-03-01 10:20:30 -05:30": "2024-03-01T15:50:30Z",
		"2024-03-01 10:20:30 UTC": "2024-03-01T10:20:30Z", "2024-03-01 10:20:30.123456789+00": "2024-03-01T10:20:30.123456Z", "2024-03-01 10:20 +02:00": "2024-03-01T08:20:00Z",
		"1900-02-01 00:09:21+00:09:21": "1900-02-01T00:00:00Z", "2024-03-01": "2024-02-29T23:00:00Z", "2024-03-01 10:20:30": "2024-03-01T09:20:30Z",
		"2024-03-01  10:20": "2024-03-01T09:20:00Z", "2024-03-31 02:30": "2024-03-31T01:30:00Z", "2024-10-27 02:30": "2024-10-27T00:30:00Z",
	} {
		if r, err := parseRegistration(paris, text); err != nil || r.at.String() != want || !r.agrees(r.at) {
			t.Errorf("%q is %v, %v, not %s", text, r.at, err, want)
		}
	}
	for _, bad := range []string{"", "2024-02-30", "2024-03-01T25:00", "2024-03-01 10:20:30+25", "2024-03-01 10:20:30+01:60", "2024-03-01T10:20.5", "10:20", "01/02/2024", "1899-12-31", "1850-01-01", "45352.5", "2024-03-01 10:20:30 CET", "2024-03-01 +01:00"} {
		if r, err := parseRegistration(paris, bad); err == nil {
			t.Errorf("%q is %v", bad, r.at)
		}
	}
	twice, err := parseRegistration(paris, "2024-10-27 02:30:00")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{"2024-10-27T00:30:00Z": true, "2024-10-27T01:30:00Z": true, "2024-10-27T02:30:00Z": false, "2024-10-26T23:30:00Z": false} {
		r, err := parseRegistration(paris, text)
		if err != nil || twice.agrees(r.at) != want {
			t.Errorf("02:30 is said to agree with %s: %v, %v", text, !want, err)
		}
	}
}

// A file of another kind is refused as what it is, and an unknown charset, too.
func TestImportOfOtherKinds(t *testing.T) {
	for file, want := range map[string]string{
		"<!DOCTYPE html><html><body>Sign in": "HTML", "\x1f\x8b\x08\x00\x00": "gzip", "%PDF-1.7": "PDF", `[{"email":"a@b"}]`: "JSON", "i\x00d\x00,\x00e\x00\n\x00": "UTF-16",
		"\x00e\x00m\x00a\x00i\x00l": "UTF-16", "<?xml version=\"1.0\"?><Workbook/>": "XML", "": "empty",
	} {
		_, err := (&memoryPlatform{t: t}).service().tryImport(strings.NewReader(file), ImportOptions{})
		if _, ok := errors.AsType[*spreadsheet.FormatError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, not %s", file, err, want)
		}
	}
	if _, err := (&memoryPlatform{t: t}).service().tryImport(strings.NewReader("email\n"), ImportOptions{Charset: "klingon"}); err == nil {
		t.Error("an unknown charset is read")
	}
}

// Two people whose e-mails are the same only after full case folding stay two.
func TestImportComparesEmailsLetterByLetter(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.mustCreate(`{"id":"one","email":"Straße@example.org"}`)
		w.comesTo(lines("email,first_name", "STRASSE@example.org,Two", "STRAẞE@example.org,One"), false, "2 rows: 1 created, 1 updated, 0 unchanged")
		w.comesTo(lines("email", "strasse@example.org", "straße@example.org"), false, "2 rows: 0 created, 0 updated, 2 unchanged")
		if got := w.mustUser("one").Profile; *got.Email != "Straße@example.org" || *got.FirstName != "One" {
			t.Errorf("one is %s, %s", *got.Email, *got.FirstName)
		}
	})
}
