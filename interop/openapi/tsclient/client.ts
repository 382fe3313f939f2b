// This program calls every operation of the API through openapi-fetch, with the
// types that openapi-typescript makes of the OpenAPI document. boxoffice.d.ts is
// generated when the test runs; see ../../openapi_test.go.
//
// Its arguments are the address of the API and an administrator's key.

import createClient from "openapi-fetch";
import type { components, paths } from "./boxoffice.js";

const [baseUrl, key] = process.argv.slice(2) as [string, string];
// The log can be had in other forms too; this client reads JSON.
type Media = "application/json" | "application/problem+json";
const client = createClient<paths, Media>({ baseUrl, headers: { Authorization: `Bearer ${key}` } });

// of gives the answer, or throws what came instead.
function of<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  if (answer.data === undefined) {
    throw new Error(`${answer.response.url}: ${answer.response.status} ${JSON.stringify(answer.error)}`);
  }
  return answer.data;
}

// done sees to an answer without content.
function done(answer: { error?: unknown; response: Response }): void {
  if (answer.response.status !== 204) {
    throw new Error(`${answer.response.url}: ${answer.response.status} ${JSON.stringify(answer.error)}`);
  }
}

function check(ok: boolean, what: unknown): asserts ok {
  if (!ok) throw new Error(JSON.stringify(what));
}

const id = "auth0|ana/b";
const month = "2026-03";

// Publish
const event: components["schemas"]["CloudEvent"] = {
  specversion: "1.0",
  id: "ts-client-1",
  source: "/client",
  type: "user.updated",
  subject: id,
  time: "2026-03-06T10:00:00Z",
  data: { country: "FR" },
  note: "an extension",
};
const published = of(
  await client.POST("/v1/events", { body: event, headers: { "Content-Type": "application/cloudevents+json" } }),
);
check(published.accepted === 1 && published.refused.length === 0, published);
const batch = of(
  await client.POST("/v1/events", {
    body: [event, { ...event, id: "ts-client-2" }],
    headers: { "Content-Type": "application/cloudevents-batch+json" },
  }),
);
check(batch.accepted === 2, batch);
const nothing = await client.POST("/v1/events", {
  params: { query: { dry_run: true } },
  body: { ...event, type: "no.such" },
  headers: { "Content-Type": "application/cloudevents+json" },
});
check(nothing.error !== undefined && "refused" in nothing.error && nothing.error.refused[0]?.reason === "unknown_type", nothing);

// Service
check(of(await client.GET("/healthz")).status === "ok", "health");
const ready = of(await client.GET("/readyz"));
check(ready.status === "ready" && Object.values(ready.parts).every((part) => part.status === "ready"), ready);
check(of(await client.GET("/openapi.json"))["openapi"] === "3.1.0", "document");

// KPIs
const kpis = of(await client.GET("/v1/kpis/{month}", { params: { path: { month }, query: { as_of: "2026-03-20" } } }));
check(kpis.active?.count === 1 && kpis.unsubscribed?.by_reason.voluntary === 0, kpis);
const change: number | null | undefined = kpis.registered?.change;
check(change === null, kpis);
const months = of(await client.GET("/v1/kpis", { params: { query: { from: month, to: "2026-05" } } }));
check(months.months.length === 3, months);
const days = of(await client.GET("/v1/kpis/{month}/days", { params: { path: { month }, query: { as_of: "2026-03-20" } } }));
check(days.days.length === 20 && days.days[0]?.day === "2026-03-01" && days.days[0].registered === 1, days);
const members = of(await client.GET("/v1/kpis/{month}/{kpi}/users", { params: { path: { month, kpi: "active" } } }));
check(members.users[0]?.id === id && members.erased === 0, members);

// Users
const users = of(await client.GET("/v1/users", { params: { query: { status: "active", sort: "registered_at", limit: 10 } } }));
check(users.users.length === 1 && users.next_cursor === null, users);
const counts = of(await client.GET("/v1/user-counts"));
check(counts.total === counts.active + counts.canceled + counts.registered, counts);
const user = of(await client.GET("/v1/users/{id}", { params: { path: { id } } }));
check(user.subscriptions[0]?.periods[0]?.to === null && user.viewing.sessions === 2, user);
check(user.rentals[0]?.kind === "rental" && user.free_copies[0]?.status === "ended", user);
const missing = await client.GET("/v1/users/{id}", { params: { path: { id: "nobody" } } });
check(missing.error?.status === 404 && missing.error.title !== "", missing);

// Viewing
const viewed = of(await client.GET("/v1/users/{id}/contents", { params: { path: { id } } }));
check(viewed.contents.length === 2, viewed);
const sessions = of(await client.GET("/v1/users/{id}/sessions", { params: { path: { id }, query: { from: "2026-03-01" } } }));
check(sessions.sessions[0]?.state === "ended" && sessions.sessions[0].duration_s === 12.345, sessions);
const everybodys = of(await client.GET("/v1/sessions", { params: { query: { content_id: "film-7" } } }));
check(everybodys.sessions[0]?.user_id === id, everybodys);
const first = of(await client.GET("/v1/contents", { params: { query: { limit: 1 } } }));
check(first.contents[0]?.users === 1 && first.next_cursor !== null, first);
const second = of(await client.GET("/v1/contents", { params: { query: { limit: 1, cursor: first.next_cursor } } }));
check(second.next_cursor === null, second);

// History
const events = of(await client.GET("/v1/events", { params: { query: { limit: 1000, type: "user.registered" } } }));
check(events.events[0]?.position === 1 && events.events[0].event.type === "user.registered", events);
const stream = of(
  await client.GET("/v1/events", { headers: { Accept: "application/x-ndjson" }, parseAs: "text" }),
);
check(typeof stream === "string" && stream.split("\n").length > events.events.length, stream);
const refused = of(await client.GET("/v1/refused", { params: { query: { reason: "invalid_data" } } }));
const [toRepair, toDelete] = refused.refused;
check(toRepair?.reason === "invalid_data" && toRepair.body_base64 === null && toDelete !== undefined, refused);
check(of(await client.GET("/v1/refused-counts")).invalid_data === 2, "counts of what was refused");
const repaired = of(
  await client.POST("/v1/refused/{id}/retry", {
    params: { path: { id: toRepair.id } },
    body: { ...event, id: "ts-client-3" },
    headers: { "Content-Type": "application/cloudevents+json" },
  }),
);
check(repaired.accepted === 1, repaired);
done(await client.DELETE("/v1/refused/{id}", { params: { path: { id: toDelete.id } } }));

// Files: a workbook, a CSV, and what is held about a person
const workbook = await client.GET("/v1/exports/users", { params: { query: { status: "active" } }, parseAs: "arrayBuffer" });
check(workbook.data instanceof ArrayBuffer && workbook.data.byteLength > 1000, workbook.error);
const csv = await client.GET("/v1/exports/sessions", { params: { query: { format: "csv" } }, parseAs: "text" });
check(typeof csv.data === "string" && csv.data.includes("film-7"), csv);
const held = of(await client.GET("/v1/users/{id}/data", { params: { path: { id } } }));
check(held.user?.id === id && held.events.length > 0 && held.sessions.length === 2, held);

// Changes
const made = of(await client.POST("/v1/users", { body: { id: "made|by/ts", email: "made@example.org", custom: { shoe: 38 } } }));
check(made.id === "made|by/ts" && made.status === "registered", made);
const edited = of(
  await client.PATCH("/v1/users/{id}", {
    params: { path: { id: made.id } },
    body: { country: "PT", email: null },
    headers: { "Content-Type": "application/merge-patch+json" },
  }),
);
check(edited.country === "PT" && edited.email === null && edited.custom["shoe"] === 38, edited);
const imported = of(
  await client.POST("/v1/imports/users", {
    body: "id,email\nts-1,one@example.org\nts-2,\n",
    bodySerializer: (table) => table,
    headers: { "Content-Type": "text/csv" },
  }),
);
check("created" in imported && imported.created === 1 && imported.refused[0]?.row === 3, imported);
const erased = of(await client.POST("/v1/erasures", { body: { ids: ["ts-1", "ts-2"] } }));
check(erased.erased[0] === "ts-1" && erased.not_found[0] === "ts-2", erased);
done(await client.DELETE("/v1/users/{id}", { params: { path: { id: made.id } } }));
const trail = of(await client.GET("/v1/audit/trail", { params: { query: { action: "erase-users" } } }));
check(trail.entries.length === 1 && trail.entries[0]?.role === "admin", trail);
