// This file is the form of a user: making one, and editing their profile. Only
// what was changed in the form is sent, so two who edit at the same time don't
// undo each other's changes.

package console

import (
	"cmp"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"boxoffice/access"
	"boxoffice/accounts"
	"boxoffice/domain"
	"boxoffice/projections"
)

// A userForm is what the form shows.
type userForm struct {
	CSRF string
	// ID is that of the user who is edited; empty for a new one.
	ID, Name string
	// Made is the id that a new user gets who is given none: the same however
	// often the form is sent, so that it makes one user.
	Made    string
	Action  string
	UserID  formField
	Profile []formField
	Custom  []customField
	// Wrong is what is wrong with it, in the order of the form.
	Wrong []formFault
	// Trouble is why it couldn't be saved, where nothing is wrong with it.
	Trouble template.HTML
}

// A formField is one field: what was there when the form was made, what is
// there now, and what is wrong with it.
type formField struct {
	Name, Label string
	Was, Value  string
	Wrong       string
	// Own says that Wrong is in the reader's language, and not the rule of an event.
	Own bool
	// Taken is who has the id already.
	Taken string
}

// At is the id of the field's element.
func (f formField) At() string { return "f-" + f.Name }

// A customField is one of the platform's own fields.
type customField struct {
	N          int
	Key, Value string
	// Was is the value that was there, as it was shown; Old says that the user had
	// the field when the form was made.
	Was string
	Old bool
	// JSON says that the value isn't a text, but written as JSON.
	JSON  bool
	Wrong string
	// Own says that Wrong is in the reader's language, and not the rule of an event.
	Own bool
}

// At is the id of the field's element.
func (f customField) At() string { return "c-" + strconv.Itoa(f.N) }

// A formFault is one thing that is wrong: where, and what.
type formFault struct {
	At, Label string
	Text      template.HTML
}

// profileNames are the fields of a profile in the order of the form.
var profileNames = []string{"email", "first_name", "last_name", "locale", "country", "platform"}

// maxCustomRows is how many custom fields a form has at most.
const maxCustomRows = 1000

func (v *visit) newUser() (*answer, error) {
	f := &userForm{CSRF: v.token(), Made: accounts.NewUserID(), Action: "/users/new", UserID: formField{Name: "id", Label: "field.id"}, Custom: []customField{{}}}
	for _, name := range profileNames {
		f.Profile = append(f.Profile, formField{Name: name, Label: "field." + name})
	}
	return v.userFormPage(f, http.StatusOK), nil
}

func (v *visit) editUser() (*answer, error) {
	u, err := v.userToEdit()
	if err != nil {
		return nil, err
	}
	f := &userForm{CSRF: v.token(), ID: u.ID, Name: fullName(u), Action: userPath(u.ID) + "/edit"}
	values := map[string]*string{
		"email": u.Profile.Email, "first_name": u.Profile.FirstName, "last_name": u.Profile.LastName,
		"locale": u.Profile.Locale, "country": u.Profile.Country, "platform": u.Profile.Platform,
	}
	for _, name := range profileNames {
		value := orEmpty(values[name])
		f.Profile = append(f.Profile, formField{Name: name, Label: "field." + name, Was: value, Value: value})
	}
	custom := customOf(u)
	for _, p := range customParams(u) {
		text, isJSON := editable(custom[p.Name])
		f.Custom = append(f.Custom, customField{N: len(f.Custom), Key: p.Name, Value: text, Was: text, Old: true, JSON: isJSON})
	}
	f.Custom = append(f.Custom, customField{N: len(f.Custom)})
	return v.userFormPage(f, http.StatusOK), nil
}

// userToEdit is the user whom the path names.
func (v *visit) userToEdit() (*projections.User, error) {
	id, ok := pathID(v.r)
	if !ok {
		return nil, errNoPage
	}
	detail, found, err := v.Reader.User(v.r.Context(), id, v.at)
	if err == nil && !found {
		err = projections.ErrNoUser
	}
	return &detail.User, err
}

// editable is a value of a custom field as it is edited: a text as it is, anything
// else as JSON.
func editable(value []byte) (text string, isJSON bool) {
	if json.Unmarshal(value, &text) == nil {
		return text, false
	}
	return string(value), true
}

func (v *visit) userFormPage(f *userForm, status int) *answer {
	title := v.T("users.new")
	if f.ID != "" {
		title = v.T("form.edit", "name", f.Name)
	}
	for i := range f.Custom {
		f.Custom[i].N = i
	}
	return &answer{template: "user-form", title: title, data: f, status: status}
}

func (v *visit) createUser() (*answer, error) {
	f := v.readUserForm("/users/new")
	f.Made = v.r.PostFormValue("made")
	if domain.ValidUserID(f.Made) != nil {
		return nil, errInput
	}
	f.UserID = formField{Name: "id", Label: "field.id", Value: entered(v.r.PostFormValue("id"))}
	if v.r.PostForm.Has("more") {
		f.Custom = append(f.Custom, customField{})
		return v.userFormPage(f, http.StatusOK), nil
	}
	id := cmp.Or(f.UserID.Value, f.Made)
	if err := domain.ValidUserID(id); err != nil {
		f.UserID.Wrong = err.Error()
	}
	profile, err := f.changes()
	if err != nil || f.UserID.Wrong != "" {
		return v.wrongUserForm(f), nil
	}
	_, err = v.Accounts.Create(v.r.Context(), id, profile)
	access.About(v.r.Context(), id) // now that there is a pseudonym
	if errors.Is(err, accounts.ErrTaken) {
		if id == f.Made { // the form was sent twice
			return saved(id, "1"), nil
		}
		f.UserID.Wrong, f.UserID.Own, f.UserID.Taken = v.T("form.taken"), true, id
		return v.wrongUserForm(f), nil
	}
	return v.savedUser(f, id, err)
}

func (v *visit) changeUser() (*answer, error) {
	u, err := v.userToEdit()
	if err != nil {
		return nil, err
	}
	f := v.readUserForm(userPath(u.ID) + "/edit")
	f.ID, f.Name = u.ID, fullName(u)
	if v.r.PostForm.Has("more") {
		f.Custom = append(f.Custom, customField{})
		return v.userFormPage(f, http.StatusOK), nil
	}
	profile, err := f.changes()
	if err != nil {
		return v.wrongUserForm(f), nil
	}
	_, err = v.Accounts.Edit(v.r.Context(), u.ID, profile)
	return v.savedUser(f, u.ID, err)
}

// savedUser goes on to the user's page, or shows why not.
func (v *visit) savedUser(f *userForm, id string, err error) (*answer, error) {
	invalid, isInvalid := errors.AsType[*accounts.InvalidError](err)
	unavailable, isUnavailable := errors.AsType[*accounts.UnavailableError](err)
	switch {
	case err == nil:
		return saved(id, "1"), nil
	case errors.Is(err, accounts.ErrNoUser):
		return nil, projections.ErrNoUser
	case errors.Is(err, accounts.ErrTooLarge):
		f.Wrong = append(f.Wrong, formFault{Text: v.H("form.too-large")})
		return v.wrongUserForm(f), nil
	case isInvalid:
		for _, fault := range invalid.Faults {
			f.Wrong = append(f.Wrong, formFault{Text: v.english(fault.Message)})
		}
		return v.wrongUserForm(f), nil
	case isUnavailable && unavailable.Stored == accounts.StoredSafely:
		return saved(id, "soon"), nil
	case isUnavailable:
		f.Trouble = v.told(err)
		return v.userFormPage(f, http.StatusServiceUnavailable), nil
	}
	return nil, err
}

// saved goes to a user's page, which says so.
func saved(id, how string) *answer {
	return &answer{redirect: userPath(id) + queryText(url.Values{"saved": {how}})}
}

// wrongUserForm shows the form again, with all that is wrong with it at its head.
func (v *visit) wrongUserForm(f *userForm) *answer {
	whole := f.Wrong
	f.Wrong = nil
	for _, field := range append(slices.Clone(f.Profile), f.UserID) {
		if field.Wrong != "" {
			f.Wrong = append(f.Wrong, formFault{field.At(), v.T(field.Label), v.wrong(field.Wrong, field.Own)})
		}
	}
	for i := range f.Custom {
		f.Custom[i].N = i
		if c := &f.Custom[i]; c.Wrong != "" {
			if c.Wrong == noKey || c.Wrong == twice {
				c.Wrong, c.Own = v.T(c.Wrong), true
			}
			f.Wrong = append(f.Wrong, formFault{c.At(), cmp.Or(c.Key, v.T("form.custom.one", "n", v.Int(int64(i+1)))), v.wrong(c.Wrong, c.Own)})
		}
	}
	f.Wrong = append(f.Wrong, whole...)
	return v.userFormPage(f, http.StatusUnprocessableEntity)
}

// readUserForm reads what was sent, as it was entered.
func (v *visit) readUserForm(action string) *userForm {
	f := &userForm{CSRF: v.token(), Action: action}
	for _, name := range profileNames {
		f.Profile = append(f.Profile, formField{
			Name: name, Label: "field." + name,
			Was: oneLine(v.r.PostFormValue("was." + name)), Value: oneLine(v.r.PostFormValue(name)),
		})
	}
	form := v.r.PostForm
	at := func(name string, i int) string {
		if all := form[name]; i < len(all) {
			return strings.ToValidUTF8(all[i], "\uFFFD")
		}
		return ""
	}
	for i := range min(len(form["custom_key"]), maxCustomRows) {
		f.Custom = append(f.Custom, customField{
			Key: at("custom_key", i), Value: oneLine(at("custom_value", i)), Was: oneLine(at("custom_was", i)),
			Old: at("custom_old", i) == "1", JSON: at("custom_kind", i) == "json",
		})
	}
	return f
}

// oneLine is a text as a field of one line has it.
func oneLine(text string) string {
	return strings.NewReplacer("\r", "", "\n", "").Replace(strings.ToValidUTF8(text, "\uFFFD"))
}

// entered is a text as it was meant: blanks around it come from copying.
func entered(text string) string { return strings.TrimSpace(oneLine(text)) }

// The faults of rows of custom fields that no rule of events has; keys of texts.
const noKey, twice = "form.custom.no-key", "form.custom.twice"

var errWrongForm = errors.New("the form has something wrong in it")

// changes are what the form changes. Its error says that something is wrong,
// which stands at the fields then.
func (f *userForm) changes() (accounts.Profile, error) {
	var fields []accounts.Field
	wrong := false
	for i := range f.Profile {
		field := &f.Profile[i]
		if entered(field.Value) == entered(field.Was) {
			continue
		}
		value := jsontext.Value("null")
		if text := entered(field.Value); text != "" {
			value = quoted(text)
		}
		one := accounts.Field{Name: field.Name, Value: value}
		field.Wrong = fault(one)
		wrong = wrong || field.Wrong != ""
		fields = append(fields, one)
	}
	custom := f.customChanges()
	for i := range f.Custom {
		wrong = wrong || f.Custom[i].Wrong != ""
	}
	if wrong {
		return accounts.Profile{}, errWrongForm
	}
	if len(custom) > 0 {
		value, err := json.Marshal(custom, json.Deterministic(true))
		if err != nil {
			return accounts.Profile{}, err
		}
		fields = append(fields, accounts.Field{Name: "custom", Value: value})
	}
	return accounts.ReadProfile(fields)
}

// customChanges are the custom fields that the form changes; a value that was
// taken away is null.
func (f *userForm) customChanges() map[string]jsontext.Value {
	changes, seen := map[string]jsontext.Value{}, map[string]bool{}
	for i := range f.Custom {
		c := &f.Custom[i]
		if !c.Old {
			c.Key = entered(c.Key)
		}
		value := entered(c.Value)
		switch {
		case c.Key == "" && value == "" && !c.Old:
			continue
		case c.Key == "" && !c.Old:
			c.Wrong = noKey
			continue
		case seen[c.Key]:
			c.Wrong = twice
			continue
		}
		seen[c.Key] = true
		if value == entered(c.Was) {
			continue
		}
		change := jsontext.Value("null")
		switch {
		case value != "" && c.JSON:
			change = jsontext.Value(value)
		case value != "":
			change = quoted(value)
		}
		if !change.IsValid() {
			c.Wrong = "must be JSON"
			continue
		}
		one, err := json.Marshal(map[string]jsontext.Value{c.Key: change})
		if err == nil {
			c.Wrong = fault(accounts.Field{Name: "custom", Value: one})
		}
		changes[c.Key] = change
	}
	return changes
}

// fault is the rule that a field breaks; empty for none.
func fault(f accounts.Field) string {
	_, err := accounts.ReadProfile([]accounts.Field{f})
	if invalid, ok := errors.AsType[*accounts.InvalidError](err); ok {
		return invalid.Faults[0].Message
	}
	return ""
}

// quoted is a text as JSON.
func quoted(text string) jsontext.Value {
	value, err := jsontext.AppendQuote(nil, text)
	if err != nil { // it is UTF-8 by now
		panic(err)
	}
	return value
}
