// This file finds out whether the broker syncs to its disk before it
// acknowledges. A client of NATS can't ask that; the servers' monitoring says it.

package ingest

import (
	"context"
	"errors"
)

// Sync says whether what the broker acknowledges survives a power failure.
type Sync string

// What can be known of it.
const (
	SyncAlways  Sync = "always"
	SyncNot     Sync = "not_always"
	SyncUnknown Sync = "unknown"
)

// sync finds it out for this broker: all its servers have to sync.
func (b *Broker) sync(ctx context.Context) (Sync, string) {
	if b.cfg.Embedded != nil {
		return SyncAlways, "the embedded server syncs before it acknowledges"
	}
	if len(b.cfg.MonitorURLs) == 0 {
		return SyncUnknown, "can't be told: no monitoring address of the NATS servers is configured"
	}
	for _, address := range b.cfg.MonitorURLs {
		always, err := syncsAlways(ctx, address)
		if err != nil {
			return SyncUnknown, "can't be told: " + err.Error()
		}
		if !always {
			return SyncNot, "a NATS server has sync_interval other than always: what it acknowledges may be lost in a power failure"
		}
	}
	return SyncAlways, "the NATS servers' monitoring says sync_interval: always"
}

// syncsAlways asks one server's monitoring.
func syncsAlways(ctx context.Context, address string) (bool, error) {
	var varz struct {
		JetStream struct {
			Config *struct {
				SyncAlways bool `json:"sync_always"`
			} `json:"config"`
		} `json:"jetstream"`
	}
	if err := monitor(ctx, address, "varz", &varz); err != nil {
		return false, err
	}
	if varz.JetStream.Config == nil {
		return false, errors.New("the NATS server's monitoring shows no JetStream")
	}
	return varz.JetStream.Config.SyncAlways, nil
}
