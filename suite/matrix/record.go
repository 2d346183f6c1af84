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
	"github.com/scfcert/scfcert/suite/report"
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
	err := report.Replace(filepath.Join(dir, recordName), report.ForOwner, func(w io.Writer) error {
		return json.NewEncoder(w).Encode(r) //nolint:wrapcheck // wrapped below
	})
	if err != nil {
		return fmt.Errorf("note what is certified: %w; make the folder writable, or name another one with --report-dir", err)
	}
	return nil
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
