import { CloudEvent, HTTP } from "cloudevents";

const target = "http://127.0.0.1:8080/v1/events";

async function publish({ headers, body }) {
  const answer = await fetch(target, {
    method: "POST",
    headers: { ...headers, Authorization: `Bearer ${process.env.BOXOFFICE_KEY}` },
    body,
  });
  if (answer.status !== 202) {
    throw new Error(`${answer.status}: ${await answer.text()}`);
  }
}

const registered = new CloudEvent({
  id: "js-1",
  source: "/platform/web",
  type: "user.registered",
  subject: "carla",
  time: "2026-03-04T09:00:00.000Z",
  datacontenttype: "application/json",
  data: { email: "carla@example.org", first_name: "Carla", custom: { newsletter: true, genres: ["drama", "noir"] } },
});

// In binary mode the attributes are headers and the body is data; in structured
// mode the body is the whole event.
await publish(HTTP.binary(registered));
await publish(HTTP.structured(registered.cloneWith({ id: "js-2", type: "user.updated", data: { country: "ES" } })));
