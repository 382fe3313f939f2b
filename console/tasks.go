// This file keeps what goes on after its request has been answered, an erasure or
// an import, so that pages can say how far it is.

package console

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"boxoffice/access"
)

const (
	// tasksLast is how long a task is known after its page was last asked for.
	tasksLast = time.Hour
	// tasksAwaited is how long a form waits for a task that may be over soon.
	tasksAwaited = 3 * time.Second
	// lookAgain is after how many seconds the page of a running task asks itself again.
	lookAgain = 2
)

// A task is something that goes on by itself.
type task interface {
	// running says that it is under way.
	running() bool
	// discard lets go of what it holds, unless it is running: false then.
	discard() bool
}

// tasks are those of this process, by their random ids. Each belongs to the
// session that began it, and nobody else finds it.
type tasks struct {
	mu  sync.Mutex
	all map[string]*ownedTask
}

type ownedTask struct {
	task
	owner string
	// expires ends it, where nobody looks at it any more.
	expires *time.Timer
}

// newTaskID makes up the id of a task.
func newTaskID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

// isTaskID says that a text is the id of a task as newTaskID makes them.
func isTaskID(text string) bool {
	id, err := hex.DecodeString(text)
	return err == nil && len(id) == 16
}

// add adds a task; false where there is one of that id.
func (ts *tasks) add(id, owner string, t task) bool {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if _, there := ts.all[id]; there {
		return false
	}
	ts.all[id] = &ownedTask{t, owner, time.AfterFunc(tasksLast, func() { ts.expire(id) })}
	return true
}

// find finds a task of an owner, and keeps it for longer.
func (ts *tasks) find(id, owner string) (task, bool) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	t, ok := ts.all[id]
	if !ok || t.owner != owner {
		return nil, false
	}
	t.expires.Reset(tasksLast)
	return t.task, true
}

// running says that there is such a task of an owner, and that it is under way.
func (ts *tasks) running(id, owner string) bool {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	t, ok := ts.all[id]
	return ok && t.owner == owner && t.task.running()
}

// expire drops a task, unless it is running still.
func (ts *tasks) expire(id string) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t, ok := ts.all[id]; ok && !ts.drop(id, t) {
		t.expires.Reset(tasksLast)
	}
}

// dropAll drops the tasks of an owner of which which holds, but for those that are
// running still.
func (ts *tasks) dropAll(owner string, which func(task) bool) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for id, t := range ts.all {
		if t.owner == owner && which(t.task) {
			ts.drop(id, t)
		}
	}
}

// drop drops a task; false where it is running. The caller has the lock.
func (ts *tasks) drop(id string, t *ownedTask) bool {
	if !t.discard() {
		return false
	}
	t.expires.Stop()
	delete(ts.all, id)
	return true
}

// anyTask holds of each.
func anyTask(task) bool { return true }

// taskID is the id of the task in a path.
func taskID(r *http.Request) string { return chi.URLParam(r, "task") }

// taskOf is the task that the path names.
func taskOf[T task](v *visit) (T, error) {
	var none T
	t, ok := v.tasks.find(taskID(v.r), v.owner())
	if !ok {
		return none, errNoPage
	}
	own, ok := t.(T)
	if !ok {
		return none, errNoPage
	}
	return own, nil
}

// owner is the session to which what the visit begins belongs.
func (v *visit) owner() string { return v.Browser.SessionID(v.r) }

// inBackground runs f beyond the request, for who asked for it: its context ends
// when they sign out, or what they signed in with isn't good any more, and not when
// nobody looks. What breaks is handed to broken, as an error without what it was
// about.
func (v *visit) inBackground(what string, f func(context.Context), broken func(error)) error {
	look := v.r.Clone(context.WithoutCancel(v.r.Context()))
	look.Method = http.MethodGet // the form has been looked at
	ctx, done, err := v.begun.Admit(look, v.page.operation)
	if err != nil {
		return err
	}
	owner := v.owner()
	go func() {
		defer done()
		defer func() {
			if recover() != nil {
				v.Logger.Error("what goes on in the background broke", "task", what, "stack", string(debug.Stack()))
				broken(errBroken)
			}
		}()
		f(ctx)
		if ctx.Err() != nil {
			v.Logger.Warn("a task was stopped: who began it isn't signed in any more", "task", what)
			v.tasks.dropAll(owner, anyTask) // nobody finds them any more
		}
	}()
	return nil
}

// awaitBriefly waits for a task that may be over soon.
func (v *visit) awaitBriefly(ended <-chan struct{}) {
	select {
	case <-ended:
	case <-time.After(tasksAwaited):
	case <-v.r.Context().Done():
	}
}

// shown makes the entry of what a page shows about people, where the page itself
// has none.
func (v *visit) shown(operation string, ids []string) error {
	_, end, err := v.Audit.Begin(v.r.Context(), access.Call{Operation: operation, Method: http.MethodGet, UserIDs: ids})
	if err == nil {
		end(http.StatusOK)
	}
	return err
}
