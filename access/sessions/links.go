// This file is links that sign in once.

package sessions

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"boxoffice/internal/sqldb"
)

// MakeLink makes what stands in a link that signs in as the holder, once and
// within ten minutes, and returns it, this once. Tokens of an issuer, which end by
// themselves, have none.
func (s *Store) MakeLink(ctx context.Context, h Holder) (link string, err error) {
	if h.Ends != nil {
		return "", errors.New("make a link to sign in with: what ends by itself has no links")
	}
	link = newValue()
	ends := s.now().Add(LinkLife)
	err = s.db.InTx(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO links (hash, kind, ref, name, role, ends_at) VALUES ($1, $2, $3, $4, $5, $6)",
			hash(link), h.Kind, h.Ref, h.Name, h.Role, micros(ends))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("make a link to sign in with: %w", err)
	}
	return link, nil
}

// Redeem begins a session with a link, which is good for nothing from then on:
// of several who use it at once, in whichever processes, one signs in. False
// where the link is no good.
func (s *Store) Redeem(ctx context.Context, link string) (value string, ok bool, err error) {
	err = s.db.InTx(ctx, func(tx *sqldb.Tx) error {
		ok = false
		var h Holder
		var ends sqldb.Micros
		err := tx.QueryRowContext(ctx, "DELETE FROM links WHERE hash = $1 RETURNING kind, ref, name, role, ends_at", hash(link)).
			Scan(&h.Kind, &h.Ref, &h.Name, &h.Role, &ends)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		now := s.now()
		if err != nil || !now.Before(time.UnixMicro(int64(ends))) {
			return err
		}
		value, ok = newValue(), true
		return insert(ctx, tx, value, h, now)
	})
	if err != nil {
		return "", false, fmt.Errorf("sign in with a link: %w", err)
	}
	return value, ok, nil
}
