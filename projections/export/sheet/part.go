// This file packs the XML of a sheet while it is made: a goroutine compresses
// it into a temporary file, from which it goes into the workbook as it is.

package sheet

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"github.com/klauspost/compress/flate"
)

const (
	// compression makes files 7 % larger than archive/zip does, as excelize uses it.
	compression = 5
	// blockBytes is how much XML is packed at a time, and blocksAhead how many
	// blocks there are to wait.
	blockBytes  = 64 << 10
	blocksAhead = 4
)

// A part is a part of a workbook, packed in a temporary file. It is for one
// goroutine at a time, and has to be closed.
type part struct {
	file *os.File

	full  chan []byte   // what is to be packed; closed when that is all
	empty chan []byte   // what may be filled
	done  chan struct{} // closed when nothing is packed any more
	ended bool          // full is closed
	size  int64         // of what was written

	// These are there once it is done.
	err    error
	sum    uint32
	packed int64
}

// newPart begins a part in a file that is empty and the part's own.
func newPart(file *os.File) *part {
	p := &part{file: file, full: make(chan []byte, blocksAhead), empty: make(chan []byte, blocksAhead+1), done: make(chan struct{})}
	for range blocksAhead {
		p.empty <- nil
	}
	go func() {
		defer close(p.done)
		p.err = p.pack()
	}()
	return p
}

// pack packs all that is written.
func (p *part) pack() error {
	file := &countingWriter{w: p.file}
	out := bufio.NewWriterSize(file, blockBytes)
	deflate, err := flate.NewWriter(out, compression)
	if err != nil {
		return err
	}
	for block := range p.full {
		p.sum = crc32.Update(p.sum, crc32.IEEETable, block)
		if _, err := deflate.Write(block); err != nil {
			return fmt.Errorf("write a temporary file: %w", err)
		}
		p.empty <- block[:0]
	}
	if err := errors.Join(deflate.Close(), out.Flush()); err != nil {
		return fmt.Errorf("write a temporary file: %w", err)
	}
	p.packed = file.n
	return nil
}

// write takes a block, and returns an empty one in its place. The error may be
// about an earlier one.
func (p *part) write(block []byte) ([]byte, error) {
	p.size += int64(len(block))
	select {
	case p.full <- block:
	case <-p.done:
		return nil, p.err
	}
	select {
	case block = <-p.empty:
		return block, nil
	case <-p.done:
		return nil, p.err
	}
}

// end waits until all is packed.
func (p *part) end() error {
	if !p.ended {
		p.ended = true
		close(p.full)
	}
	<-p.done
	return p.err
}

// deflateVersion is the version of the format that has deflate: 2.0.
const deflateVersion = 20

// copyTo puts a part that has ended into an archive.
func (p *part) copyTo(archive *zip.Writer, name string) error {
	w, err := archive.CreateRaw(&zip.FileHeader{Name: name, CreatorVersion: deflateVersion, ReaderVersion: deflateVersion, Method: zip.Deflate, CRC32: p.sum,
		CompressedSize64: uint64(p.packed), UncompressedSize64: uint64(p.size)})
	if err != nil {
		return err
	}
	_, err = io.Copy(w, io.NewSectionReader(p.file, 0, p.packed))
	return err
}

// close ends a part, be it whole or not, and closes its file.
func (p *part) close() error {
	_ = p.end() // of use only to whoever wants what is in it
	return p.file.Close()
}
