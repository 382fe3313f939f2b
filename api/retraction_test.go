package api

import (
	"encoding/json"
	"net/http"
	"testing"
)

// retraction is an event that retracts another one, of the same user.
func retraction(t *testing.T, at, event string) string {
	t.Helper()
	var named struct{ Source, ID, Subject string }
	if err := json.Unmarshal([]byte(event), &named); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(map[string]string{"source": named.Source, "id": named.ID})
	if err != nil {
		t.Fatal(err)
	}
	return happened(at, named.Subject, "event.retracted", string(data))
}

// Whoever has nothing left is in no list, and the log knows them all the same:
// what is held about them is given out, their id is taken, and they can be erased.
func TestUserOfWhomEverythingIsRetracted(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		registered := happened("2026-11-01T00:00:00Z", "ana", "user.registered", `{"email":"ana@example.org"}`)
		started := happened("2026-11-02T00:00:00Z", "ana", "subscription.started", `{"subscription_id":"s","offer_id":"o"}`)
		updated := happened("2026-11-03T00:00:00Z", "ana", "user.updated", `{"email":"wrong@example.org"}`)
		w.happen(registered, started, updated)
		w.happen(retraction(t, "2026-11-23T11:57:00Z", updated))
		if user := w.edit("ana", `{}`).profile(http.StatusOK); user["email"] != "ana@example.org" || user["updated_at"] != "2026-11-01T00:00:00Z" {
			t.Errorf("without the update, the user is %v", user)
		}
		w.happen(retraction(t, "2026-11-23T11:58:00Z", registered), retraction(t, "2026-11-23T11:59:00Z", started))

		w.get(RoleAdmin, "/v1/users/ana").problem(http.StatusNotFound)
		w.shows(RoleAdmin, "/v1/user-counts", `{"registered":0,"active":0,"canceled":0,"total":0}`)
		var held struct {
			User   any
			Events []struct{ Event struct{ Type string } }
		}
		body := w.get(RoleAdmin, "/v1/users/ana/data").ok(http.StatusOK).Body.Bytes()
		if err := json.Unmarshal(body, &held); err != nil || held.User != nil || len(held.Events) != 6 ||
			held.Events[0].Event.Type != "user.registered" || held.Events[5].Event.Type != "event.retracted" {
			t.Errorf("held about them is %s: %v", body, err)
		}
		w.create(`{"id":"ana"}`).problem(http.StatusConflict)
		w.erase("ana").ok(http.StatusNoContent)
		w.get(RoleAdmin, "/v1/users/ana/data").problem(http.StatusNotFound)
	})
}

// Who registers again after an erasure is somebody else: neither takes back what is
// the other's. Without their registration they are there from what is left on.
func TestRetractionsOfWhoRegistersAgain(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		started := happened("2026-11-02T00:00:00Z", "ana", "subscription.started", `{"subscription_id":"s","offer_id":"o"}`)
		again := happened("2026-11-05T00:00:00Z", "ana", "user.registered", `{"email":"ana@example.org"}`)
		named := happened("2026-11-07T00:00:00Z", "ana", "user.updated", `{"first_name":"Ana"}`)
		w.happen(happened("2026-11-01T00:00:00Z", "ana", "user.registered", `{"email":"old@example.org"}`), started,
			retraction(t, "2026-11-03T00:00:00Z", named), happened("2026-11-04T00:00:00Z", "ana", "user.erased", `{}`))
		w.happen(again, retraction(t, "2026-11-06T00:00:00Z", started), named)
		w.happen(retraction(t, "2026-11-08T00:00:00Z", again))
		w.happen(happened("2026-11-09T00:00:00Z", "ana", "user.updated", `{"last_name":"Neu"}`))

		user := w.edit("ana", `{}`).profile(http.StatusOK)
		if user["registered_at"] != nil || user["email"] != nil || user["first_name"] != "Ana" || user["last_name"] != "Neu" || user["status_since"] != "2026-11-07T00:00:00Z" {
			t.Errorf("the user is %v", user)
		}
		var month struct{ Registered, Active struct{ Count int } }
		body := w.get(RoleAdmin, "/v1/kpis/2026-11").ok(http.StatusOK).Body.Bytes()
		if err := json.Unmarshal(body, &month); err != nil || month.Registered.Count != 1 || month.Active.Count != 1 {
			t.Errorf("whom was erased isn't counted as before: %s, %v", body, err)
		}
	})
}
