// This file takes a table of users: the file is uploaded and kept, and a dry run
// begins that says what would become of each row.

package console

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"strings"
	"time"

	"boxoffice/access/browser"
	"boxoffice/internal/tempfile"
)

const (
	// maxUploaded is how large a file may be, in bytes.
	maxUploaded = 128 << 20
	// uploadStall is how long a browser may send nothing.
	uploadStall = 60 * time.Second
	// maxNameBytes is how much of a file's name is shown.
	maxNameBytes = 200
)

// An importForm is what the page shows on which a file is chosen.
type importForm struct {
	CSRF string
	// Wrong is why the file wasn't taken: the key of a text.
	Wrong string
	Most  int64
}

func (v *visit) chooseImport() (*answer, error) { return v.importForm("", http.StatusOK), nil }

func (v *visit) importForm(wrong string, status int) *answer {
	return &answer{template: "import", title: v.T("import.title"), status: status, data: &importForm{CSRF: v.token(), Wrong: wrong, Most: maxUploaded}}
}

// The reasons for which a file isn't taken; keys of texts.
var (
	errNoFile    = errors.New("import.no-file")
	errFileSize  = errors.New("import.too-large")
	errFileCount = errors.New("import.too-many")
)

func (v *visit) uploadImport() (*answer, error) {
	j, err := v.receive()
	switch {
	case errors.Is(err, errNoFile):
		return v.importForm(err.Error(), http.StatusUnprocessableEntity), nil
	case errors.Is(err, errFileSize):
		return v.importForm(err.Error(), http.StatusRequestEntityTooLarge), nil
	case errors.Is(err, errFileCount):
		return v.importForm(err.Error(), http.StatusServiceUnavailable), nil
	case err != nil:
		return nil, err
	}
	id := newTaskID()
	v.tasks.add(id, v.owner(), j)
	ended, err := v.beginImport(j, true, nil)
	if err != nil {
		return nil, err
	}
	v.awaitBriefly(ended)
	return &answer{redirect: "/users/import/" + id}, nil
}

// receive keeps the file that is uploaded.
func (v *visit) receive() (*importing, error) {
	part, err := v.uploadedFile()
	if err != nil {
		return nil, err
	}
	if !v.takeUpload() {
		return nil, errFileCount
	}
	j := &importing{server: v.server, name: fileName(part.FileName())}
	if j.file, err = tempfile.New(); err == nil {
		j.size, err = io.Copy(j.file, io.LimitReader(part, maxUploaded+1))
	}
	if err == nil && j.size == 0 {
		err = errNoFile
	}
	if err == nil && j.size > maxUploaded {
		err = errFileSize
	}
	if err != nil {
		j.discard()
		return nil, err
	}
	return j, nil
}

// takeUpload takes a place for a file; false where there is none. Files that the
// same session has uploaded before, and that it isn't importing, make room.
func (v *visit) takeUpload() bool {
	if v.uploads.take() {
		return true
	}
	v.tasks.dropAll(v.owner(), func(t task) bool {
		j, ok := t.(*importing)
		return ok && j.holdsFile()
	})
	return v.uploads.take()
}

// uploadedFile is the part of the form that is the file. What comes before it is
// the session's token, which has let the request through the gate.
func (v *visit) uploadedFile() (*multipart.Part, error) {
	kind, params, err := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return nil, errInput
	}
	form := multipart.NewReader(&patientBody{http.NewResponseController(v.w), v.r.Body}, params["boundary"])
	for range 2 {
		part, err := form.NextPart()
		if err != nil {
			return nil, errInput
		}
		switch part.FormName() {
		case browser.FormField:
		case "file":
			if part.FileName() == "" {
				return nil, errNoFile
			}
			return part, nil
		default:
			return nil, errInput
		}
	}
	return nil, errNoFile
}

// A patientBody is a body that may take as long as it likes, as long as it keeps
// coming.
type patientBody struct {
	conn *http.ResponseController
	body io.Reader
}

func (b *patientBody) Read(p []byte) (int, error) {
	_ = b.conn.SetReadDeadline(time.Now().Add(uploadStall)) // where it can't be set, there is none
	n, err := b.body.Read(p)
	_ = b.conn.SetReadDeadline(time.Time{})
	return n, err
}

// fileName is the name of a file as it is shown.
func fileName(name string) string {
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, "\uFFFD"), `\`, "/"))
	return strings.ToValidUTF8(name[:min(len(name), maxNameBytes)], "")
}
