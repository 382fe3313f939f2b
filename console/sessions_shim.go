package console

import (
	"net/http"

	"boxoffice/access"
)

type Sessions interface {
	Current(r *http.Request) (*access.Session, error)
}
