package matrix

import (
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
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("note what is certified: %w", err)
	}
	file, err := os.CreateTemp(dir, recordName+"-") // readable for its owner only
	if err != nil {
		return fmt.Errorf("note what is certified: %w", err)
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
		return fmt.Errorf("note what is certified: %w", err)
	}
	return nil
}

// fingerprint changes with whatever decides about a report beside the image's content.
func fingerprint(r *Run) string {
	text, err := json.Marshal([]any{suite.Tool(), r.Options})
	if err != nil {
		panic("options have a member that is no data: " + err.Error()) // which the tests of this package would see
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
