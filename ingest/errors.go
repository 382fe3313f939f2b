// This file is what can be wrong with the broker, in terms that callers act on.

package ingest

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

var (
	// ErrUnavailable says that the broker can't be reached or didn't answer in
	// time. Whether it has stored what was published isn't known; publishing it
	// again is safe.
	ErrUnavailable = errors.New("the broker is not available")
	// ErrFull says that the broker takes no more: the stream has reached its
	// limit of bytes, or the server's storage is exhausted. Nothing is dropped
	// to make room.
	ErrFull = errors.New("the broker is full")
	// ErrDenied says that the broker doesn't let this connection publish there.
	ErrDenied = errors.New("the broker does not permit that")
	// ErrTooLarge says that a message is larger than the broker takes at all.
	ErrTooLarge = errors.New("the message is larger than the broker takes")
)

// Codes of JetStream's errors that have no constant in the client.
const (
	codeAccountResources = 10002
	codeResources        = 10023
	codeMemoryResources  = 10028
	codeStorageResources = 10047
	codeStoreFailed      = 10077
	codeBatchDisabled    = 10174
	codeBatchIncomplete  = 10176
	codeBatchInflight    = 10210
	codeMessageTooLarge  = 10054
)

// publishError says what a failure of publishing means, with the broker's own
// words behind it.
func publishError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", classify(err), err)
}

func classify(err error) error {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode {
		case codeAccountResources, codeResources, codeMemoryResources, codeStorageResources, codeStoreFailed:
			return ErrFull
		case codeMessageTooLarge:
			return ErrTooLarge
		}
		return ErrUnavailable
	}
	switch {
	case errors.Is(err, nats.ErrMaxPayload):
		return ErrTooLarge
	case errors.Is(err, nats.ErrPermissionViolation), errors.Is(err, nats.ErrAuthorization):
		return ErrDenied
	case errors.Is(err, context.Canceled):
		return context.Canceled
	}
	return ErrUnavailable
}

// apiCode returns the code of JetStream's error, 0 where err isn't one.
func apiCode(err error) int {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return int(api.ErrorCode)
	}
	return 0
}
