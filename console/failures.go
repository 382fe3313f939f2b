// This file is the pages that are shown where the one that was asked for can't be:
// not signed in, not allowed, not there, not now.

package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"boxoffice/access"
	"boxoffice/accounts"
	"boxoffice/projections"
)

var (
	// errNoPage is the error of an address at which there is nothing.
	errNoPage = errors.New("there is no such page")
	// errBroken is the error of a page whose making panicked.
	errBroken = errors.New("making the page panicked")
	// errForged is the error of a form that no page of the session has sent.
	errForged = errors.New("the form doesn't come from a page of the session")
	// errAdminsOnly is the error of what of a page is for admins only.
	errAdminsOnly = &access.Refusal{Kind: access.Forbidden, Reason: "this is for admins only"}
	// errInput is the error of parameters that mean nothing.
	errInput = errors.New("the address has a parameter that means nothing here")
)

// refuse answers what the gate doesn't let through: to the page for signing in,
// or with a page that says why not.
func (v *visit) refuse(err error) {
	refusal, ok := errors.AsType[*access.Refusal](err)
	if !ok {
		v.fail(err)
		return
	}
	switch refusal.Kind {
	case access.NoKey, access.BadKey:
		if v.page.stream {
			v.endStream()
		} else {
			v.toSignIn()
		}
	case access.Forbidden:
		may := v.mayAsk()
		if v.r.Method != http.MethodGet && may {
			v.fail(errForged)
			return
		}
		f := failure{Kind: "forbidden", What: "failure.forbidden." + v.page.nav, Who: v.who.Name, Role: string(v.who.Role), Roles: rolesOf(v.page.operation)}
		if errors.Is(err, errAdminsOnly) {
			f.What, f.Roles = "failure.forbidden.one-user", []access.Role{access.Admin}
		}
		v.write(&answer{template: "failure", status: http.StatusForbidden, title: v.T("failure.forbidden"), data: f})
	default:
		v.fail(refusal)
	}
}

// mayAsk says whether who is signed in may see the page, and notes who that is:
// then what was refused is the form.
func (v *visit) mayAsk() bool {
	look := v.r.Clone(v.r.Context())
	look.Method = http.MethodGet
	if credential, err := v.Browser.Authenticate(look); err == nil {
		v.who = credential.Identity
	}
	return v.who.May(v.page.operation)
}

// toSignIn goes to the page for signing in, and back from there to a page that
// can be come back to.
func (v *visit) toSignIn() {
	next := "/"
	if v.r.Method == http.MethodGet {
		next = v.r.URL.RequestURI()
	}
	address := "/signin?" + url.Values{"next": {next}}.Encode()
	if v.scripted() {
		v.w.Header().Set("HX-Redirect", address)
		v.w.WriteHeader(http.StatusNoContent)
		return
	}
	http.Redirect(v.w, v.r, address, http.StatusSeeOther)
}

// A failure is what such a page shows.
type failure struct {
	Kind string
	// What, Who, Role and Roles are of a page that a role may not see; What is the
	// key of a text.
	What, Who, Role string
	Roles           []access.Role
	// Address is where to look again.
	Address string
}

// fail answers with the page for an error.
func (v *visit) fail(err error) {
	f := failure{Kind: "broken", Address: v.r.URL.RequestURI()}
	status := http.StatusInternalServerError
	refusal, refused := errors.AsType[*access.Refusal](err)
	if refused && refusal.Kind == access.Forbidden {
		v.refuse(err)
		return
	}
	_, waiting := errors.AsType[*accounts.UnavailableError](err)
	switch {
	case errors.Is(err, errNoPage):
		f.Kind, status = "unknown", http.StatusNotFound
	case errors.Is(err, projections.ErrNoUser):
		f.Kind, status = "nobody", http.StatusNotFound
	case errors.Is(err, errForged):
		f.Kind, status = "forged", http.StatusForbidden
	case errors.Is(err, errInput):
		f.Kind, status = "input", http.StatusUnprocessableEntity
	case refused && refusal.Kind == access.TooMany:
		f.Kind, status = "wait", http.StatusTooManyRequests
		v.w.Header().Set("Retry-After", strconv.Itoa(int(refusal.Wait.Seconds())+1))
	case refused, waiting, projections.Unavailable(err), errors.Is(err, context.DeadlineExceeded):
		f.Kind, status = "unavailable", http.StatusServiceUnavailable
		v.w.Header().Set("Retry-After", "5")
	}
	if status >= http.StatusInternalServerError {
		v.failed(v.r.Context(), v.page.pattern, err)
	}
	body, err := v.body(&answer{template: "failure", title: v.T("failure." + f.Kind), data: f})
	if err != nil {
		http.Error(v.w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	v.status = status
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(body)
}

func rolesOf(operation string) []access.Role {
	roles, _ := access.RolesOf(operation)
	return roles
}
