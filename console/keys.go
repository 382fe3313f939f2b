// This file is the API keys: listing them, making one, which is shown this once,
// and revoking one, which signs out whoever signed in with it.

package console

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"boxoffice/access"
	"boxoffice/access/apikeys"
	"boxoffice/domain"
)

// A keysPage is what the list shows, with the form for a new key.
type keysPage struct {
	AsOf asOf
	Rows []keyRow
	Form keyForm
}

// A keyRow is one key.
type keyRow struct {
	Name, Role string
	Types      string
	Made       domain.Instant
	Expires    *domain.Instant
	// State is good, expired or revoked.
	State string
	// Revoke is the address of the question before it is revoked; empty where it
	// was.
	Revoke string
}

// A keyForm is the form for a new key, with what was typed.
type keyForm struct {
	CSRF                 string
	Name, Types, Expires formField
	Role                 formField
	Roles                []option
	Wrong                []formFault
}

// A madeKey is what is shown of a key that was made.
type madeKey struct {
	AsOf asOf
	keyRow
	Key string
}

// A keyQuestion asks whether a key is to be revoked.
type keyQuestion struct {
	keyRow
	CSRF string
	// Own says that it is the one that the visitor signed in with.
	Own bool
}

func (v *visit) keys() (*answer, error) { return v.keysPage(v.keyForm(nil), http.StatusOK) }

func (v *visit) keysPage(f keyForm, status int) (*answer, error) {
	list, err := v.Keys.List(v.r.Context())
	if err != nil {
		return nil, err
	}
	p := &keysPage{AsOf: asOf{At: v.at}, Form: f}
	for i := len(list) - 1; i >= 0; i-- { // the latest first
		p.Rows = append(p.Rows, v.keyRow(&list[i]))
	}
	return &answer{template: "keys", title: v.T("keys.title"), data: p, status: status}, nil
}

func (v *visit) keyRow(k *apikeys.Key) keyRow {
	row := keyRow{
		Name: k.Name, Role: k.Role, Types: strings.Join(k.Types, ", "), Made: domain.InstantOf(k.CreatedAt), State: "good",
		Revoke: "/keys/revoke" + queryText(url.Values{"name": {k.Name}}),
	}
	if k.ExpiresAt != nil {
		end := domain.InstantOf(*k.ExpiresAt)
		row.Expires = &end
	}
	switch {
	case k.RevokedAt != nil:
		row.State, row.Revoke = "revoked", ""
	case !k.Good(v.at.Time()):
		row.State = "expired"
	}
	return row
}

// keyForm is the form with what was typed.
func (v *visit) keyForm(typed url.Values) keyForm {
	field := func(name string) formField {
		return formField{Name: name, Label: "keys." + name, Value: typed.Get(name)}
	}
	f := keyForm{CSRF: v.token(), Name: field("name"), Role: field("role"), Types: field("types"), Expires: field("expires")}
	for _, role := range access.Roles {
		f.Roles = append(f.Roles, option{string(role), "role." + string(role), string(role) == f.Role.Value})
	}
	return f
}

// fault notes what is wrong with a field.
func (f *keyForm) fault(name, label, text string) {
	for _, field := range []*formField{&f.Name, &f.Role, &f.Types, &f.Expires} {
		if field.Name == name {
			field.Wrong = text
			f.Wrong = append(f.Wrong, formFault{field.At(), label, said(text)})
		}
	}
}

func (v *visit) makeKey() (*answer, error) {
	typed := v.r.PostForm
	f := v.keyForm(typed)
	wanted := apikeys.Key{Name: strings.TrimSpace(typed.Get("name")), Role: typed.Get("role"), Types: splitTypes(typed.Get("types"))}
	err := access.CheckNewKey(&wanted, domain.Types())
	if err == nil {
		wanted.ExpiresAt, err = apikeys.ParseEnd(strings.TrimSpace(typed.Get("expires")), v.at.Time())
	}
	var key string
	var made apikeys.Key
	if err == nil {
		key, made, err = v.Keys.Make(v.r.Context(), wanted)
	}
	if field, text := v.keyFault(err, &wanted); field != "" {
		f.fault(field, v.T("keys."+field), text)
		return v.keysPage(f, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return nil, err
	}
	return &answer{template: "key-made", title: v.T("keys.made"), data: &madeKey{asOf{At: v.at}, v.keyRow(&made), key}}, nil
}

// keyFault is what an error says is wrong with which field; none where it is
// another error.
func (v *visit) keyFault(err error, k *apikeys.Key) (field, text string) {
	wrong, ok := errors.AsType[*apikeys.FieldError](err)
	switch {
	case errors.Is(err, apikeys.ErrNameTaken):
		return "name", v.T("keys.wrong.taken")
	case !ok:
		return "", ""
	case wrong.Field == "name" && access.Reserved(k.Name):
		return "name", v.T("keys.wrong.reserved")
	case wrong.Field == "types" && access.Role(k.Role) != access.Publisher:
		return "types", v.T("keys.wrong.types-role")
	}
	return wrong.Field, v.T("keys.wrong." + wrong.Field)
}

// splitTypes reads types that stand with commas or spaces between them; nil for none.
func splitTypes(text string) []string {
	types := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' })
	if len(types) == 0 {
		return nil
	}
	return types
}

// askRevoke asks before a key is revoked.
func (v *visit) askRevoke() (*answer, error) {
	k, err := v.keyNamed(v.r.URL.Query().Get("name"))
	if err != nil {
		return nil, err
	}
	q := &keyQuestion{v.keyRow(k), v.token(), k.Name == v.who.Name}
	return &answer{template: "key-revoke", title: v.T("keys.revoke.title", "name", k.Name), data: q}, nil
}

func (v *visit) revokeKey() (*answer, error) {
	k, err := v.keyNamed(v.r.PostFormValue("name"))
	if err != nil {
		return nil, err
	}
	if _, err := v.Keys.Revoke(v.r.Context(), k.Name); err != nil {
		return nil, err
	}
	return &answer{redirect: "/keys"}, nil
}

// keyNamed is the key of a name that isn't revoked yet.
func (v *visit) keyNamed(name string) (*apikeys.Key, error) {
	list, err := v.Keys.List(v.r.Context())
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].Name == name && list[i].RevokedAt == nil {
			return &list[i], nil
		}
	}
	return nil, errNoPage
}
