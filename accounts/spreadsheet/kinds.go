// This file knows files that aren't tables by how they begin, so that whoever made
// one is told what it is.

package spreadsheet

import (
	"archive/zip"
	"bytes"
	"io"
	"regexp"
	"strings"
)

// kindBytes is how much of a file is looked at to tell its kind.
const kindBytes = 1 << 10

// A kind is a kind of file, by how it begins.
type kind struct {
	start   *regexp.Regexp
	message string
}

// begins is a pattern at the beginning of a file.
func begins(pattern string) *regexp.Regexp { return regexp.MustCompile(`\A(?s-m:` + pattern + `)`) }

var kinds = []kind{
	{begins(`\x1f\x8b`), "the file is compressed with gzip: unpack it first"},
	{begins(`BZh[1-9]`), "the file is compressed with bzip2: unpack it first"},
	{begins(`(?i)\s*(<!doctype html|<html|<head|<body|<table|<script)`), "the file is a web page (HTML), such as one that asks to sign in: download the file that it leads to"},
	{begins(`\s*<(\?xml|[a-zA-Z!])`), "the file is XML: save it as CSV or as an Excel workbook (.xlsx)"},
	{begins(`%PDF-`), "the file is a PDF: save the table that it was made from as CSV or as an Excel workbook (.xlsx)"},
	{begins(`\{\\rtf`), "the file is a text document (RTF): save the table in it as CSV or as an Excel workbook (.xlsx)"},
	{begins(`\s*(\{\s*("|\})|\[\s*(\{|\[|"|\]|-?[0-9]))`), "the file is JSON: turn it into CSV first"},
	{begins(`PAR1`), "the file is Parquet: turn it into CSV first"},
	{begins(`SQLite format 3\x00`), "the file is a SQLite database: save the table in it as CSV"},
	{begins(`\x89PNG\r\n|GIF8|RIFF`), "the file is an image, or a recording: save the table in it as CSV or as an Excel workbook (.xlsx)"},
}

// otherKind says what a file is that begins like that, where it is no table.
func otherKind(start []byte) error {
	// Patterns match texts: bytes that aren't one stand as the characters of their
	// numbers.
	text := latin1(start)
	for _, k := range kinds {
		if k.start.MatchString(text) {
			return formatError(k.message)
		}
	}
	return nil
}

func latin1(b []byte) string {
	var text strings.Builder
	for _, c := range b {
		text.WriteRune(rune(c))
	}
	return text.String()
}

// otherArchive says what a ZIP archive is by a part that no workbook has; nil where
// there is none.
func otherArchive(parts map[string]*zip.File) error {
	switch {
	case parts["xl/workbook.bin"] != nil:
		return formatError("the file is a binary Excel workbook (.xlsb): save it as .xlsx")
	case parts["word/document.xml"] != nil:
		return formatError("the file is a Word document (.docx): save the table in it as CSV or as an Excel workbook (.xlsx)")
	case parts["ppt/presentation.xml"] != nil:
		return formatError("the file is a PowerPoint presentation (.pptx): save the table in it as CSV or as an Excel workbook (.xlsx)")
	case parts["index/document.iwa"] != nil:
		return formatError("the file is of Apple's Numbers or Pages: export it as CSV or as an Excel workbook (.xlsx)")
	case bytes.HasPrefix(beginningOf(parts["mimetype"]), []byte("application/vnd.oasis.opendocument.")):
		return formatError("the file is an OpenDocument file (.ods): save it as CSV or as an Excel workbook (.xlsx)")
	case parts["_rels/.rels"] == nil:
		return formatError("the file is a ZIP archive without a workbook: unpack it first")
	}
	return nil
}

// beginningOf is how a part begins; nil for none.
func beginningOf(part *zip.File) []byte {
	if part == nil {
		return nil
	}
	r, err := part.Open()
	if err != nil {
		return nil
	}
	defer r.Close()
	start, _ := io.ReadAll(io.LimitReader(r, kindBytes)) // what can be read is enough
	return start
}
