package domain

import "testing"

// progressReport is what a player sends every ten seconds: most of all events
// are like it.
var progressReport = []byte(`{"specversion":"1.0","id":"8c1f2c9e-2f0b-4a1e-9c53-0d8a6d9c7e11","source":"/player/web","type":"playback.progressed",` +
	`"subject":"auth0|5f7c1d2e","time":"2026-11-23T12:00:00.123Z","datacontenttype":"application/json",` +
	`"data":{"session_id":"s-9d2c1a77","content_id":"movie-1042","position_s":1234.567,"played":[[0,600.5],[610,1234.567]],` +
	`"play_time_s":1220.1,"device":"tv","platform":"android-tv"}}`)

func benchmarkNow() Instant {
	now, err := ParseInstant("2026-11-23T12:00:01Z")
	if err != nil {
		panic(err)
	}
	return now
}

func BenchmarkDecode(b *testing.B) {
	now := benchmarkNow()
	m := &Message{NATSSubject: "boxoffice.events.playback.progressed", Body: progressReport}
	b.ReportAllocs()
	b.SetBytes(int64(len(m.Body)))
	for b.Loop() {
		if _, refusal := Decode(m, now); refusal != nil {
			b.Fatal(refusal)
		}
	}
}

func BenchmarkContent(b *testing.B) {
	e, refusal := Decode(&Message{Body: progressReport}, benchmarkNow())
	if refusal != nil {
		b.Fatal(refusal)
	}
	buffer := e.Content()
	b.ReportAllocs()
	for b.Loop() {
		buffer = e.AppendContent(buffer[:0])
	}
}

func BenchmarkRestore(b *testing.B) {
	e, refusal := Decode(&Message{Body: progressReport}, benchmarkNow())
	if refusal != nil {
		b.Fatal(refusal)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Restore(e.Type, e.Stamp, e.Subject, e.Public, e.Personal); err != nil {
			b.Fatal(err)
		}
	}
}
