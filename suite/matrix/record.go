package matrix

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/scfcert/scfcert/suite"
)

// record tells with which settings each run was certified. It stays beside the reports and is for its owner only: who has
// it could try out the values of variables.
type record map[string]string

const (
	recordName = ".resume.json"
	maxRecord  = 1 << 20
)

// readRecord gives an empty one where there is none that can be used: then everything is certified.
func readRecord(dir string) record {
	r := record{}
	file, err := os.Open(filepath.Join(filepath.Clean(dir), recordName))
	if err != nil {
		return r
	}
	defer file.Close() //nolint:errcheck // it was only read
	if json.NewDecoder(io.LimitReader(file, maxRecord)).Decode(&r) != nil || r == nil {
		return record{}
	}
	return r
}

func (r record) write(dir string) error {
	if err := r.replace(dir); err != nil {
		return fmt.Errorf("note what is certified: %w; make the folder writable, or name another one with --report-dir", err)
	}
	return nil
}

// replace writes the whole file, or leaves what is there.
func (r record) replace(dir string) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err //nolint:wrapcheck // wrapped by the caller
	}
	file, err := os.CreateTemp(dir, recordName+"-") // readable for its owner only
	if err != nil {
		return err //nolint:wrapcheck // as above
	}
	_, err = file.Write(text)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(file.Name(), filepath.Join(dir, recordName))
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err //nolint:wrapcheck // as above
}

// fingerprint changes with whatever decides about a report beside the image's content, and with the report: another call
// may have put one of its own there.
func fingerprint(program string, r *Run, saved []byte) string {
	text, err := json.Marshal([]any{suite.Tool(), program, r.Options, sha256.Sum256(saved)})
	if err != nil {
		panic("options have a member that is no data: " + err.Error()) // which the tests of this package would see
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// thisProgram tells builds apart that have one version, or none. What cannot be told is like no other.
func thisProgram() string {
	path, err := os.Executable()
	if err != nil {
		return rand.Text()
	}
	file, err := os.Open(filepath.Clean(path))
	if err != nil {
		return rand.Text()
	}
	defer file.Close() //nolint:errcheck // it was only read
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return rand.Text()
	}
	return hex.EncodeToString(sum.Sum(nil))
}
