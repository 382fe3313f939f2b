// This file erases users: the question, the erasing itself, a portion at a time,
// and what has come of it.

package console

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"boxoffice/access"
	"boxoffice/accounts"
	"boxoffice/domain"
	"boxoffice/projections"
)

// A question asks whether users are to be erased.
type question struct {
	CSRF string
	// Task is the id of the erasure that the form begins: the same however often it is sent.
	Task  string
	Count int64
	// Names are some of the users, and More is how many there are besides.
	Names []string
	More  int
	// IDs are those who are chosen, Filter who is meant where it is all of a filter.
	IDs    []string
	Filter []param
	Words  []string
	// Has is what the user has, where it is one.
	Has  *projections.UserDetail
	Keep string
	// Typed is the number as it was typed, Wrong says that it isn't the one.
	Typed string
	Wrong bool

	users erased
}

// erased says which users: ids, or else all of a filter at an instant.
type erased struct {
	ids    []string
	filter projections.UserFilter
	at     domain.Instant
}

const (
	// maxNamed is how many users a question names.
	maxNamed = 10
	// countAll is more users than there are.
	countAll = 1 << 30
)

func (v *visit) askErase() (*answer, error) {
	q := v.query()
	ask, err := v.eraseQuestion(q, v.at)
	if err != nil {
		return nil, err
	}
	return v.questionPage(ask, http.StatusOK), nil
}

func (v *visit) questionPage(ask *question, status int) *answer {
	return &answer{template: "erase", title: v.T("erase.title"), data: ask, status: status}
}

// eraseQuestion reads whom a query means.
func (v *visit) eraseQuestion(q *query, at domain.Instant) (*question, error) {
	ask := &question{CSRF: v.token(), Task: newTaskID(), Keep: "/users" + queryText(filterParams(q)), users: erased{at: at}}
	filtered := q.Get("all") == "1" || len(filterParams(q)) > 0
	switch ids := q.Values["id"]; {
	case len(ids) > 0:
		return ask, v.askChosen(ask, ids)
	case filtered:
		return ask, v.askFiltered(ask, q)
	}
	return ask, nil
}

// askChosen asks about users who are named.
func (v *visit) askChosen(ask *question, ids []string) error {
	if len(ids) > accounts.MaxErased {
		return errInput
	}
	for _, id := range ids {
		if domain.ValidUserID(id) != nil {
			return errInput
		}
	}
	found, err := v.Reader.FindUsers(v.r.Context(), ids, nil, ask.users.at)
	if err != nil {
		return err
	}
	for _, id := range ids {
		u, ok := found.ByID[id]
		if !ok || slices.Contains(ask.IDs, id) {
			continue
		}
		ask.IDs = append(ask.IDs, id)
		if len(ask.Names) < maxNamed {
			ask.Names = append(ask.Names, fullName(u))
		}
	}
	ask.Count, ask.More, ask.users.ids = int64(len(ask.IDs)), len(ask.IDs)-len(ask.Names), ask.IDs
	if len(ids) == 1 && ask.Count == 0 {
		return projections.ErrNoUser
	}
	if ask.Count == 1 {
		detail, ok, err := v.Reader.User(v.r.Context(), ask.IDs[0], ask.users.at)
		if err != nil {
			return err
		}
		if ok {
			ask.Has = &detail
		}
		ask.Keep = userPath(ask.IDs[0])
	}
	return v.shown("get-user", ask.IDs)
}

// askFiltered asks about all of a filter.
func (v *visit) askFiltered(ask *question, q *query) error {
	filter, sort, err := filterOf(q)
	if err != nil {
		return err
	}
	ask.users.at = min(instantOr(q.instant("as_of"), v.at), v.at)
	if q.bad {
		return errInput
	}
	ask.users.filter = filter
	_, tokens, _ := v.filterForm(q, sort)
	for _, t := range tokens {
		ask.Words = append(ask.Words, t.Text)
	}
	for name, values := range filterParams(q) {
		ask.Filter = append(ask.Filter, param{name, values[0]})
	}
	slices.SortFunc(ask.Filter, func(a, b param) int { return strings.Compare(a.Name, b.Name) })
	ask.Filter = append(ask.Filter, param{"all", "1"}, param{"as_of", ask.users.at.String()})
	counts, err := v.Reader.UserCounts(v.r.Context(), ask.users.at)
	if err != nil {
		return err
	}
	known := false
	if ask.Count, known = countOf(filter, counts); !known {
		ask.Count, err = v.Reader.CountUsers(v.r.Context(), projections.UsersQuery{Filter: filter, At: ask.users.at, Limit: countAll})
	}
	return err
}

func (v *visit) erase() (*answer, error) {
	id := v.r.PostFormValue("task")
	if !isTaskID(id) {
		return nil, errInput
	}
	address := "/users/erase/" + id
	if _, again := v.tasks.find(id, v.owner()); again { // the form was sent twice
		return &answer{redirect: address}, nil
	}
	ask, err := v.eraseQuestion(v.queryOf(v.r.PostForm), v.at)
	if err != nil {
		return nil, err
	}
	ask.Typed = v.r.PostFormValue("number")
	if ask.Wrong = ask.Count > 1 && typedNumber(ask.Typed) != ask.Count; ask.Wrong || ask.Count == 0 {
		return v.questionPage(ask, http.StatusUnprocessableEntity), nil
	}
	e := &erasure{server: v.server, users: ask.users, total: ask.Count, ended: make(chan struct{})}
	if !v.tasks.add(id, v.owner(), e) {
		return nil, errInput
	}
	if err := v.inBackground("erasing users", e.run, e.end); err != nil {
		e.end(err)
		return nil, err
	}
	v.awaitBriefly(e.ended)
	return &answer{redirect: address}, nil
}

// typedNumber reads a number however its thousands are parted; -1 for none.
func typedNumber(text string) int64 {
	digits := strings.NewReplacer(",", "", ".", "", "'", "", "’", "", " ", "", "\u00a0", "", "\u202f", "").Replace(text)
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// An erasure is users being erased.
type erasure struct {
	*server
	users erased
	total int64
	ended chan struct{}

	mu    sync.Mutex
	state erasureState
}

// An erasureState is how far an erasure is, and the page about it.
type erasureState struct {
	Total, Done, Erased int64
	Running             bool
	// Soon says that some erasures are stored safely, and not in effect everywhere yet.
	Soon bool
	// Reason is why it has stopped; Broken says that this is nothing for people.
	Reason template.HTML
	Broken bool
	stop   error

	Address string
}

func (e *erasure) running() bool {
	select {
	case <-e.ended:
		return false
	default:
		return true
	}
}

func (e *erasure) discard() bool { return !e.running() }

// run erases all, a portion at a time.
func (e *erasure) run(ctx context.Context) {
	err := e.eachPortion(ctx, func(ids []string) error { return e.portion(ctx, ids) })
	if err != nil && !forPeople(err) {
		e.failed(ctx, "erasing users", err)
	}
	e.end(err)
}

// end notes how it ended.
func (e *erasure) end(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.state.stop, e.state.Broken = err, err != nil && !forPeople(err)
	close(e.ended)
}

// forPeople says that an error tells people why something has stopped.
func forPeople(err error) bool {
	_, unavailable := errors.AsType[*accounts.UnavailableError](err)
	_, refused := errors.AsType[*access.Refusal](err)
	return unavailable || refused
}

// eachPortion hands the ids to f, at most as many as are erased at once.
func (e *erasure) eachPortion(ctx context.Context, f func([]string) error) error {
	if e.users.ids != nil {
		return f(e.users.ids)
	}
	query := projections.UsersQuery{Filter: e.users.filter, Sort: projections.ByRegisteredAsc, At: e.users.at, Limit: accounts.MaxErased}
	for {
		page, err := e.Reader.Users(ctx, query)
		if err != nil || len(page.Users) == 0 {
			return err
		}
		if err := f(userIDs(page.Users)); err != nil || page.Next == nil {
			return err
		}
		query.After = page.Next
	}
}

// portion erases some, as an audit entry of its own.
func (e *erasure) portion(ctx context.Context, ids []string) error {
	ctx, end, err := e.Audit.Begin(ctx, access.Call{Operation: "erase-users", Method: http.MethodPost})
	if err != nil {
		return err
	}
	status := http.StatusServiceUnavailable
	defer func() { end(status) }()
	if err := access.Announce(ctx, ids...); err != nil { // afterwards nobody can tell any more who that is
		return err
	}
	gone, err := e.Accounts.Erase(ctx, ids)
	unavailable, ok := errors.AsType[*accounts.UnavailableError](err)
	soon := ok && unavailable.Stored == accounts.StoredSafely
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case err == nil:
		status = http.StatusOK
		e.state.Erased += int64(len(gone))
	case soon:
		e.state.Soon = true
	default:
		return err
	}
	e.state.Done += int64(len(ids))
	return nil
}

// erasing is the page of an erasure.
func (v *visit) erasing() (*answer, error) {
	e, err := taskOf[*erasure](v)
	if err != nil {
		return nil, err
	}
	running := e.running() // before the state, which is the last one then
	e.mu.Lock()
	state := e.state
	e.mu.Unlock()
	state.Reason = v.told(state.stop)
	state.Running, state.Total, state.Address = running, e.total, v.r.URL.RequestURI()
	a := &answer{template: "erased", title: v.T("erase.title"), data: &state}
	if running {
		a.refresh = lookAgain
	}
	return a, nil
}
