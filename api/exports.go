// This file serves the files of users and of viewing sessions.

package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"boxoffice/access"
	"boxoffice/domain"
	"boxoffice/projections"
	"boxoffice/projections/export"
)

// maxExports is how many files are made at a time: each holds a connection to
// the database and some tens of megabytes.
const maxExports = 4

// exportSlots has an element for each file that is being made.
type exportSlots chan struct{}

// take takes a slot; the caller releases it.
func (s exportSlots) take() error {
	select {
	case s <- struct{}{}:
		return nil
	default:
		return unavailable("as many exports as the service makes at a time are under way; try again")
	}
}

func (s exportSlots) release() { <-s }

// FormatParam is the form of a file.
type FormatParam struct {
	Format string `query:"format" enum:"xlsx,csv" default:"xlsx" doc:"Excel workbook, or CSV (UTF-8, RFC 4180)"`
	BOM    bool   `query:"bom" doc:"Begin a CSV with a byte order mark, which Excel wants"`
}

type exportUsersInput struct {
	FormatParam
	UserListParams
}

type exportSessionsInput struct {
	FormatParam
	UserID string `query:"user_id" doc:"Only this user's sessions"`
	PeriodParams
}

const exportDescription = "Streamed, all of one moment, however many rows. " +
	"Times are in the platform's time zone. A workbook has real dates and numbers, and a sheet About that says what the columns mean; " +
	"past 1,048,575 rows it goes on in a further sheet. In a CSV, text that begins with =, +, - or @ has an apostrophe before it."

func (s *service) registerExports() {
	op := register(s, operation{
		id: "export-users", method: http.MethodGet, path: "/v1/exports/users", tag: "Users",
		summary:     "The list of users as a file",
		description: "With the filters and the sort of the list. " + exportDescription + " The platform's own fields are columns custom.<key>.",
		noDeadline:  true,
	}, s.exportUsers)
	op.Responses["200"] = fileResponse()
	op = register(s, operation{
		id: "export-sessions", method: http.MethodGet, path: "/v1/exports/sessions", tag: "Viewing",
		summary:     "Viewing sessions as a file",
		description: "One user's, or, without user_id, everybody's, latest first. " + exportDescription,
		errors:      []int{http.StatusNotFound},
		noDeadline:  true,
	}, s.exportSessions)
	op.Responses["200"] = fileResponse()
}

func fileResponse() *huma.Response {
	return &huma.Response{Description: "The file", Content: map[string]*huma.MediaType{
		export.XLSX.ContentType(): {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		"text/csv":                {Schema: &huma.Schema{Type: huma.TypeString}},
	}}
}

func (s *service) exportUsers(_ context.Context, in *exportUsersInput) (*huma.StreamResponse, error) {
	filter, asOf, err := s.userFilter(&in.UserListParams)
	if err != nil {
		return nil, err
	}
	q := projections.UsersQuery{Filter: filter, Sort: projections.UserSort(in.Sort), At: s.orNow(asOf)}
	return s.exportFile("users", in.FormatParam, filtersOf(in), func(ctx context.Context, w io.Writer, o export.Options) error {
		result, err := export.Users(ctx, s.Reader, q, w, o)
		access.AboutMany(ctx, int(result.Rows))
		if errors.Is(err, export.ErrColumns) {
			err = newProblem(http.StatusUnprocessableEntity, err.Error()+": ask for fewer users")
		}
		return err
	}), nil
}

func (s *service) exportSessions(_ context.Context, in *exportSessionsInput) (*huma.StreamResponse, error) {
	p := s.params()
	q := projections.SessionsQuery{UserID: in.UserID, At: s.now()}
	if in.UserID != "" {
		p.check("query.user_id", in.UserID, domain.ValidUserID(in.UserID))
	}
	q.From, q.To = p.period(in.PeriodParams)
	if err := p.err(); err != nil {
		return nil, err
	}
	return s.exportFile("sessions", in.FormatParam, filtersOf(in), func(ctx context.Context, w io.Writer, o export.Options) error {
		if in.UserID != "" {
			access.About(ctx, in.UserID)
		}
		result, err := export.Sessions(ctx, s.Reader, q, w, o)
		if in.UserID == "" {
			access.AboutMany(ctx, int(result.Rows))
		}
		return err
	}), nil
}

// exportFile answers with a file that write makes.
func (s *service) exportFile(name string, f FormatParam, filters []export.Filter, write func(context.Context, io.Writer, export.Options) error) *huma.StreamResponse {
	o := export.Options{Format: export.Format(f.Format), BOM: f.BOM, Filters: filters, TempDir: s.TempDir}
	header := map[string]string{
		"Content-Type": o.Format.ContentType(),
		"Content-Disposition": fmt.Sprintf("attachment; filename=%q",
			name+"-"+s.Clock().In(s.Zone).Format("2006-01-02")+"."+f.Format),
	}
	return s.stream(header, func(ctx context.Context, w io.Writer) error {
		if err := s.exports.take(); err != nil {
			return err
		}
		defer s.exports.release()
		return write(ctx, w, o)
	})
}

// filtersOf returns the parameters of a request that say what the file has in it,
// as they were given.
func filtersOf(in any) []export.Filter {
	var filters []export.Filter
	var add func(v reflect.Value)
	add = func(v reflect.Value) {
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if field.Anonymous {
				add(v.Field(i))
				continue
			}
			name, value := field.Tag.Get("query"), v.Field(i).String()
			if value != "" && name != "format" && name != "bom" && name != "as_of" {
				filters = append(filters, export.Filter{Name: name, Value: value})
			}
		}
	}
	add(reflect.ValueOf(in).Elem())
	return filters
}
